/** Search as one types: one question at a time, the last one counts. */
import * as api from '../api/client';
import type { SearchHit } from '../api/types';
import { words } from './desk.svelte';

const ASK_AFTER_MS = 120;
const LIMIT = 30;

export class Search {
  query = $state('');
  hits = $state.raw<SearchHit[]>([]);
  /** The query that `hits` answers. */
  answered = $state('');
  /** Nothing was found, but this might find something. */
  suggestion = $state<string | null>(null);
  busy = $state(false);
  problem = $state<string | null>(null);

  #timer: ReturnType<typeof setTimeout> | null = null;
  #asking: AbortController | null = null;

  ask(query: string): void {
    this.query = query;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#asking?.abort();
    if (query.trim() === '') {
      this.hits = [];
      this.answered = '';
      this.suggestion = null;
      this.busy = false;
      this.problem = null;
      return;
    }
    this.busy = true;
    this.#timer = setTimeout(() => void this.#run(query), ASK_AFTER_MS);
  }

  /** The same question again, after something changed. */
  again(): void {
    if (this.query.trim() !== '' && !this.busy) void this.#run(this.query);
  }

  async #run(query: string): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const page = await api.search(query.trim(), undefined, LIMIT, asking.signal);
      if (asking.signal.aborted) return;
      this.hits = page.items ?? [];
      this.answered = query;
      this.suggestion = page.suggestion ?? null;
      this.problem = null;
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = words(error);
    }
    this.busy = false;
  }
}
