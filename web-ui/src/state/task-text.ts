/** Tasks in the text of an entry: finding a task's line, and changing what it says of when and who. Nothing else changes. Pure. */
import { boxIn } from '../editor/boxes';
import { frontmatterEnd } from '../editor/frontmatter';
import { isDay } from './days';

/** What stands behind the box of a line, and where; `null` if there is no box. */
export function boxOf(line: string): { done: boolean; from: number; text: string } | null {
  const box = boxIn(line);
  if (!box) return null;
  const behind = line.slice(box.to);
  const lead = behind.length - behind.trimStart().length;
  return { done: box.done, from: box.to + lead, text: behind.trim() };
}

/** The line of a task, from 0: where it was read, or the one line that says the same; `null` when that cannot be told. */
export function lineOfTask(lines: readonly string[], line: number, text: string): number | null {
  const says = (at: number) => boxOf(lines[at] ?? '')?.text === text;
  if (says(line - 1)) return line - 1;
  const same = lines.flatMap((_, at) => (says(at) ? [at] : []));
  return same.length === 1 ? (same[0] ?? null) : null;
}

const isDate = (text: string) => isDay(text.slice(0, 10)) && /^.{10}([T ]\S*)?$/.test(text);
const isName = (word: string) => /^@[\p{L}\p{N}]/u.test(word);

/** Words and what is between them, in turn: the words have even places. */
const cut = (text: string): string[] => text.split(/(\s+)/);
const put = (pieces: string[]): string => pieces.join('').trim();

/** Where a text says when: the places of the words that do, each with what comes before the date. */
function dues(pieces: string[]): { at: number; last: number; before: string }[] {
  return pieces.flatMap((word, at) => {
    const given = /^(due:|📅\ufe0f?)(.+)$/u.exec(word);
    if (given?.[1] && given[2] && isDate(given[2])) return [{ at, last: at, before: given[1] }];
    const next = pieces[at + 2];
    return /^📅\ufe0f?$/u.test(word) && next !== undefined && isDate(next) ? [{ at, last: at + 2, before: `${word}${pieces[at + 1] ?? ' '}` }] : [];
  });
}

/** What stands where a text is to say when, and is no day: `2026-02-31`. */
export function badDue(text: string): string | null {
  for (const word of cut(text)) {
    const given = /^(?:due:|📅\ufe0f?)(.+)$/u.exec(word)?.[1];
    if (given !== undefined && !isDate(given)) return given;
  }
  return null;
}

/** Without the words from one place to another, and the space before them. */
function without(pieces: string[], at: number, last: number): string[] {
  return at === 0 ? pieces.slice(last + 2) : [...pieces.slice(0, at - 1), ...pieces.slice(last + 1)];
}

/** A task's text with another due day, in the way in which it is written; `null` takes it away. */
export function withDue(text: string, due: string | null): string {
  let pieces = cut(text);
  const found = dues(pieces);
  const last = found.at(-1);
  if (due === null) {
    // An earlier one would count when the last is gone.
    for (const one of found.reverse()) pieces = without(pieces, one.at, one.last);
    return put(pieces);
  }
  if (!last) return put([text, ` due:${due}`]);
  return put([...pieces.slice(0, last.at), `${last.before}${due}`, ...pieces.slice(last.last + 1)]);
}

/** A task's text with another name; `null` takes the first name away. */
export function withAssignee(text: string, name: string | null): string {
  const pieces = cut(text);
  const at = pieces.findIndex(isName);
  if (name === null) return at < 0 ? text : put(without(pieces, at, at));
  if (at < 0) return put([text, ` @${name}`]);
  const tail = /[^\p{L}\p{N}_/-]*$/u.exec(pieces[at] ?? '')?.[0] ?? '';
  return put([...pieces.slice(0, at), `@${name}${tail}`, ...pieces.slice(at + 1)]);
}

/** A name as a line takes it: without spaces. */
export const nameOnLine = (name: string): string => name.trim().replace(/^@/, '').trim().replace(/\s+/g, '-');

/** A whole text with the text of one task changed; all else stays, byte by byte. */
export function withTaskText(text: string, line: number, change: (text: string) => string): string {
  const lines = text.split('\n');
  const whole = lines[line] ?? '';
  const box = boxOf(whole);
  if (!box) return text;
  lines[line] = `${whole.slice(0, box.from)}${change(box.text)}${whole.slice(box.from + box.text.length)}`;
  return lines.join('\n');
}

/** A whole text with one more task: in a box that waits for one, else behind the last task, else at the end. */
export function withTask(text: string, task: string): string {
  const lines = text.split('\n');
  const end = lines.some((line) => line.endsWith('\r')) ? '\r' : '';
  let last = -1;
  let fence: string | null = null;
  let from = 0;
  const head = frontmatterEnd(text.replaceAll('\r\n', ' \n'));
  for (const [at, line] of lines.entries()) {
    const inHead = from < head;
    from += line.length + 1;
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
      continue;
    }
    if (mark && !inHead) fence = mark;
    const box = inHead ? null : boxOf(line);
    if (!box) continue;
    if (box.text === '' && !box.done) {
      const bare = line.replace(/\s*$/, '');
      lines[at] = `${bare} ${task}${line.endsWith('\r') ? '\r' : ''}`;
      return lines.join('\n');
    }
    last = at;
  }
  if (last >= 0) {
    const lead = /^[\s>]*(?:[-+*]|\d+[.)])/.exec(lines[last] ?? '')?.[0] ?? '-';
    const mark = /\d/.test(lead) ? lead.replace(/\d+/, (n) => String(Number(n) + 1)) : lead;
    lines.splice(last + 1, 0, `${mark} [ ] ${task}${end}`);
    return lines.join('\n');
  }
  const eol = `${end}\n`;
  const gap = text === '' || /\n[ \t]*\r?\n$/.test(text) ? '' : text.endsWith('\n') ? eol : `${eol}${eol}`;
  return `${text}${gap}- [ ] ${task}${eol}`;
}

/** What a task says, without Markdown's marks: for a line of a list. */
export function plainText(text: string): string {
  return text
    .replace(/!?\[\[([^\]|]*\|)?([^\]]*)\]\]/g, '$2')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/(\*\*|__|~~|==)(?=\S)(.+?)(?<=\S)\1/g, '$2')
    .replace(/(?<![\p{L}\p{N}])([*_])(?=\S)(.+?)(?<=\S)\1(?![\p{L}\p{N}])/gu, '$2')
    .replace(/`([^`]+)`/g, '$1');
}
