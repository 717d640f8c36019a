/** Keys in tables: Tab goes from cell to cell, Enter makes a row. */
import { syntaxTree } from '@codemirror/language';
import { EditorSelection, type EditorState } from '@codemirror/state';
import { type Command, EditorView, type KeyBinding } from '@codemirror/view';
import { cellsOf, emptyRow, isRuler } from './tables';

interface Cell {
  from: number;
  to: number;
  /** Number of the row's line. */
  line: number;
}

/** The lines of the table that the cursor is in. */
function tableLines(state: EditorState): { first: number; last: number } | null {
  const { main } = state.selection;
  for (const side of [-1, 1] as const) {
    for (let node = syntaxTree(state).resolveInner(main.head, side); node.parent; node = node.parent) {
      if (node.name !== 'Table') continue;
      const [first, last] = [state.doc.lineAt(node.from).number, state.doc.lineAt(node.to).number];
      const line = state.doc.lineAt(main.head).number;
      if (line >= first && line <= last) return { first, last };
    }
  }
  return null;
}

function cells(state: EditorState, { first, last }: { first: number; last: number }): Cell[] {
  const found: Cell[] = [];
  for (let number = first; number <= last; number += 1) {
    const line = state.doc.line(number);
    if (number === first + 1 && isRuler(line.text)) continue;
    for (const { from, to } of cellsOf(line.text)) found.push({ from: line.from + from, to: line.from + to, line: number });
  }
  return found;
}

const select = (view: EditorView, cell: Cell): boolean => {
  view.dispatch({ selection: EditorSelection.range(cell.from, cell.to), scrollIntoView: true, userEvent: 'select' });
  return true;
};

/** An empty row below a line, the cursor in its first cell. */
function addRow(view: EditorView, table: { first: number; last: number }, below: number): boolean {
  const { doc } = view.state;
  const head = doc.line(table.first);
  const indent = /^\s*/.exec(head.text)?.[0] ?? '';
  const at = doc.line(below).to;
  view.dispatch({
    changes: { from: at, insert: `\n${emptyRow(cellsOf(head.text).length, indent)}` },
    selection: { anchor: at + 1 + indent.length + 2 },
    scrollIntoView: true,
    userEvent: 'input',
  });
  return true;
}

const move = (by: 1 | -1): Command => (view) => {
  const { state } = view;
  const table = tableLines(state);
  if (!table || state.readOnly) return false;
  const all = cells(state, table);
  const { head } = state.selection.main;
  const line = state.doc.lineAt(head).number;
  // On the line between head and body, the cell before is the last one of the head.
  let here = all.findLastIndex((cell) => cell.line < line || (cell.line === line && cell.from <= head));
  if (by === -1 && all[here]?.line !== line) here += 1;
  const next = all[here + by];
  if (next) return select(view, next);
  return by === 1 ? addRow(view, table, table.last) : false;
};

const enter: Command = (view) => {
  const { state } = view;
  const table = tableLines(state);
  if (!table || state.readOnly || !state.selection.main.empty) return false;
  const line = state.doc.lineAt(state.selection.main.head);
  // At the very edge of a row, Enter is what it is elsewhere.
  if (state.selection.main.head === line.from || table.last < table.first + 1) return false;
  const empty = cellsOf(line.text).every(({ from, to }) => from === to);
  if (empty && line.number === table.last) {
    view.dispatch({ changes: { from: line.from, to: line.to }, scrollIntoView: true, userEvent: 'delete' });
    return true;
  }
  return addRow(view, table, Math.max(line.number, table.first + 1));
};

const count = (line: string): number => cellsOf(line).length;

/** Whether a bar typed there would be one more than the table has columns for: the row has all its cells. */
export function isFull(row: string, ruler: string): boolean {
  return count(row) >= count(ruler) && /(?<!\\)\|\s*$/.test(row);
}

/** A bar in a cell is a letter, as long as the row needs no more bars; between cells it would tear the table apart. */
export const barsInCells = EditorView.inputHandler.of((view, from, to, text) => {
  const { state } = view;
  const table = text === '|' && !state.readOnly ? tableLines(state) : null;
  if (!table || table.last === table.first) return false;
  const line = state.doc.lineAt(from);
  const ruler = state.doc.line(table.first + 1).text;
  if (to > line.to || line.number === table.first + 1 || !isRuler(ruler) || !isFull(line.text, ruler)) return false;
  // Who writes the backslash first has said so already; outside of the outer bars there is no cell.
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(line.text.slice(0, from - line.from)) || line.text.slice(from - line.from).trim() === '' || line.text.slice(0, from - line.from).trim() === '') return false;
  view.dispatch({ changes: { from, to, insert: '\\|' }, selection: { anchor: from + 2 }, scrollIntoView: true, userEvent: 'input.type' });
  return true;
});

export const tableKeys: KeyBinding[] = [
  { key: 'Tab', run: move(1), shift: move(-1) },
  { key: 'Enter', run: enter },
];
