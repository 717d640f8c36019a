/** What the links of one entry mean, as the daemon says: names are found anywhere in the notebook. */
import * as api from '../api/client';
import type { Found } from './place';

export class LinkTable {
  #found = new Map<string, Found | null>();
  #reading: Promise<boolean> | null = null;

  constructor(
    private readonly notebook: string,
    private readonly entry: string,
  ) {}

  /** `undefined` for what the daemon has not been asked about, or has not read yet. */
  find(target: string): Found | null | undefined {
    return this.#found.get(target);
  }

  /** Answers whether something has changed. */
  read(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    const { items } = await api.links(this.notebook, this.entry);
    const next = new Map<string, Found | null>();
    for (const { kind, target, entry, path, title } of items) {
      if (kind !== 'wiki' && kind !== 'embed') continue;
      next.set(target, entry && path ? { entry, path, title: title ?? path } : null);
    }
    const same = next.size === this.#found.size && [...next].every(([target, found]) => {
      const before = this.#found.get(target);
      return before !== undefined && before?.path === found?.path && before?.entry === found?.entry;
    });
    this.#found = next;
    return !same;
  }
}
