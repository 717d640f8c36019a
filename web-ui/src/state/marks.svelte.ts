/** Favourites and what was opened lately: entries by id, so that they follow renames and go with what is deleted. */
import * as api from '../api/client';
import type { Notice } from '../api/types';
import { desk } from './desk.svelte';
import { CHANGED, type Mark, type MarkStore, type Which, browserStore, concerns, is, key } from './marks';

const AGAIN_MS = 300;

class Marks {
  favourites = $state.raw<Mark[]>([]);
  recent = $state.raw<Mark[]>([]);

  #stale = new Map<string, Mark>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly store: MarkStore) {
    this.#take();
    // Another page of this browser.
    window.addEventListener('storage', ({ key: changed }) => (changed === null || changed === key('favourites') || changed === key('recent')) && this.#take());
    window.addEventListener(CHANGED, () => this.#take());
    desk.listen({ event: (notice) => this.#event(notice), reload: () => this.#again() });
    this.#again();
  }

  starred(notebook: string, entry: string): boolean {
    return this.favourites.some((mark) => is(mark, notebook, entry));
  }

  /** Answers whether the browser keeps it. */
  toggle(mark: Mark): boolean {
    const { notebook, entry } = mark;
    const now = this.store.read('favourites');
    const there = now.some((each) => is(each, notebook, entry));
    return this.#keep('favourites', there ? now.filter((each) => !is(each, notebook, entry)) : [...now, mark]);
  }

  /** Puts a favourite before another one. */
  put(mark: Mark, before: Mark): void {
    const rest = this.store.read('favourites').filter((each) => !is(each, mark.notebook, mark.entry));
    const at = rest.findIndex((each) => is(each, before.notebook, before.entry));
    if (at >= 0) this.#keep('favourites', rest.toSpliced(at, 0, mark));
  }

  #take(): void {
    this.favourites = this.store.read('favourites');
    this.recent = this.store.read('recent');
  }

  #keep(which: Which, marks: Mark[]): boolean {
    this[which] = marks;
    return this.store.keep(which, marks);
  }

  #event(notice: Notice): void {
    for (const mark of [...this.favourites, ...this.recent]) if (concerns(notice, mark)) this.#soon(mark);
  }

  #again(): void {
    for (const mark of [...this.favourites, ...this.recent]) this.#soon(mark);
  }

  #soon(mark: Mark): void {
    this.#stale.set(`${mark.notebook}/${mark.entry}`, mark);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const stale = [...this.#stale.values()];
      this.#stale.clear();
      void this.#look(stale);
    }, AGAIN_MS);
  }

  /** What has become of entries, one after the other. */
  async #look(stale: Mark[]): Promise<void> {
    for (const { notebook, entry } of stale) {
      let now: Partial<Mark>;
      try {
        const { path, title, kind } = await api.entry(notebook, entry);
        now = { path, title: title ?? '', kind, gone: false };
      } catch (error) {
        // Whoever cannot be asked has not said that it is gone.
        if (!(error instanceof api.ApiError) || (error.status !== 404 && error.status !== 410)) continue;
        now = { gone: true };
      }
      for (const which of ['favourites', 'recent'] as const) {
        const before = this.store.read(which);
        const at = before.findIndex((mark) => is(mark, notebook, entry));
        const mark = before[at];
        if (mark && (Object.keys(now) as (keyof Mark)[]).some((each) => (mark[each] ?? false) !== now[each])) this.#keep(which, before.with(at, { ...mark, ...now }));
      }
    }
  }
}

export const marks = new Marks(browserStore);
