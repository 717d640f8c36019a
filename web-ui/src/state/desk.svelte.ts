/** What the whole page knows: the daemon's status, the conflicts, and the events as they come. */
import * as api from '../api/client';
import type { Conflict, Notice, NotebookStatus, Status } from '../api/types';
import { Feed, feedUrl } from '../events';
import { t } from '../i18n/en';
import { withPutBack } from './put-back';
import { refusalOf } from './standing';

/** Events come in bursts; the status is read once for each. */
const STATUS_AFTER_MS = 200;
const STATUS_BUSY_MS = 700;
const STATUS_IDLE_MS = 15_000;
/** No event tells of files that a reader's disk alone has. */
const STATUS_READER_MS = 4000;

/** What is said as the page changes is of the new one. */
const FRESH_MS = 2000;

export interface Message {
  number: number;
  text: string;
  bad: boolean;
  since: number;
  /** What can be done about it at once. */
  act: Act | null;
  /** The plugin whose words it has. */
  from: string | null;
}

export interface Act {
  label: string;
  run(): void;
  /** Entries that are gone: when they are back, there is nothing to be done any more. */
  gone?: readonly string[];
}

type Listener = { event(notice: Notice): void; reload(): void };

class Desk {
  status = $state.raw<Status | null>(null);
  problem = $state<string | null>(null);
  connected = $state(true);
  conflicts = $state.raw<Conflict[]>([]);
  messages = $state.raw<Message[]>([]);
  /** The session has ended: nothing but signing in helps. */
  signedOut = $state(false);
  /** The first entry that was asked for is on the page; and what can wait may come. */
  shown = $state(false);
  later = $state(false);
  /** Notebooks whose work has been going on for more than one look: what is over at once is not shown. */
  lasting = $state.raw<ReadonlySet<string>>(new Set());

  #listeners = new Set<Listener>();
  #statusTimer: ReturnType<typeof setTimeout> | null = null;
  #pollTimer: ReturnType<typeof setTimeout> | null = null;
  #messageNumber = 0;
  #busy = new Set<string>();

  readonly feed = new Feed(feedUrl(location), {
    event: (notice) => this.#event(notice),
    reload: () => this.#reload(),
    connected: (yes) => {
      this.connected = yes;
    },
  });

  start(): void {
    void this.readStatus();
    void this.readConflicts();
    this.feed.start();
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.feed.hurry();
    });
    window.addEventListener('online', () => this.feed.hurry());
    window.addEventListener('hashchange', () => this.turnPage());
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** By id, slug, or a name that only one has: others may have given it. */
  notebook(key: string | null | undefined): NotebookStatus | undefined {
    const all = this.status?.notebooks ?? [];
    const named = all.filter((nb) => nb.name === key);
    return all.find((nb) => nb.id === key) ?? all.find((nb) => nb.slug === key) ?? (named.length === 1 ? named[0] : undefined);
  }

  async readStatus(): Promise<void> {
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    try {
      const status = await api.status();
      const busy = status.notebooks.filter((nb) => nb.progress.length > 0).map((nb) => nb.id);
      this.lasting = new Set(busy.filter((id) => this.#busy.has(id)));
      this.#busy = new Set(busy);
      this.status = status;
      this.problem = null;
      this.signedOut = false;
    } catch (error) {
      this.problem = words(error);
      this.signedOut = error instanceof api.ApiError && error.status === 401;
    }
    const reads = this.status?.notebooks.some((nb) => refusalOf(nb) !== null) === true;
    const wait = this.#busy.size > 0 || this.problem ? STATUS_BUSY_MS : reads ? STATUS_READER_MS : STATUS_IDLE_MS;
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.readStatus(), wait);
  }

  async readConflicts(): Promise<void> {
    try {
      this.conflicts = withPutBack((await api.conflicts()).items ?? []);
    } catch {
      // The status says already that the daemon does not answer.
    }
  }

  say(text: string, bad = false, act: Act | null = null, from: string | null = null): void {
    const number = (this.#messageNumber += 1);
    // The same is said once, and of what a plugin says the last.
    const others = this.messages.filter((message) => message.text !== text && (from === null || message.from !== from));
    this.messages = [...others.slice(-2), { number, text, bad, act, from, since: Date.now() }];
    setTimeout(() => this.dismiss(number), bad || act ? 12_000 : 5000);
  }

  /** What went wrong on one page is not said on the next. */
  turnPage(): void {
    const now = Date.now();
    this.messages = this.messages.filter((message) => !message.bad || now - message.since < FRESH_MS);
  }

  dismiss(number: number): void {
    this.messages = this.messages.filter((message) => message.number !== number);
  }

  fail(error: unknown): void {
    this.say(words(error), true);
  }

  #event(notice: Notice): void {
    if (notice.type === 'conflict') void this.readConflicts();
    if (notice.type === 'write_failed') this.say(t.writeFailed(notice.path ?? '', notice.message ?? ''), true);
    if (notice.type === 'fork' && notice.message) this.say(notice.message, true);
    if (notice.type === 'entry.created' && notice.entry) this.#isBack(notice.entry);
    this.#statusSoon();
    for (const listener of this.#listeners) listener.event(notice);
  }

  #isBack(entry: string): void {
    for (const { number, act } of this.messages) {
      if (!act?.gone?.includes(entry)) continue;
      act.gone = act.gone.filter((each) => each !== entry);
      if (act.gone.length === 0) this.dismiss(number);
    }
  }

  #reload(): void {
    void this.readStatus();
    void this.readConflicts();
    for (const listener of this.#listeners) listener.reload();
  }

  #statusSoon(): void {
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = null;
      void this.readStatus();
    }, STATUS_AFTER_MS);
  }
}

/** An error as one plain sentence. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const desk = new Desk();
