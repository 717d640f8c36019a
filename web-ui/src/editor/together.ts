/**
 * Others in this text: where they stand, and what they have typed that no save carries yet. It is shown over the text and
 * is no part of it: a word in grey comes into the text with the save that follows.
 */
import { ChangeSet, type Extension, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';
import type { Heard, Presence } from '../api/types';
import { sameVersion, versionOf } from './buffer';

/** What this page has typed since the version that its text was made from. */
export interface Own {
  etag: string;
  unsaved: ChangeSet;
}

interface Other {
  name: string;
  colour: string;
  version: string;
  /** As they were sent: they mean something only on a text of that version. */
  changes: unknown;
  head: number | null;
}

/** Longest piece of unsaved text that is shown. */
const GHOST_LETTERS = 2000;

class Ghost extends WidgetType {
  constructor(
    readonly text: string,
    readonly colour: string,
  ) {
    super();
  }
  override eq(other: Ghost): boolean {
    return this.text === other.text && this.colour === other.colour;
  }
  override toDOM(): HTMLElement {
    const ghost = document.createElement('span');
    ghost.className = 'cm-other-text';
    ghost.style.setProperty('--other', this.colour);
    ghost.textContent = this.text.length > GHOST_LETTERS ? `${this.text.slice(0, GHOST_LETTERS)}…` : this.text;
    return ghost;
  }
}

class Caret extends WidgetType {
  constructor(
    readonly name: string,
    readonly colour: string,
  ) {
    super();
  }
  override eq(other: Caret): boolean {
    return this.name === other.name && this.colour === other.colour;
  }
  override toDOM(): HTMLElement {
    const caret = document.createElement('span');
    caret.className = 'cm-other-caret';
    caret.style.setProperty('--other', this.colour);
    caret.setAttribute('aria-hidden', 'true');
    const label = caret.appendChild(document.createElement('span'));
    label.className = 'cm-other-name';
    label.textContent = this.name;
    return caret;
  }
  override ignoreEvent(): boolean {
    return true;
  }
}

const shown = StateEffect.define<DecorationSet>();

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, tr) {
    for (const effect of tr.effects) if (effect.is(shown)) return effect.value;
    return tr.docChanged ? value.map(tr.changes) : value;
  },
  provide: (of) => EditorView.decorations.from(of),
});

/** Changes that somebody else sent; `null` if they are none of a text of this length. */
function read(changes: unknown, length: number): ChangeSet | null {
  try {
    const set = ChangeSet.fromJSON(changes);
    return set.length === length ? set : null;
  } catch {
    return null;
  }
}

/** Where somebody stands in this page's text: `head` is in theirs, both were made from one version. */
export function place(head: number, theirs: ChangeSet, own: ChangeSet): number {
  const there = Math.min(Math.max(head, 0), theirs.newLength);
  return own.mapPos(theirs.invertedDesc.mapPos(there, 1), 1);
}

/** Marks of one other page over this page's text; both were made from one version. */
export function marks(other: Other, own: ChangeSet): { from: number; to: number; value: Decoration }[] {
  const found: { from: number; to: number; value: Decoration }[] = [];
  const theirs = (other.changes ? read(other.changes, own.length) : null) ?? ChangeSet.empty(own.length);
  theirs.map(own).iterChanges((from, to, _fromB, _toB, inserted) => {
    if (to > from) found.push({ from, to, value: Decoration.mark({ class: 'cm-other-deleted' }) });
    if (inserted.length > 0) {
      found.push({ from: to, to, value: Decoration.widget({ widget: new Ghost(inserted.toString(), other.colour), side: 1 }) });
    }
  });
  if (other.head !== null) {
    const at = place(other.head, theirs, own);
    found.push({ from: at, to: at, value: Decoration.widget({ widget: new Caret(other.name, other.colour), side: 2 }) });
  }
  return found;
}

/** The others in one text, and what this page says to them. */
export class Together {
  #others = new Map<string, Other>();
  #view: EditorView | null = null;
  #due = false;

  constructor(
    private readonly own: () => Own | null,
    private readonly stir: () => void,
    private readonly present: (people: { page: string; name: string; colour: string }[]) => void,
  ) {}

  /** For the editor. */
  get extension(): Extension {
    return [
      field,
      EditorView.updateListener.of((update) => {
        this.#view = update.view;
        if (update.docChanged || update.selectionSet) this.stir();
        if (update.docChanged && this.#others.size > 0) this.#show();
      }),
    ];
  }

  attach(view: EditorView): void {
    this.#view = view;
    this.#show();
  }

  detach(): void {
    this.#view = null;
  }

  /** What this page says of itself. */
  says(): Presence {
    const own = this.own();
    const range = this.#view?.state.selection.main;
    const says: Presence = {};
    if (own) {
      says.version = versionOf(own.etag);
      if (!own.unsaved.empty) says.changes = own.unsaved.toJSON() as unknown[];
    }
    if (range && this.#view?.hasFocus) says.selection = [range.anchor, range.head];
    return says;
  }

  hear(word: Heard): void {
    if (!word.says) this.#others.delete(word.page);
    else {
      const { version, changes, selection } = word.says;
      this.#others.set(word.page, {
        name: word.name,
        colour: /^#[0-9a-f]{6}$/.test(word.colour) ? word.colour : '#6b7280',
        version: version ?? '',
        changes: changes ?? null,
        head: typeof selection?.[1] === 'number' ? selection[1] : null,
      });
    }
    this.present([...this.#others].map(([page, { name, colour }]) => ({ page, name, colour })));
    this.#show();
  }

  #show(): void {
    if (this.#due) return;
    this.#due = true;
    // Not within the update that called for it; and before anything is painted.
    queueMicrotask(() => {
      this.#due = false;
      this.#view?.dispatch({ effects: shown.of(this.#decorations()) });
    });
  }

  #decorations(): DecorationSet {
    const own = this.own();
    if (!own) return Decoration.none;
    const all = [...this.#others.values()]
      // What was made from another version will be said anew from this one, or is saved already.
      .filter(({ version }) => version !== '' && sameVersion(version, own.etag))
      .flatMap((other) => marks(other, own.unsaved));
    all.sort((a, b) => a.from - b.from || a.value.startSide - b.value.startSide);
    const builder = new RangeSetBuilder<Decoration>();
    for (const { from, to, value } of all) builder.add(from, to, value);
    return builder.finish();
  }
}
