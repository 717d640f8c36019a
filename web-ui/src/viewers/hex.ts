/** Bytes as rows of a page that may be longer than a browser can scroll. Pure. */

/** Bytes in a row. */
export const BYTES = 16;
/** Bytes read at a time; rows never cross it. */
export const PAGE = 64 << 10;
/** Browsers lay out no more than some tens of millions of pixels. */
const MOST_PIXELS = 8_000_000;

export interface Place {
  first: number;
  /** One past the last. */
  end: number;
  /** Where the first row is drawn. */
  top: number;
  /** How high all is. */
  total: number;
}

/** The rows to draw. Of what is too long, the scroller's position says how far along they are. */
export function place(scrollTop: number, height: number, row: number, count: number): Place {
  const whole = count * row;
  const total = Math.min(whole, MOST_PIXELS);
  const seen = Math.ceil(height / row) + 1;
  if (total === whole) {
    const first = Math.max(0, Math.floor(scrollTop / row) - 8);
    return { first, end: Math.min(count, first + seen + 16), top: first * row, total };
  }
  const along = Math.min(1, Math.max(0, scrollTop / (total - height)));
  const first = Math.round(along * Math.max(0, count - Math.floor(height / row)));
  return { first, end: Math.min(count, first + seen), top: Math.min(scrollTop, total - height), total };
}

/** Where to scroll so that a row is at the top. */
export function scrollFor(at: number, height: number, row: number, count: number): number {
  const whole = count * row;
  if (whole <= MOST_PIXELS) return at * row;
  return (at / Math.max(1, count - Math.floor(height / row))) * (MOST_PIXELS - height);
}

export function hexRow(bytes: Uint8Array): { hex: string; text: string } {
  const parts: string[] = [];
  let text = '';
  bytes.forEach((byte, at) => {
    parts.push((at === 8 ? ' ' : '') + byte.toString(16).padStart(2, '0'));
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
  });
  return { hex: parts.join(' '), text };
}

/** Decimal, or hexadecimal with `0x`. */
export function offsetOf(text: string): number | null {
  const bare = text.trim().replace(/[_\s,]/g, '');
  if (/^0x[0-9a-f]+$/i.test(bare)) return Number.parseInt(bare, 16);
  return /^\d+$/.test(bare) ? Number(bare) : null;
}
