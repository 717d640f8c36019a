/** The entries that some letters may mean, over all notebooks. */
import * as api from '../api/find';
import { patternsOf } from './fuzzy';

export interface Opened {
  /** The notebook's id. */
  notebook: string;
  entry: string;
  path: string;
  title: string;
}

/** So many of each sort are weighed against each other. */
const LIKELY = 200;
const LATEST = 30;
const TITLED = 50;

/** By path, the latest first; and by words of the title. Without letters: what changed last. */
export async function likely(letters: string, signal: AbortSignal): Promise<Opened[]> {
  const byPath = api.files({ paths: patternsOf(letters), limit: letters === '' ? LATEST : LIKELY }, signal).then(({ files }) =>
    files.map(({ notebook, id, path, title }): Opened => ({ notebook, entry: id, path, title })));
  const words = letters.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
  const byTitle = words === '' ? [] : api.search(words, null, TITLED, null, signal).then(({ items }) =>
    items.filter(({ kind }) => kind !== 'folder').map(({ notebook, entry, path, title }): Opened => ({ notebook, entry, path, title: title ?? '' })));
  return (await Promise.all([byPath, byTitle])).flat();
}
