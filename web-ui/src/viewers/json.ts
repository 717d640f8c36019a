/** JSON as it is written. Pure. */

/** A string or a number of JSON. */
const LEAF = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * A value with its numbers as they are written: what JavaScript takes for a number has 16 digits at most, and forgets
 * how it was written. Strings become `s` and what they say, also as keys, and numbers `n` and their digits; so keys stay
 * in their order too, and none is one that JavaScript knows.
 */
export type Written = string | boolean | null | Written[] | { [key: string]: Written };

export function readJson(text: string): Written {
  // Says what is wrong, and where, in the text as it is.
  JSON.parse(text);
  return JSON.parse(text.replace(LEAF, (leaf) => (leaf.startsWith('"') ? `"s${leaf.slice(1)}` : `"n${leaf}"`))) as Written;
}

/** How a leaf shows, and what it is. */
export function leafOf(value: string | boolean | null): { says: string; sort: 'string' | 'number' | 'boolean' | 'null' } {
  if (value === null) return { says: 'null', sort: 'null' };
  if (typeof value === 'boolean') return { says: String(value), sort: 'boolean' };
  return value.startsWith('n') ? { says: value.slice(1), sort: 'number' } : { says: JSON.stringify(value.slice(1)), sort: 'string' };
}
