/**
 * What is being jotted down, in the browser's storage until the daemon has it. Each form that is open holds the lock of its draft;
 * a draft that nobody holds was left by a form that is gone, and the next one goes on with it.
 */
export interface Draft {
  content: string;
  title: string;
  tags: string;
  notebook: string;
  folder: string;
}

/** What drafts need from the browser; a test brings its own. */
export interface JotPorts {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  keys(): string[];
  /** Takes a lock, or answers `null` when somebody holds it; what it gives lets it go. */
  hold(name: string): Promise<(() => void) | null>;
  id(): string;
}

const PREFIX = 'codex.jot.';
/** Where the last one went. */
const LAST = 'codex.jotted';

const FIELDS = ['content', 'title', 'tags', 'notebook', 'folder'] as const;

/** A draft as it lies in the storage; what is none is not taken for one. */
function parsed(text: string | null): Draft | null {
  try {
    const said = JSON.parse(text ?? 'null') as Partial<Record<(typeof FIELDS)[number], unknown>> | null;
    if (said === null || typeof said !== 'object') return null;
    const field = (name: (typeof FIELDS)[number]) => (typeof said[name] === 'string' ? (said[name] as string) : '');
    return { content: field('content'), title: field('title'), tags: field('tags'), notebook: field('notebook'), folder: field('folder') };
  } catch {
    return null;
  }
}

const isEmpty = ({ content, title, tags }: Draft): boolean => [content, title, tags].every((each) => each.trim() === '');

/** Words as tags: `#a, b` are two. */
export const tagsOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).map((tag) => tag.replace(/^#+/, '')).filter((tag) => tag !== ''))];

/** One form's draft. */
export class Jotting {
  private constructor(
    private readonly ports: JotPorts,
    private readonly key: string,
    private readonly release: () => void,
    readonly draft: Draft,
  ) {}

  /** Goes on with what a form that is gone has left; else begins anew, where the last one went. */
  static async open(ports: JotPorts, notebook: string): Promise<Jotting> {
    let last: Draft | null = null;
    try {
      for (const key of ports.keys().filter((each) => each.startsWith(PREFIX)).sort()) {
        const release = await ports.hold(key);
        if (!release) continue;
        // Read when it is held: whoever held it before may have finished with it.
        const draft = parsed(ports.storage.getItem(key));
        if (draft && !isEmpty(draft)) return new Jotting(ports, key, release, draft);
        release();
      }
      last = parsed(ports.storage.getItem(LAST));
    } catch {
      // A browser that keeps nothing: `keep` says so.
    }
    const key = `${PREFIX}${ports.id()}`;
    const release = await ports.hold(key).catch(() => null);
    const goes = last && (notebook === '' || last.notebook === notebook) ? last : { notebook, folder: '' };
    return new Jotting(ports, key, release ?? (() => {}), { content: '', title: '', tags: '', notebook: goes.notebook, folder: goes.folder });
  }

  /** Answers whether it could be kept. */
  keep(draft: Draft): boolean {
    try {
      if (isEmpty(draft)) this.ports.storage.removeItem(this.key);
      else this.ports.storage.setItem(this.key, JSON.stringify(draft));
      return true;
    } catch {
      return isEmpty(draft);
    }
  }

  /** The daemon has it. */
  done({ notebook, folder }: Draft): void {
    try {
      this.ports.storage.removeItem(this.key);
      this.ports.storage.setItem(LAST, JSON.stringify({ notebook, folder }));
    } catch {
      // Nothing was kept either.
    }
  }

  close(): void {
    this.release();
  }
}

/** The browser's own. */
export const browserPorts: JotPorts = {
  get storage() {
    return localStorage;
  },
  keys: () => Object.keys(localStorage),
  hold: (name) =>
    new Promise((given) => {
      void navigator.locks.request(name, { ifAvailable: true }, (lock) => (lock === null ? given(null) : new Promise<void>((release) => given(release))));
    }),
  id: () => crypto.randomUUID(),
};
