/**
 * Unsent text in the browser's storage, kept until the daemon has acknowledged it. Each page owns its drafts
 * under an id of its own and holds a lock of that name while it lives, so that no page takes a draft that
 * another one is still going to send.
 *
 * The text an edit was made from is stored once; what was typed is stored as changes to it, so that keeping
 * a draft costs little however long the text is.
 */
import { ChangeSet } from '@codemirror/state';
import type { Unsent } from './buffer';
import { stringOf, toText } from './rebase';

export interface Draft extends Unsent {
  notebook: string;
  entry: string;
  path: string;
}

/** What drafts need from the browser; a test brings its own. */
export interface DraftPorts {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  keys(): string[];
  /** Names of the locks that pages hold now. */
  locks(): Promise<Set<string>>;
  page: string;
}

const PREFIX = 'codex.draft';
const BASE = 'codex.base';
const lockName = (owner: string) => `codex.page.${owner}`;

/** As it lies in the storage. */
interface Stored {
  path: string;
  etag: string;
  shape: Unsent['shape'];
  sent: unknown;
  typed: unknown;
}

export class Drafts {
  /** The bases that this page has stored, by the draft's key. */
  #bases = new Map<string, string>();

  constructor(private readonly ports: DraftPorts) {}

  #key(notebook: string, entry: string, owner = this.ports.page): string {
    return `${PREFIX}/${notebook}/${entry}/${owner}`;
  }

  /** Answers whether it could be kept. */
  keep(draft: Draft): boolean {
    const key = this.#key(draft.notebook, draft.entry);
    const base = `${BASE}/${key}/${draft.etag}`;
    const stored: Stored = {
      path: draft.path,
      etag: draft.etag,
      shape: draft.shape,
      sent: draft.sent?.toJSON() ?? null,
      typed: draft.typed.toJSON(),
    };
    try {
      const old = this.#bases.get(key);
      // In this order a page that dies in between leaves a draft whose base is there.
      if (old !== base) this.ports.storage.setItem(base, stringOf(draft.base));
      this.ports.storage.setItem(key, JSON.stringify(stored));
      if (old !== undefined && old !== base) this.ports.storage.removeItem(old);
      this.#bases.set(key, base);
      return true;
    } catch {
      return false;
    }
  }

  drop(notebook: string, entry: string, owner = this.ports.page): void {
    const key = this.#key(notebook, entry, owner);
    this.#bases.delete(key);
    try {
      this.ports.storage.removeItem(key);
      for (const each of this.ports.keys()) if (each.startsWith(`${BASE}/${key}/`)) this.ports.storage.removeItem(each);
    } catch {
      // Storage is switched off: nothing was kept either.
    }
  }

  /**
   * Takes over what nobody is going to send: drafts of pages now closed and, for one entry that is being
   * opened, this page's own. Without `of`: all but those of the entry `except`.
   */
  async takeOrphans(of: { notebook: string; entry: string } | { except: string | null }): Promise<Draft[]> {
    const one = 'entry' in of;
    const prefix = one ? `${PREFIX}/${of.notebook}/${of.entry}/` : `${PREFIX}/`;
    let alive: Set<string>;
    let keys: string[];
    try {
      alive = await this.ports.locks();
      keys = this.ports.keys();
    } catch {
      return [];
    }
    const found: Draft[] = [];
    for (const key of keys.filter((each) => each.startsWith(prefix))) {
      const owner = key.slice(key.lastIndexOf('/') + 1);
      const own = owner === this.ports.page;
      if (own ? !one : alive.has(lockName(owner))) continue;
      const draft = this.#read(key);
      if (!draft || (!one && draft.entry === of.except)) continue;
      // One draft an entry at a time: the others wait for the next page.
      if (found.some((other) => other.notebook === draft.notebook && other.entry === draft.entry)) continue;
      if (!this.keep(draft)) continue;
      if (!own) this.drop(draft.notebook, draft.entry, owner);
      found.push(draft);
    }
    return found;
  }

  #read(key: string): Draft | null {
    try {
      const [, notebook, entry] = key.split('/');
      const stored = JSON.parse(this.ports.storage.getItem(key) ?? 'null') as Stored | null;
      const text = stored && this.ports.storage.getItem(`${BASE}/${key}/${stored.etag}`);
      if (!stored || text === null || !notebook || !entry) return null;
      const base = toText(text);
      const sent = stored.sent === null ? null : ChangeSet.fromJSON(stored.sent);
      const typed = ChangeSet.fromJSON(stored.typed);
      // Throws if they are not changes of this base.
      typed.apply(sent ? sent.apply(base) : base);
      return { notebook, entry, path: stored.path, etag: stored.etag, shape: stored.shape, base, sent, typed };
    } catch {
      return null;
    }
  }
}

const page = crypto.randomUUID();

export const drafts = new Drafts({
  get storage() {
    return localStorage;
  },
  keys: () => Object.keys(localStorage),
  locks: async () => new Set(((await navigator.locks.query()).held ?? []).flatMap((lock) => lock.name ?? [])),
  page,
});

/** Held until the page is gone. */
export function claimPage(): void {
  void navigator.locks?.request(lockName(page), () => new Promise<void>(() => {}));
}
