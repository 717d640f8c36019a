/** Tables as they are written: where the cells of a line are. Pure. */

export interface Span {
  from: number;
  to: number;
}

/** What stands between the bars of a line, without the spaces around it. */
export function cellsOf(line: string): Span[] {
  const bars: number[] = [];
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === '|') bars.push(at);
  }
  const start = line.length - line.trimStart().length;
  const end = line.trimEnd().length;
  const edges = [...(bars[0] === start ? [] : [start - 1]), ...bars, ...(bars.at(-1) === end - 1 && bars.length > 0 ? [] : [end])];
  return edges.slice(1).map((to, n) => {
    const from = (edges[n] ?? 0) + 1;
    const inside = line.slice(from, to);
    if (inside.trim() === '') return { from: Math.min(from + 1, to), to: Math.min(from + 1, to) };
    return { from: from + inside.length - inside.trimStart().length, to: from + inside.trimEnd().length };
  });
}

export const isRuler = (line: string): boolean => /^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$/.test(line) && line.includes('-');

export type Align = 'left' | 'center' | 'right' | null;

export const alignsOf = (ruler: string): Align[] =>
  cellsOf(ruler).map(({ from, to }) => {
    const [left, right] = [ruler[from] === ':', ruler[to - 1] === ':'];
    return left && right ? 'center' : right ? 'right' : left ? 'left' : null;
  });

/** A row without content, with as many cells. */
export const emptyRow = (cells: number, indent: string): string => `${indent}|${'  |'.repeat(cells)}`;
