/**
 * Unsent text in the browser's storage, kept until the daemon has acknowledged it. Each page owns its drafts
 * under an id of its own and holds a lock of that name while it lives, so that no page takes a draft that
 * another one is still going to send.
 */

export interface Draft {
  notebook: string;
  entry: string;
  path: string;
  /** The text the edit was made from, and its version. */
  base: string;
  etag: string;
  /** What stood in the editor. */
  text: string;
  /** Sent, and no answer came: it may or may not have arrived. */
  sent: string | null;
}

const PREFIX = 'codex.draft';
const page = crypto.randomUUID();
const lockName = (owner: string) => `codex.page.${owner}`;

/** Held until the page is gone. */
export function claimPage(): void {
  void navigator.locks?.request(lockName(page), () => new Promise<void>(() => {}));
}

const keyOf = (notebook: string, entry: string, owner: string) => `${PREFIX}/${notebook}/${entry}/${owner}`;

/** Answers whether it could be kept. */
export function keepDraft(draft: Draft): boolean {
  try {
    localStorage.setItem(keyOf(draft.notebook, draft.entry, page), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(notebook: string, entry: string): void {
  try {
    localStorage.removeItem(keyOf(notebook, entry, page));
  } catch {
    // Storage is switched off: nothing was kept either.
  }
}

/**
 * Takes over what nobody is going to send: drafts of pages now closed and, for one entry that is being
 * opened, this page's own. Without `of`: all but those of the entry `except`.
 */
export async function takeOrphans(of: { notebook: string; entry: string } | { except: string | null }): Promise<Draft[]> {
  const one = 'entry' in of;
  const prefix = one ? `${PREFIX}/${of.notebook}/${of.entry}/` : `${PREFIX}/`;
  const alive = new Set<string>();
  try {
    for (const lock of (await navigator.locks?.query())?.held ?? []) if (lock.name) alive.add(lock.name);
  } catch {
    return [];
  }
  const found: Draft[] = [];
  for (const key of keysWith(prefix)) {
    const owner = key.slice(key.lastIndexOf('/') + 1);
    if (owner === page ? !one : alive.has(lockName(owner))) continue;
    const draft = read(key);
    if (!draft || (!one && draft.entry === of.except)) continue;
    // One draft an entry at a time: the others wait for the next page.
    if (found.some((other) => other.notebook === draft.notebook && other.entry === draft.entry)) continue;
    if (!keepDraft(draft)) continue;
    if (owner !== page) localStorage.removeItem(key);
    found.push(draft);
  }
  return found;
}

function keysWith(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

function read(key: string): Draft | null {
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? 'null') as Draft | null;
    return draft && typeof draft.text === 'string' && typeof draft.base === 'string' ? draft : null;
  } catch {
    return null;
  }
}
