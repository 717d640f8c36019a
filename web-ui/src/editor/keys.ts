/** Shortcuts for what Markdown can say. Every one is an ordinary edit of the text. */
import { type ChangeSpec, EditorSelection, type EditorState, type Line } from '@codemirror/state';
import type { Command, EditorView, KeyBinding } from '@codemirror/view';
import { BOX, MARK, boxIn } from './boxes';

/** Puts marks around what is selected, or takes them away. */
export const toggleMark = (mark: string): Command => ({ state, dispatch }) => {
  if (state.readOnly) return false;
  const size = mark.length;
  const single = (pos: number, step: 1 | -1) => {
    // `**` around a selection is not `*` around it; `***` is both.
    let run = 0;
    while (state.doc.sliceString(pos + (step === 1 ? run : -run - 1), pos + (step === 1 ? run + 1 : -run)) === mark[0]) run += 1;
    return size === 1 && mark === '*' ? run % 2 === 1 : run >= size;
  };
  const spec = state.changeByRange((selected) => {
    const range = selected.empty ? (state.wordAt(selected.head) ?? selected) : selected;
    if (single(range.from, -1) && single(range.to, 1)) {
      const changes = [{ from: range.from - size, to: range.from }, { from: range.to, to: range.to + size }];
      return { changes, range: EditorSelection.range(selected.anchor - size, selected.head - size) };
    }
    const text = state.doc.sliceString(range.from, range.to);
    if (text.length >= 2 * size && text.startsWith(mark) && text.endsWith(mark)) {
      const changes = [{ from: range.from, to: range.from + size }, { from: range.to - size, to: range.to }];
      return { changes, range: EditorSelection.range(range.from, range.to - 2 * size) };
    }
    const changes = [{ from: range.from, insert: mark }, { from: range.to, insert: mark }];
    return { changes, range: EditorSelection.range(selected.anchor + size, selected.head + size) };
  });
  dispatch(state.update(spec, { userEvent: 'input', scrollIntoView: true }));
  return true;
};

function selectedLines(state: EditorState): Line[] {
  const lines = new Map<number, Line>();
  for (const { from, to } of state.selection.ranges) {
    for (let at = from; at <= to; ) {
      const line = state.doc.lineAt(at);
      lines.set(line.from, line);
      at = line.to + 1;
    }
  }
  return [...lines.values()];
}

/** Each selected line's beginning becomes another one. */
function replaceStarts(view: EditorView, next: (line: Line, index: number) => { length: number; text: string; skip?: number }): boolean {
  const { state } = view;
  if (state.readOnly) return false;
  const changes: ChangeSpec[] = selectedLines(state).map((line, index) => {
    const indent = /^[ \t]*/.exec(line.text)?.[0].length ?? 0;
    const { length, text, skip = 0 } = next(line, index);
    return { from: line.from + indent + skip, to: line.from + indent + skip + length, insert: text };
  });
  const set = state.changes(changes);
  view.dispatch({ changes: set, selection: state.selection.map(set, 1), userEvent: 'input', scrollIntoView: true });
  return true;
}

const HEADING = /^#{1,6}[ \t]+/;
const MARKED = new RegExp(`^${MARK}`);
const ITEM = new RegExp(String.raw`^${MARK}(?:${BOX}[ \t]+)?`);

/** 0 makes it a paragraph; the level that it has, too. */
export const heading = (level: number): Command => (view) =>
  replaceStarts(view, (line) => {
    const now = HEADING.exec(line.text.trimStart())?.[0] ?? '';
    const wanted = level === 0 ? '' : `${'#'.repeat(level)} `;
    return { length: now.length, text: now === wanted ? '' : wanted };
  });

const list = (is: RegExp, mark: (index: number) => string): Command => (view) => {
  const all = selectedLines(view.state).every((line) => is.test(line.text.trimStart()));
  return replaceStarts(view, (line, index) => {
    const now = ITEM.exec(line.text.trimStart())?.[0] ?? '';
    return { length: now.length, text: all ? '' : mark(index) };
  });
};
export const bullets = list(new RegExp(String.raw`^[-+*][ \t]+(?!${BOX}[ \t])`), () => '- ');
export const numbers = list(/^\d+[.)][ \t]+/, (index) => `${index + 1}. `);
export const quote: Command = (view) => {
  const all = selectedLines(view.state).every((line) => /^\s*>/.test(line.text));
  return replaceStarts(view, (line) => {
    const now = /^>[ \t]?/.exec(line.text.trimStart())?.[0] ?? '';
    return { length: all ? now.length : 0, text: all ? '' : '> ' };
  });
};

/** A line becomes a task; a task is done, or is to be done again: one character, as a click on its box. */
export const task: Command = (view) =>
  replaceStarts(view, (line) => {
    const text = line.text.trimStart();
    const box = boxIn(text);
    if (box) return { skip: box.from + 1, length: box.to - box.from - 2, text: box.done ? ' ' : 'x' };
    const now = MARKED.exec(text)?.[0] ?? '';
    return { length: now.length, text: `${now || '- '}[ ] ` };
  });

/** What is selected becomes the text of a link, or its address when it is one. */
const insertLink: Command = ({ state, dispatch }) => {
  const { main } = state.selection;
  // Without a selection the key is the page's: it searches.
  if (main.empty || state.readOnly) return false;
  const text = state.doc.sliceString(main.from, main.to);
  if (text.includes('\n')) return false;
  const address = /^(https?:\/\/|mailto:)\S+$/i.test(text);
  const insert = address ? `[](${text})` : `[${text}]()`;
  const anchor = main.from + (address ? 1 : text.length + 3);
  dispatch(state.update({ changes: { from: main.from, to: main.to, insert }, selection: { anchor }, userEvent: 'input', scrollIntoView: true }));
  return true;
};

export const markdownKeys: KeyBinding[] = [
  { key: 'Mod-b', run: toggleMark('**'), preventDefault: true },
  { key: 'Mod-i', run: toggleMark('*'), preventDefault: true },
  { key: 'Mod-`', run: toggleMark('`'), preventDefault: true },
  { key: 'Mod-Shift-x', run: toggleMark('~~'), preventDefault: true },
  { key: 'Mod-k', run: insertLink },
  { key: 'Mod-Enter', run: task, preventDefault: true },
  { key: 'Mod-Shift-7', run: numbers, preventDefault: true },
  { key: 'Mod-Shift-8', run: bullets, preventDefault: true },
  { key: 'Mod-Shift-9', run: quote, preventDefault: true },
  ...[0, 1, 2, 3, 4, 5, 6].map((level): KeyBinding => ({ key: `Mod-Alt-${level}`, run: heading(level), preventDefault: true })),
];
