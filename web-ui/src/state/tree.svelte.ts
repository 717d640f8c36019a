/** One notebook's tree: folders are read when they are opened, in pages, and read again when events say so. */
import * as api from '../api/client';
import type { Notice, TreeItem } from '../api/types';
import { words } from './desk.svelte';
import { type Level, ROOT, type Row, flatten, parentPath } from './tree-model';

/** The first page of a folder comes quickly; who goes on is likely to go far. */
const PAGE = 500;
const NEXT_PAGE = 5000;
/** The daemon may cap a page; that many pages are read in one go at the most. */
const PAGES_MOST = 1000;
/** A level is read again at most this often; larger ones more rarely. */
const AGAIN_MS = 250;
const AGAIN_PER_ENTRY_MS = 0.05;

export class Tree {
  rows = $state.raw<Row[]>([]);
  problem = $state<string | null>(null);
  loaded = $state(false);

  #levels = new Map<string, Level>();
  #open = new Set<string>();
  #reading = new Map<string, Promise<void>>();
  #stale = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(readonly notebook: string) {
    void this.#readMore(ROOT);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  item(id: string): TreeItem | undefined {
    for (const level of this.#levels.values()) {
      const found = level.items.find((item) => item.id === id);
      if (found) return found;
    }
    return undefined;
  }

  toggle(id: string, open = !this.#open.has(id)): void {
    if (open) {
      this.#open.add(id);
      if (!this.#levels.has(id)) void this.#readMore(id);
    } else this.#open.delete(id);
    this.#draw();
  }

  /** A “more” row came into view. */
  more(parent: string | null): void {
    // After a failure it is asked again by hand, or when the daemon is back.
    if (!this.problem) void this.#readMore(parent ?? ROOT);
  }

  /** Opens the folders on the way to a path. */
  async show(path: string): Promise<void> {
    const parts = path.split('/').slice(0, -1);
    let parent: string = ROOT;
    let at = '';
    for (const part of parts) {
      at = at === '' ? part : `${at}/${part}`;
      const folder = await this.#find(parent, at);
      if (!folder || this.#closed) return;
      this.#open.add(folder.id);
      if (!this.#levels.has(folder.id)) await this.#readMore(folder.id);
      parent = folder.id;
    }
    this.#draw();
  }

  event(notice: Notice): void {
    switch (notice.type) {
      case 'entry.created':
      case 'entry.deleted':
      case 'entry.modified':
        if (notice.path) this.#touch(notice.path);
        else this.refresh();
        break;
      case 'entry.moved':
        if (notice.path) this.#touch(notice.path);
        if (notice.old_path) this.#touch(notice.old_path);
        break;
      default:
    }
  }

  refresh(): void {
    if (!this.#levels.has(ROOT)) void this.#readMore(ROOT);
    for (const parent of this.#levels.keys()) this.#stale.add(parent);
    this.#readSoon();
  }

  async #find(parent: string, path: string): Promise<TreeItem | undefined> {
    await this.#reading.get(parent);
    for (let page = 0; page < PAGES_MOST; page += 1) {
      const level = this.#levels.get(parent);
      const found = level?.items.find((item) => item.path === path);
      if (found || level?.complete || this.problem || this.#closed) return found;
      await this.#readMore(parent);
    }
    return undefined;
  }

  /** The level that holds `path`, and the one above it, whose child count may have changed. */
  #touch(path: string): void {
    const folder = parentPath(path);
    // What is being read now may have been answered before this.
    for (const parent of new Set([...this.#levels.keys(), ...this.#reading.keys()])) {
      const own = parent === ROOT ? '' : (this.item(parent)?.path ?? null);
      if (own === folder || (folder !== '' && own === parentPath(folder))) this.#stale.add(parent);
    }
    this.#readSoon();
  }

  #readSoon(): void {
    if (this.#closed || this.#timer !== null || this.#stale.size === 0) return;
    let entries = 0;
    for (const parent of this.#stale) entries += this.#levels.get(parent)?.items.length ?? 0;
    this.#timer = setTimeout(() => void this.#readStale(), AGAIN_MS + entries * AGAIN_PER_ENTRY_MS);
  }

  async #readStale(): Promise<void> {
    const stale = [...this.#stale];
    this.#stale.clear();
    for (const parent of stale) await this.#readAgain(parent);
    this.#timer = null;
    this.#readSoon();
  }

  /** As much of a level as was read before, anew; the old rows stay until all is there. */
  async #readAgain(parent: string): Promise<void> {
    await this.#reading.get(parent);
    const known = this.#levels.get(parent);
    if (!known) return;
    const work = (async () => {
      const level: Level = { items: [], cursor: null, complete: false };
      try {
        do await this.#page(parent, level);
        while (!level.complete && level.items.length < known.items.length && !this.#closed);
        this.#levels.set(parent, level);
        this.problem = null;
      } catch (error) {
        // A folder that has just been deleted has no entries to read.
        if (error instanceof api.ApiError && error.status === 404 && parent !== ROOT) this.#forget(parent);
        else this.problem = words(error);
      }
    })();
    await this.#track(parent, work);
  }

  #readMore(parent: string): Promise<void> {
    const under = this.#reading.get(parent);
    if (under) return under;
    const level = this.#levels.get(parent) ?? { items: [], cursor: null, complete: false };
    if (level.complete || this.#closed) return Promise.resolve();
    const work = (async () => {
      try {
        const next = { ...level, items: [...level.items] };
        await this.#page(parent, next);
        this.#levels.set(parent, next);
        this.problem = null;
      } catch (error) {
        this.problem = words(error);
      }
    })();
    return this.#track(parent, work);
  }

  async #track(parent: string, work: Promise<void>): Promise<void> {
    this.#reading.set(parent, work);
    await work;
    this.#reading.delete(parent);
    this.loaded = true;
    this.#draw();
  }

  async #page(parent: string, into: Level): Promise<void> {
    const page = await api.children(this.notebook, parent === ROOT ? null : parent, into.cursor === null ? PAGE : NEXT_PAGE, into.cursor);
    const seen = new Set(into.items.map((item) => item.id));
    for (const item of page.items) if (!seen.has(item.id)) into.items.push(item);
    into.cursor = page.cursor ?? null;
    into.complete = into.cursor === null;
  }

  #forget(parent: string): void {
    this.#levels.delete(parent);
    this.#open.delete(parent);
  }

  #draw(): void {
    if (this.#closed) return;
    // While levels are read anew, what moved may be in two of them.
    const seen = new Set<string>();
    this.rows = flatten(this.#levels, this.#open).filter(({ key }) => !seen.has(key) && seen.add(key));
  }
}
