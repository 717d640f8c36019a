/** Finding names by some of their letters. Pure. */
import fuzzysort from 'fuzzysort';
import type { SnippetPart } from '../api/types';
import { eitherCase } from '../editor/paths';

/** A text with the letters at these places marked. */
export function marked(text: string, places: readonly number[]): SnippetPart[] {
  const at = new Set(places);
  const parts: SnippetPart[] = [];
  for (let n = 0; n < text.length; n += 1) {
    const hit = at.has(n);
    const last = parts.at(-1);
    if (last && last.hit === hit) last.text += text[n];
    else parts.push({ text: text[n] ?? '', hit });
  }
  return parts;
}

export interface Ranked<T> {
  item: T;
  /** Each of its names, with what was found marked. */
  names: SnippetPart[][];
}

/**
 * Those that have all the letters, the best first. `more`: what else speaks for one, from 0 to 1. Without letters all
 * of them, as they came.
 */
export function rank<T>(letters: string, items: readonly T[], names: ((item: T) => string)[], more: (item: T) => number = () => 0): Ranked<T>[] {
  if (letters.trim() === '') return items.map((item) => ({ item, names: names.map((name) => marked(name(item), [])) }));
  const found = fuzzysort.go(letters, items, { keys: names, scoreFn: (result) => result.score * (1 + more(result.obj) / 4) });
  return found.map((result) => ({ item: result.obj, names: names.map((name, at) => marked(name(result.obj), result[at]?.indexes ?? [])) }));
}

const inOrder = (letters: string): string => [...letters].map(eitherCase).join('*');

/** Patterns of the paths that might be meant: all that is found by these letters in a name, or in folder and name. */
export function patternsOf(letters: string): string[] {
  const words = letters.split(/[\s/]+/).filter((word) => word !== '');
  if (words.length === 0) return [];
  const orders = words.length === 2 ? [words, words.toReversed()] : [words];
  const found = orders.flatMap((order) => {
    const name = `**/*${order.map(inOrder).join('*')}*`;
    const [first = '', ...rest] = order;
    return rest.length === 0 ? [name] : [name, `**/*${inOrder(first)}*/**/*${rest.map(inOrder).join('*')}*`];
  });
  // A folder by its name, with what is in it.
  return words.length === 1 ? [...found, `**/*${[...(words[0] ?? '')].map(eitherCase).join('')}*/**`] : found;
}
