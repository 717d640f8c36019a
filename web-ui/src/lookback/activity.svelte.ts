/** What happened, as far as it has been read; read on until there is enough to see. */
import * as past from '../api/lookback';
import * as people from '../api/people';
import { words } from '../state/desk.svelte';
import { type Wanted, fits, onTopOf } from './happened';

const PAGE = 50;
/** With a choice, most of what is read may not fit: further pages are read at once, so many at the most. */
const AT_ONCE = 10;
const ENOUGH = 30;
const AGAIN_MS = 500;

export class Happenings {
  lines = $state.raw<past.Activity[]>([]);
  members = $state.raw<people.Member[]>([]);
  loaded = $state(false);
  busy = $state(false);
  problem = $state<string | null>(null);
  cursor = $state<string | null>(null);
  wanted = $state.raw<Wanted>({ devices: null, about: '', path: '' });
  shown = $derived(this.lines.filter((line) => fits(line, this.wanted)));

  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(readonly notebook: string | null) {
    void this.#top();
    people.members(notebook ?? '').then((page) => (this.members = page.items), () => {});
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.#closed) void this.#top();
    }, AGAIN_MS);
  }

  choose(wanted: Wanted): void {
    this.wanted = wanted;
    if (this.shown.length < ENOUGH) void this.more();
  }

  async more(): Promise<void> {
    if (this.busy || this.cursor === null) return;
    this.busy = true;
    try {
      const before = this.shown.length;
      for (let pages = 0; pages < AT_ONCE && this.cursor !== null && !this.#closed && this.shown.length < before + ENOUGH; pages += 1) {
        const page = await past.activity(this.notebook, PAGE, this.cursor);
        this.lines = [...this.lines, ...page.items];
        this.cursor = page.cursor ?? null;
      }
      this.problem = null;
    } catch (error) {
      this.problem = words(error);
    }
    this.busy = false;
  }

  async #top(): Promise<void> {
    try {
      const page = await past.activity(this.notebook, PAGE, null);
      if (this.#closed) return;
      if (!this.loaded) this.cursor = page.cursor ?? null;
      this.lines = this.loaded ? onTopOf(page.items, this.lines) : page.items;
      this.loaded = true;
      this.problem = null;
    } catch (error) {
      this.problem = words(error);
    }
  }
}
