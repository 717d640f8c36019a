/** What was opened last in this browser, the latest first. */
const KEY = 'codex.recent';
const MOST = 60;

export interface Opened {
  /** The notebook's id. */
  notebook: string;
  entry: string;
  path: string;
  title: string;
}

const same = (a: Opened, b: Opened) => a.entry === b.entry && a.notebook === b.notebook;

export function recent(): Opened[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter((each: Partial<Opened> | null) => typeof each?.entry === 'string' && typeof each.path === 'string') : [];
  } catch {
    return [];
  }
}

function keep(all: Opened[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(all.slice(0, MOST)));
  } catch {
    // A browser without room forgets what was opened; nothing else depends on it.
  }
}

export function opened(what: Opened): void {
  keep([what, ...recent().filter((each) => !same(each, what))]);
}

/** What has another name by now, or is gone (`null`), without a change of the order. */
export function corrected(before: Opened, now: Opened | null): void {
  keep(recent().flatMap((each) => (same(each, before) ? (now ? [now] : []) : [each])));
}
