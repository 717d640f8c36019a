/**
 * Passages that are talked about, marked over the text: decoration, no part of it. Where they are comes from the daemon;
 * between its words they go along with what is typed.
 */
import { type ChangeDesc, type EditorState, type Extension, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, type Tooltip, ViewPlugin, type ViewUpdate, showTooltip } from '@codemirror/view';

export interface Mark {
  /** The thread. */
  id: string;
  from: number;
  to: number;
}

interface Marks {
  marks: readonly Mark[];
  /** What is about to be commented on. */
  draft: { from: number; to: number } | null;
  active: string | null;
}

/** Those of which the place is known, and those that stay where they are. */
export const setMarks = StateEffect.define<{ put: readonly Mark[]; keep: ReadonlySet<string> }>();
export const setDraft = StateEffect.define<{ from: number; to: number } | null>();
export const setActive = StateEffect.define<string | null>();

/** What the extension asks of the page. */
export interface MarkPorts {
  /** A mark was clicked. */
  chosen(id: string): void;
  /** The marks are elsewhere now. */
  moved(marks: readonly Mark[]): void;
  /** Comment on what is selected. */
  comment(): void;
  canComment(): boolean;
  words: string;
}

/** Along with a change; a passage of which nothing is left is gone. */
export function along<T extends { from: number; to: number }>(passage: T, changes: ChangeDesc): T | null {
  const [from, to] = [changes.mapPos(passage.from, 1), changes.mapPos(passage.to, -1)];
  return from < to ? { ...passage, from, to } : null;
}

const field = StateField.define<Marks>({
  create: () => ({ marks: [], draft: null, active: null }),
  update(value, tr) {
    let { marks, draft, active } = value;
    if (tr.docChanged) {
      marks = marks.flatMap((mark) => along(mark, tr.changes) ?? []);
      draft = draft && along(draft, tr.changes);
    }
    for (const effect of tr.effects) {
      if (effect.is(setMarks)) {
        const { put, keep } = effect.value;
        const within = put.filter(({ from, to }) => from < to && to <= tr.newDoc.length);
        marks = [...marks.filter(({ id }) => keep.has(id)), ...within];
      } else if (effect.is(setDraft)) draft = effect.value;
      else if (effect.is(setActive)) active = effect.value;
    }
    return marks === value.marks && draft === value.draft && active === value.active ? value : { marks, draft, active };
  },
  provide: (of) => EditorView.decorations.from(of, decorate),
});

function decorate({ marks, draft, active }: Marks): DecorationSet {
  const ranges = marks.map(({ id, from, to }) => {
    const name = id === active ? 'commented chosen' : 'commented';
    return Decoration.mark({ class: name, attributes: { 'data-thread': id } }).range(from, to);
  });
  if (draft) ranges.push(Decoration.mark({ class: 'commented draft' }).range(draft.from, draft.to));
  return Decoration.set(ranges, true);
}

export const marksIn = (state: EditorState): readonly Mark[] => state.field(field, false)?.marks ?? [];
export const draftIn = (state: EditorState): { from: number; to: number } | null => state.field(field, false)?.draft ?? null;

/** The smallest passage around a place. */
export function markAt(marks: readonly Mark[], pos: number): Mark | null {
  const around = marks.filter(({ from, to }) => from <= pos && pos <= to);
  return around.reduce<Mark | null>((best, mark) => (best === null || mark.to - mark.from < best.to - best.from ? mark : best), null);
}

/** What stands for several lines, as a table does, is marked as a whole. */
const blockMarks = ViewPlugin.fromClass(
  class {
    constructor(view: EditorView) {
      this.look(view);
    }
    update({ view, state, startState }: ViewUpdate) {
      if (marksIn(state).length > 0 || marksIn(startState).length > 0) this.look(view);
    }
    look(view: EditorView) {
      view.requestMeasure({
        key: this,
        read: () => [...view.contentDOM.querySelectorAll<HTMLElement>('.cm-block')].map((element) => {
          const { from, to } = view.lineBlockAt(view.posAtDOM(element));
          return { element, mark: marksIn(view.state).find((mark) => mark.from < to && mark.to > from) };
        }),
        write: (blocks) => {
          for (const { element, mark } of blocks) element.classList.toggle('commented', mark !== undefined);
        },
      });
    }
  },
);

/** A button beside what is selected. */
const offer = (given: MarkPorts) =>
  showTooltip.compute(['selection'], ({ selection: { main } }): Tooltip | null => {
    if (main.empty || !given.canComment()) return null;
    return {
      pos: main.head,
      above: main.head < main.anchor,
      create() {
        const dom = document.createElement('div');
        dom.className = 'comment-offer';
        const button = dom.appendChild(document.createElement('button'));
        button.type = 'button';
        button.tabIndex = -1;
        button.textContent = given.words;
        button.addEventListener('mousedown', (event) => event.preventDefault());
        button.addEventListener('click', () => given.comment());
        return { dom, offset: { x: 0, y: 6 } };
      },
    };
  });

export const commentMarks = (given: MarkPorts): Extension => [
  field,
  blockMarks,
  offer(given),
  EditorView.updateListener.of((update) => {
    const marks = marksIn(update.state);
    if (marks !== marksIn(update.startState)) given.moved(marks);
  }),
  EditorView.domEventHandlers({
    click(event, view) {
      const hit = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-thread]') : null;
      // What was selected by it is not a click on a mark.
      if (hit?.dataset['thread'] && view.state.selection.main.empty) given.chosen(hit.dataset['thread']);
      return false;
    },
  }),
];
