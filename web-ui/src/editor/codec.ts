/** Between a file's characters and the editor's: a byte order mark and Windows line ends stay as they were. */
import type { Text } from '@codemirror/state';

export interface Shape {
  bom: boolean;
  crlf: boolean;
}

/** How a file's text is laid out. Line ends are turned only when all of them are `\r\n`. */
export function shapeOf(text: string): Shape {
  const breaks = text.match(/\n/g)?.length ?? 0;
  const pairs = text.match(/\r\n/g)?.length ?? 0;
  return { bom: text.startsWith('\uFEFF'), crlf: breaks > 0 && pairs === breaks };
}

/** Where a place of the editor's text is in the file's. */
export function inFile(doc: Text, pos: number, shape: Shape): number {
  return pos + (shape.bom ? 1 : 0) + (shape.crlf ? doc.lineAt(pos).number - 1 : 0);
}

/** Where a place of the file's text is in the editor's; what is between the two letters of a line end is before it. */
export function inEditor(doc: Text, at: number, shape: Shape): number {
  const bare = Math.max(0, at - (shape.bom ? 1 : 0));
  if (!shape.crlf) return Math.min(bare, doc.length);
  let [low, high] = [1, doc.lines];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (doc.line(middle).from + middle - 1 <= bare) low = middle;
    else high = middle - 1;
  }
  return Math.min(bare - (low - 1), doc.line(low).to);
}

export function decode(text: string, shape: Shape): string {
  const bare = shape.bom && text.startsWith('\uFEFF') ? text.slice(1) : text;
  return shape.crlf ? bare.replaceAll('\r\n', '\n') : bare;
}

export function encode(text: string, shape: Shape): string {
  const lines = shape.crlf ? text.replaceAll('\n', '\r\n') : text;
  return shape.bom ? `\uFEFF${lines}` : lines;
}
