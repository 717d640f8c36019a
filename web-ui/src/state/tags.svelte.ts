/** The tags that there are, with how many entries carry each or one below it; and a tag under another name. */
import * as api from '../api/client';
import * as find from '../api/find';
import type { PropertyValue, TagRow } from '../api/types';
import { desk, words } from './desk.svelte';
import { type TagNode, renamedValue, tagQuery, tagTree } from './tags';

const READ_AFTER_MS = 400;
/** So many counts are asked for at once. */
const AT_ONCE = 3;

export interface Count {
  n: number;
  /** There are more. */
  capped: boolean;
}

export class Tags {
  rows = $state.raw<TagRow[]>([]);
  loaded = $state(false);
  problem = $state<string | null>(null);
  /** By key, as far as they had to be asked for. */
  counts = $state.raw<ReadonlyMap<string, Count>>(new Map());
  readonly nodes = $derived(tagTree(this.rows));

  #notebook: string | null = null;
  #asked = 0;
  /** What was asked for since the tags were read. */
  #wanted = new Set<string>();
  #queue: TagNode[] = [];
  #busy = 0;

  /** `notebook`: only of this one. */
  async read(notebook: string | null): Promise<void> {
    const number = (this.#asked += 1);
    if (notebook !== this.#notebook) this.counts = new Map();
    this.#notebook = notebook;
    try {
      const { items } = await find.tags(notebook);
      if (number !== this.#asked) return;
      this.#wanted.clear();
      this.#queue = [];
      this.rows = items;
      this.problem = null;
    } catch (error) {
      if (number !== this.#asked) return;
      this.problem = words(error);
    }
    this.loaded = true;
  }

  /** Reads them again after entries changed, until the answer is called. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = null;
        void this.read(this.#notebook);
      }, READ_AFTER_MS);
    };
    const stop = desk.listen({ event: (notice) => notice.type.startsWith('entry.') && soon(), reload: soon });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
      this.#asked += 1;
      this.#queue = [];
    };
  }

  /** Entries that carry it or one below it; `null` while that is not known. */
  countOf(node: TagNode): Count | null {
    return node.ways === 1 ? { n: node.most, capped: false } : (this.counts.get(node.key) ?? null);
  }

  /** Asks how many entries carry each of these, where adding up would count some twice. */
  want(nodes: readonly TagNode[]): void {
    for (const node of nodes) {
      if (node.ways === 1 || this.#wanted.has(node.key)) continue;
      this.#wanted.add(node.key);
      this.#queue.push(node);
    }
    while (this.#busy < AT_ONCE && this.#queue.length > 0) void this.#count(this.#asked);
  }

  async #count(number: number): Promise<void> {
    const node = this.#queue.shift();
    if (!node) return;
    this.#busy += 1;
    try {
      const { total, total_is_capped: capped } = await find.search(tagQuery(node.tag), this.#notebook, 1, null);
      if (number === this.#asked) this.counts = new Map(this.counts).set(node.key, { n: total, capped });
    } catch {
      // A number that is missing says nothing wrong; the next reading asks again.
    }
    this.#busy -= 1;
    this.want([]);
  }
}

export interface Tagged {
  notebook: string;
  entry: string;
  path: string;
}

/** Where a tag or one below it is carried; `more`: there are others, which are not told at once. */
export async function carriers(tag: string, notebook: string | null): Promise<{ entries: Tagged[]; more: boolean }> {
  const entries: Tagged[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof find.search>> = await find.search(tagQuery(tag), notebook, 200, cursor);
    entries.push(...page.items.map(({ notebook: nb, entry, path }) => ({ notebook: nb, entry, path })));
    cursor = page.cursor ?? null;
    if (cursor === null) return { entries, more: page.total_is_capped };
  }
}

interface Done extends Tagged {
  before: PropertyValue;
  after: PropertyValue;
}

/** A tag gets another name in every entry, one after the other: as edits like any other. */
export class Renaming {
  done = $state.raw<Done[]>([]);
  kept = $state.raw<(Tagged & { why: string })[]>([]);
  stopped = false;

  constructor(readonly from: string, readonly to: string, readonly notebook: string | null) {}

  async run(): Promise<void> {
    const seen = new Set<string>();
    for (;;) {
      // What was renamed is no longer found: so all are reached, however many there are.
      const { entries } = await carriers(this.from, this.notebook);
      const fresh = entries.filter(({ notebook, entry }) => !seen.has(`${notebook}/${entry}`));
      if (fresh.length === 0) return;
      for (const each of fresh) {
        if (this.stopped) return;
        seen.add(`${each.notebook}/${each.entry}`);
        await this.#one(each);
      }
    }
  }

  async #one(each: Tagged): Promise<void> {
    try {
      const { properties } = await api.entry(each.notebook, each.entry);
      const before = properties['tags'];
      const after = renamedValue(before, this.from, this.to);
      if (before === undefined || after === undefined || after === before) return;
      await api.changeEntry(each.notebook, each.entry, { properties: { tags: after } });
      this.done = [...this.done, { ...each, before, after }];
    } catch (error) {
      this.kept = [...this.kept, { ...each, why: words(error) }];
    }
  }

  /** Where the tags are still what they became. Answers in how many entries they are not. */
  async takeBack(): Promise<number> {
    let left = 0;
    for (const { notebook, entry, before, after } of this.done) {
      try {
        const { properties } = await api.entry(notebook, entry);
        if (JSON.stringify(properties['tags']) === JSON.stringify(after)) await api.changeEntry(notebook, entry, { properties: { tags: before } });
        else left += 1;
      } catch (error) {
        left += 1;
        desk.fail(error);
      }
    }
    return left;
  }
}
