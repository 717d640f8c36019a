/** Marks of entries: what one is, where they are kept, and what changes them. */
import type { EntryKind, Notice } from '../api/types';

export interface Mark {
  /** Ids of the notebook and the entry. */
  notebook: string;
  entry: string;
  path: string;
  title: string;
  kind: EntryKind;
  /** It was deleted: not shown, and there again when it is brought back. */
  gone?: boolean;
}

export type Which = 'favourites' | 'recent';

/** Where marks are kept. The daemon has no place for them: they are this browser's. Should it get one, this is all that changes. */
export interface MarkStore {
  read(which: Which): Mark[];
  /** Answers whether it could be kept. */
  keep(which: Which, marks: readonly Mark[]): boolean;
}

export const key = (which: Which) => `codex.${which}`;
export const browserStore: MarkStore = {
  read(which) {
    try {
      const kept = JSON.parse(localStorage.getItem(key(which)) ?? '[]') as unknown;
      return Array.isArray(kept) ? kept.filter(isMark) : [];
    } catch {
      return [];
    }
  },
  keep(which, marks) {
    try {
      localStorage.setItem(key(which), JSON.stringify(marks));
      return true;
    } catch {
      return false;
    }
  },
};

const isMark = (value: unknown): value is Mark => {
  const mark = value as Partial<Mark> | null;
  return typeof mark?.notebook === 'string' && typeof mark.entry === 'string' && typeof mark.path === 'string' && typeof mark.title === 'string' && typeof mark.kind === 'string';
};

/** So many of what was opened lately are kept. */
const RECENT = 30;

export const is = (mark: Mark, notebook: string, entry: string) => mark.notebook === notebook && mark.entry === entry;

/** What was opened now is the first. Pure. */
export const visited = (recent: readonly Mark[], mark: Mark): Mark[] => [mark, ...recent.filter((each) => !is(each, mark.notebook, mark.entry))].slice(0, RECENT);

/** Told in the page that wrote them; other pages hear of it from the browser. */
export const CHANGED = 'codex-marks';

/** An entry was opened. */
export function opened(mark: Mark): void {
  browserStore.keep('recent', visited(browserStore.read('recent'), mark));
  window.dispatchEvent(new Event(CHANGED));
}

/** Whether what happened may concern a mark: it is about the entry, or about a folder around it. Pure. */
export function concerns({ notebook, entry, path, old_path, type }: Notice, mark: Mark): boolean {
  if (!type.startsWith('entry.') || notebook !== mark.notebook) return false;
  return entry === mark.entry || [path, old_path].some((each) => each != null && mark.path.startsWith(`${each}/`));
}
