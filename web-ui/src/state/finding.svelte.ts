/** A search with all its pages: one question at a time, the last one counts. */
import * as api from '../api/find';
import type { SearchHit, SearchPage } from '../api/types';
import { desk, words } from './desk.svelte';

const ASK_AFTER_MS = 150;
const AGAIN_AFTER_MS = 400;
/** Hits beyond these come without their text. */
const PAGE = 20;

export class Finding {
  hits = $state.raw<SearchHit[]>([]);
  /** The last answer, and the query that it answers. */
  page = $state.raw<SearchPage | null>(null);
  answered = $state('');
  busy = $state(false);
  problem = $state<string | null>(null);

  #query = '';
  #notebook: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asking: AbortController | null = null;

  ask(query: string, notebook: string | null, soon = true): void {
    this.#query = query.trim();
    this.#notebook = notebook;
    this.close();
    this.busy = this.#query !== '';
    if (this.busy) this.#timer = setTimeout(() => void this.#run(PAGE), soon ? ASK_AFTER_MS : 0);
    else {
      this.hits = [];
      this.page = this.problem = null;
      this.answered = '';
    }
  }

  /** The same question again after entries changed, until the answer is called. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = null;
        // An answer that is under way may be older than the change.
        if (this.busy) soon();
        else if (this.#query !== '') void this.#run(Math.min(200, Math.max(PAGE, this.hits.length)));
      }, AGAIN_AFTER_MS);
    };
    const stop = desk.listen({ event: (notice) => notice.type.startsWith('entry.') && soon(), reload: soon });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
      this.close();
    };
  }

  more(): void {
    if (this.page?.cursor && !this.busy) void this.#run(PAGE, this.page.cursor);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#asking?.abort();
    this.busy = false;
  }

  async #run(limit: number, cursor: string | null = null): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    this.busy = true;
    const query = this.#query;
    try {
      const page = await api.search(query, this.#notebook, limit, cursor, asking.signal);
      if (asking.signal.aborted) return;
      const known = new Set(cursor === null ? [] : this.hits.map(keyOf));
      this.hits = cursor === null ? page.items : [...this.hits, ...page.items.filter((hit) => !known.has(keyOf(hit)))];
      this.page = page;
      this.answered = query;
      this.problem = null;
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = words(error);
    }
    this.busy = false;
  }
}

export const keyOf = (hit: SearchHit): string => `${hit.notebook}/${hit.entry}`;
