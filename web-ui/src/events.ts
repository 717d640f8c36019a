/**
 * The socket of everything that happens (`talk` has that of one entry). Says every event once and in order; after a break it asks for what it
 * missed, and says "reload" when that cannot be told.
 */
import type { Notice } from './api/types';

/** What the feed needs from the world; a test brings its own. */
export interface FeedPorts {
  open(url: string): SocketLike;
  later(work: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  random(): number;
}

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  close(): void;
}

export interface FeedListener {
  event(notice: Notice): void;
  /** What was known may be old: read everything again. */
  reload(): void;
  connected(yes: boolean): void;
}

export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_MOST_MS = 10_000;

const browser: FeedPorts = {
  open: (url) => new WebSocket(url) as unknown as SocketLike,
  later: (work, ms) => setTimeout(work, ms),
  cancel: (timer) => clearTimeout(timer as number),
  random: Math.random,
};

/** The address of the event socket beside the page. */
export function feedUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/events`;
}

export class Feed {
  #last: number | null = null;
  #failures = 0;
  #socket: SocketLike | null = null;
  #timer: unknown = null;
  #stopped = false;

  constructor(
    private readonly url: string,
    private readonly listener: FeedListener,
    private readonly ports: FeedPorts = browser,
  ) {}

  start(): void {
    this.#stopped = false;
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.ports.cancel(this.#timer);
    this.#socket?.close();
    this.#socket = null;
  }

  /** Tries at once, for instance when the page comes to the front. */
  hurry(): void {
    if (this.#stopped || this.#socket) return;
    this.ports.cancel(this.#timer);
    this.#open();
  }

  #open(): void {
    const since = this.#last;
    const socket = this.ports.open(since === null ? this.url : `${this.url}?since=${since}`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.listener.connected(true);
      // Without a number to go on from, whatever happened before this moment is unknown.
      if (since === null) this.listener.reload();
    };
    socket.onmessage = (message) => {
      if (this.#socket === socket) this.#read(message.data);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.listener.connected(false);
      if (!this.#stopped) this.#timer = this.ports.later(() => this.#open(), this.#pause());
    };
  }

  #pause(): number {
    const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return most * (0.5 + this.ports.random() / 2);
  }

  #read(data: unknown): void {
    const notice = parse(data);
    if (!notice) return;
    if (notice.type === 'reload') {
      this.#last = Number.isFinite(notice.number) ? notice.number : null;
      this.listener.reload();
      return;
    }
    if (Number.isFinite(notice.number)) {
      if (this.#last !== null && notice.number <= this.#last) return;
      this.#last = notice.number;
    }
    this.listener.event(notice);
  }
}

function parse(data: unknown): Notice | null {
  if (typeof data !== 'string') return null;
  try {
    const value = JSON.parse(data) as Notice;
    return typeof value?.type === 'string' ? value : null;
  } catch {
    return null;
  }
}
