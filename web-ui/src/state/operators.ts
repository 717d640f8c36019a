/** The words of a search line that say where to look, and what may stand behind them. Pure. */

/** In the order in which they are explained. */
const OPERATORS = ['tag', 'type', 'status', 'path', 'in', 'title', 'modified', 'created'] as const;

/** What is known of the notebooks: learnt from what is in them. */
export interface Known {
  /** Values by property. */
  values: ReadonlyMap<string, readonly string[]>;
}

export interface Offer {
  /** What will stand there. */
  text: string;
  /** A value ends with a space, an operator goes on. */
  done: boolean;
}

export interface Piece {
  from: number;
  to: number;
  text: string;
}

/** The piece of the line that the caret stands in or behind; quotes hold spaces. */
export function pieceAt(line: string, caret: number): Piece {
  for (const match of line.matchAll(/(?:[^\s"]+|"[^"]*"?)+/g)) {
    const to = match.index + match[0].length;
    if (match.index < caret && caret <= to) return { from: match.index, to, text: match[0] };
  }
  return { from: caret, to: caret, text: '' };
}

export const quoted = (value: string): string => (/[\s"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value);

/** What the piece may become; nothing for a word that is one. */
export function offersFor({ text }: Piece, { values }: Known, most = 8): Offer[] {
  const [, not = '', rest = ''] = /^(-?)(.*)$/s.exec(text) ?? [];
  const colon = rest.indexOf(':');
  if (colon < 0) {
    // One letter may begin any word.
    if (rest.length < 2) return [];
    const keys = new Set([...OPERATORS, ...values.keys()]);
    return [...keys].filter((key) => key.startsWith(rest.toLowerCase())).slice(0, most).map((key) => ({ text: `${not}${key}:`, done: false }));
  }
  const key = rest.slice(0, colon).toLowerCase();
  const part = rest.slice(colon + 1).replace(/^"|"$/g, '').toLowerCase();
  const all = values.get(key) ?? [];
  const begin = all.filter((value) => value.toLowerCase().startsWith(part));
  const inside = all.filter((value) => !value.toLowerCase().startsWith(part) && value.toLowerCase().includes(part));
  return [...begin, ...inside]
    .map((value) => ({ text: `${not}${rest.slice(0, colon)}:${quoted(value)}`, done: true }))
    .filter((offer) => offer.text !== text)
    .slice(0, most);
}

/** The line with an offer in the place of a piece, and where the caret is then. */
export function taken(line: string, piece: Piece, offer: Offer): { line: string; caret: number } {
  const after = line.slice(piece.to).replace(/^\s+/, '');
  const text = offer.text + (offer.done ? ' ' : '');
  return { line: line.slice(0, piece.from) + text + after, caret: piece.from + text.length };
}

/** Values of a row's properties, gathered: the more often they are there, the earlier. */
export function learnt(rows: readonly { path: string; properties: unknown; tags: readonly string[] }[], tags: readonly string[]): Known {
  const counts = new Map<string, Map<string, number>>();
  const count = (key: string, value: string) => {
    const of = counts.get(key) ?? new Map<string, number>();
    counts.set(key, of.set(value, (of.get(value) ?? 0) + 1));
  };
  for (const { path, properties } of rows) {
    const folders = path.split('/').slice(0, -1);
    folders.forEach((_, at) => count('in', folders.slice(0, at + 1).join('/')));
    for (const [key, value] of Object.entries((properties ?? {}) as Record<string, unknown>)) {
      if (key === 'tags' || key === 'title' || !/^[^\s:"]+$/.test(key)) continue;
      for (const each of Array.isArray(value) ? value : [value]) {
        if (typeof each === 'number' || typeof each === 'boolean' || (typeof each === 'string' && each !== '' && each.length < 60)) count(key, String(each));
      }
    }
  }
  const values = new Map<string, readonly string[]>([['tag', tags]]);
  for (const [key, of] of counts) values.set(key, [...of].toSorted((a, b) => b[1] - a[1]).map(([value]) => value));
  values.set('path', values.get('in') ?? []);
  return { values };
}
