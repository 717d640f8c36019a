/** TIFF pictures: what scanners and microscopes write, and no browser shows. The decoder is loaded with the first one. */
import type { TiffIfd } from 'tiff';

/** More pixels than this are not drawn in a page. */
const PIXELS_MOST = 100_000_000;

export interface Picture {
  width: number;
  height: number;
  /** Bits of one sample, and how many there are of each pixel. */
  bits: number;
  samples: number;
  /** The least and the most that is measured in it, where that is more than a screen shows: they are black and white. */
  range: [number, number] | null;
  pixels: Uint8ClampedArray<ArrayBuffer>;
}

export type Page = { is: 'drawn'; picture: Picture; more: boolean } | { is: 'known'; width: number; height: number; more: boolean; why: string };

/** Numbers of any range as 0 to 255, and what range it was. */
function scaled(data: ArrayLike<number>, bits: number): { at: (index: number) => number; range: [number, number] | null } {
  if (bits === 8) return { at: (index) => data[index] ?? 0, range: null };
  if (bits === 1) return { at: (index) => (data[index] ?? 0) * 255, range: null };
  let [least, most] = [Infinity, -Infinity];
  for (let at = 0; at < data.length; at += 1) {
    const value = data[at] ?? NaN;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!Number.isFinite(most - least)) return { at: () => 0, range: null };
  const by = most === least ? 0 : 255 / (most - least);
  return { at: (index) => ((data[index] ?? least) - least) * by, range: [least, most] };
}

/** A decoded page as pixels for a canvas. Pure. */
export function pictureOf(page: Pick<TiffIfd, 'width' | 'height' | 'bitsPerSample' | 'samplesPerPixel' | 'palette' | 'alpha' | 'data'>): Picture {
  const { width, height, bitsPerSample: bits, samplesPerPixel: samples, palette, alpha } = page;
  const pixels = new Uint8ClampedArray(width * height * 4);
  const data = page.data as ArrayLike<number>;
  const { at, range } = palette ? { at: (index: number) => data[index] ?? 0, range: null } : scaled(data, bits);
  const colours = samples - (alpha ? 1 : 0);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * samples;
    const to = pixel * 4;
    const grey = at(from);
    if (palette) pixels.set((palette[grey] ?? [0, 0, 0]).map((value) => value / 257), to);
    else pixels.set(colours >= 3 ? [grey, at(from + 1), at(from + 2)] : [grey, grey, grey], to);
    pixels[to + 3] = alpha && bits === 8 ? at(from + samples - 1) : 255;
  }
  return { width, height, bits, samples, range, pixels };
}

/** A page of a file, from 0; what cannot be drawn is known by its size, and why. */
export async function readPage(bytes: Uint8Array, page: number, tooMany: (width: number, height: number) => string): Promise<Page> {
  const { decode } = await import('tiff');
  const at = (which: number, ignoreImageData: boolean) => decode(bytes, { pages: [which], ignoreImageData })[0];
  const head = at(page, true);
  if (!head) throw new RangeError(`page ${page + 1}`);
  const { width, height } = head;
  let more = false;
  try {
    more = at(page + 1, true) !== undefined;
  } catch {
    // It was the last one.
  }
  try {
    if (width * height > PIXELS_MOST) throw new Error(tooMany(width, height));
    const drawn = at(page, false);
    if (!drawn) throw new RangeError(`page ${page + 1}`);
    return { is: 'drawn', picture: pictureOf(drawn), more };
  } catch (error) {
    return { is: 'known', width, height, more, why: error instanceof Error ? error.message : String(error) };
  }
}
