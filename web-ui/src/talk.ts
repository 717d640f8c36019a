/**
 * The socket of the entry that is open: tells the other pages where this one stands and what is typed and not saved yet,
 * and hears the same of them. What is said here is kept nowhere: each word says it all, and a lost one is no harm.
 */
import type { Heard, Presence } from './api/types';
import { BACKOFF_FIRST_MS, BACKOFF_MOST_MS, type SocketLike, feedUrl } from './events';

/** Between two words. */
const PAUSE_MS = 30;
/** Said again after so long, so that a word that was lost is not missed for long. */
export const AGAIN_MS = 5000;
/** Whoever says nothing for so long is gone: its page, its daemon or the way to it. */
export const SILENT_MS = 15_000;

export interface TalkSocket extends SocketLike {
  send(text: string): void;
}

/** What the talk needs from the world; a test brings its own. */
export interface TalkPorts {
  open(url: string): TalkSocket;
  later(work: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  now(): number;
}

const browser: TalkPorts = {
  open: (url) => new WebSocket(url) as unknown as TalkSocket,
  later: (work, ms) => setTimeout(work, ms),
  cancel: (timer) => clearTimeout(timer as number),
  now: () => Date.now(),
};

/** The address of an entry's socket. */
export const talkUrl = (location: { protocol: string; host: string }, notebook: string, entry: string): string =>
  feedUrl(location).replace(/events$/, `notebooks/${notebook}/entries/${entry}/collab`);

export class Talk {
  #socket: TalkSocket | null = null;
  #isOpen = false;
  #failures = 0;
  #said = '';
  #saidAt = 0;
  #pending: unknown = null;
  #again: unknown = null;
  #reopen: unknown = null;
  #stopped = false;
  /** When each page was last heard. */
  #pages = new Map<string, number>();

  constructor(
    private readonly url: string,
    /** What this page says now. */
    private readonly says: () => Presence,
    private readonly heard: (word: Heard) => void,
    private readonly ports: TalkPorts = browser,
  ) {
    this.#open();
  }

  /** Something is to be said: at once, or a moment after the word before. */
  stir(): void {
    const wait = Math.max(0, this.#saidAt + PAUSE_MS - this.ports.now());
    this.#pending ??= this.ports.later(() => {
      this.#pending = null;
      this.#say(false);
    }, wait);
  }

  close(): void {
    this.#stopped = true;
    for (const timer of [this.#pending, this.#again, this.#reopen]) if (timer !== null) this.ports.cancel(timer);
    this.#socket?.close();
  }

  #open(): void {
    const socket = this.ports.open(this.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#isOpen = true;
      this.#say(true);
    };
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = () => {
      this.#isOpen = false;
      for (const page of [...this.#pages.keys()]) this.#gone(page);
      if (this.#stopped) return;
      const wait = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
      this.#failures += 1;
      this.#reopen = this.ports.later(() => this.#open(), wait);
    };
  }

  #say(anyway: boolean): void {
    if (!this.#isOpen || this.#stopped) return;
    const text = JSON.stringify(this.says());
    if (text === this.#said && !anyway) return;
    this.#said = text;
    this.#saidAt = this.ports.now();
    this.#socket?.send(text);
    if (this.#again !== null) this.ports.cancel(this.#again);
    this.#again = this.ports.later(() => {
      const now = this.ports.now();
      for (const [page, at] of [...this.#pages]) if (now - at > SILENT_MS) this.#gone(page);
      this.#say(true);
    }, AGAIN_MS);
  }

  #hear(data: unknown): void {
    const word = parse(data);
    if (!word) return;
    if (!word.says) return this.#gone(word.page, word);
    const isNew = !this.#pages.has(word.page);
    this.#pages.set(word.page, this.ports.now());
    this.heard(word);
    // Whoever has just come has heard nothing of this page.
    if (isNew) this.#say(true);
  }

  #gone(page: string, word?: Heard): void {
    if (!this.#pages.delete(page)) return;
    this.heard(word ?? { page, device: '', name: '', colour: '', says: null });
  }
}

function parse(data: unknown): Heard | null {
  if (typeof data !== 'string') return null;
  try {
    const value = JSON.parse(data) as Heard;
    return typeof value?.page === 'string' && typeof value.name === 'string' ? value : null;
  } catch {
    return null;
  }
}
