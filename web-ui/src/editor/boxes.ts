/**
 * The box of a task in a list. `[xx]` and `[  ]` are boxes too: two ticked it, or opened it again, apart from each other, and both
 * letters stand there. Whoever ticks it next leaves one.
 */
const INSIDE = '[ xX]{1,8}';
export const BOX = String.raw`\[${INSIDE}\]`;

/** A list item's mark, and the space behind it. */
export const MARK = String.raw`(?:[-+*]|\d+[.)])[ \t]+`;

export const isDone = (box: string): boolean => /x/i.test(box);

/** The box of a line in a list, also one in a quote: where it begins and ends in the line. */
export function boxIn(line: string): { from: number; to: number; done: boolean } | null {
  const match = AT_START.exec(line);
  const box = match?.[1];
  return match && box !== undefined ? { from: match[0].length - box.length, to: match[0].length, done: isDone(box) } : null;
}
const AT_START = new RegExp(String.raw`^[\s>]*(?:${MARK})+(${BOX})(?=\s|$)`);
