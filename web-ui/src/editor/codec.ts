/** Between a file's characters and the editor's: a byte order mark and Windows line ends stay as they were. */

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

export function decode(text: string, shape: Shape): string {
  const bare = shape.bom && text.startsWith('\uFEFF') ? text.slice(1) : text;
  return shape.crlf ? bare.replaceAll('\r\n', '\n') : bare;
}

export function encode(text: string, shape: Shape): string {
  const lines = shape.crlf ? text.replaceAll('\n', '\r\n') : text;
  return shape.bom ? `\uFEFF${lines}` : lines;
}
