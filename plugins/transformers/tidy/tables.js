// Only spaces and dashes are other ones afterwards: what a table shows stays. Whatever may be no table is left as it is.

/** A column wider than this is not filled up: one long cell would make every row as long. */
const WIDEST = 60;
const CODE = /(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)/g;
const FORMULA = /\${1,2}(?=\S)([^$]*\S)\${1,2}(?!\d)/g;
const LINK = /\[\[([^\]]*)\]\]/g;
const FENCE = /^(`{3,}|~{3,})(.*)$/;
/** Marks of quotes and items before a table. */
const BEFORE = /^(?:[ \t]*>)*[ \t]*/;
const RULE = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

const NARROW = /[\p{M}\u200b-\u200f\u2060\ufe00-\ufe0f]/u;
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns of a terminal that a text takes, about. @param {string} text */
const widthOf = (text) => [...text].reduce((sum, sign) => sum + (NARROW.test(sign) ? 0 : WIDE.test(sign) ? 2 : 1), 0);

/** Whether a pipe stands in code, a formula or a link: some readers take it for a border, others do not. @param {string} line */
function hasOwnPipe(line) {
  const plain = line.replace(/\\\|/g, '  ');
  const without = plain.replace(CODE, (all) => (all.includes('|') ? '\0' : ''));
  return without.includes('\0') || [FORMULA, LINK].some((sign) => [...without.matchAll(sign)].some(([all]) => all.includes('|')));
}

/** @param {string} row */
function cellsOf(row) {
  const cells = row.trim().split(/(?<!\\)\|/).map((cell) => cell.trim());
  if (cells.length > 1 && cells[0] === '') cells.shift();
  if (cells.length > 1 && cells.at(-1) === '') cells.pop();
  return cells;
}

/** @param {string} line */
function apart(line) {
  const before = BEFORE.exec(line)?.[0] ?? '';
  return { before, row: line.slice(before.length) };
}

/** The table that begins with a line, and how many lines it has; `null` if there is none, or none that is surely one. @param {string[]} lines @param {number} at */
function table(lines, at) {
  const { before, row } = apart(lines[at] ?? '');
  const rule = apart(lines[at + 1] ?? '');
  // Four spaces begin code, not a table, where no item is.
  if (before.includes('\t') || !row.includes('|') || rule.before !== before || !RULE.test(rule.row) || !rule.row.includes('|')) return null;
  const sides = cellsOf(rule.row);
  const rows = [cellsOf(row)];
  if (rows[0]?.length !== sides.length) return null;
  let end = at + 2;
  for (; end < lines.length; end += 1) {
    const next = apart(lines[end] ?? '');
    if (next.before !== before || !next.row.includes('|')) break;
    rows.push(cellsOf(next.row));
  }
  if (lines.slice(at, end).some((line) => hasOwnPipe(line) || /\\$/.test(line))) return null;
  const columns = Math.max(...rows.map((cells) => cells.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.min(WIDEST, Math.max(3, ...rows.map((cells) => widthOf(cells[column] ?? '')))));
  /** @param {string} cell @param {number} column */
  const filled = (cell, column) => {
    const room = Math.max(0, (widths[column] ?? 0) - widthOf(cell));
    const side = sides[column] ?? '';
    if (side.endsWith(':') && side.startsWith(':')) return ' '.repeat(Math.floor(room / 2)) + cell + ' '.repeat(Math.ceil(room / 2));
    return side.endsWith(':') ? ' '.repeat(room) + cell : cell + ' '.repeat(room);
  };
  const dashes = sides.map((side, column) => {
    const [left, right] = [side.startsWith(':') ? ':' : '', side.endsWith(':') ? ':' : ''];
    return left + '-'.repeat((widths[column] ?? 3) - left.length - right.length) + right;
  });
  /** @param {string[]} cells */
  const line = (cells) => `${before}| ${cells.join(' | ')} |`;
  const [head = [], ...body] = rows.map((cells) => Array.from({ length: Math.max(cells.length, sides.length) }, (_, column) => filled(cells[column] ?? '', column)));
  return { made: [line(head), line(dashes), ...body.map(line)], lines: end - at };
}

/** What of a text is properties: lines from `---` to `---`. @param {string[]} lines */
const frontmatter = (lines) => (lines[0] === '---' ? lines.indexOf('---', 1) + 1 : 0);

codex.transformer(({ text = '' }) => {
  const ending = text.includes('\r\n') ? '\r\n' : '\n';
  // Line ends of two kinds stay as they are.
  if (text.replaceAll(ending, '').match(/[\r\n]/)) return null;
  const lines = text.split(ending);
  const made = lines.slice(0, frontmatter(lines));
  /** What the code began with that is open. @type {string | null} */
  let fence = null;
  for (let at = made.length; at < lines.length; ) {
    const line = lines[at] ?? '';
    const mark = FENCE.exec(apart(line).row);
    if (mark && fence === null) fence = mark[1] ?? '';
    else if (mark?.[1]?.startsWith(fence ?? '') && mark[2]?.trim() === '') fence = null;
    const found = fence === null && !mark && !line.startsWith('    ') ? table(lines, at) : null;
    made.push(...(found?.made ?? [line]));
    at += found?.lines ?? 1;
  }
  return { text: made.join(ending) };
});
