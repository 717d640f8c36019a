/**
 * The page's end of the port to one frame: carries calls, says what is new, says when it is busy without a pause, and ends it when
 * it floods the page or does not answer. What the frame says comes through `messages`. The world is given, so that a test can bring its own.
 */
import type { Dict, Json } from '../api/plugins';
import { type CallName, type Message, read } from './messages';

/** So many messages in a second are no drawing any more. */
export const MOST_A_SECOND = 200;
/** So much of the page's time in a second, ms: few messages can be large ones. */
export const MOST_WORK_MS = 500;
/** So many calls are under way at once, and so many wait. */
export const AT_ONCE = 6;
const MOST_WAITING = 2000;
export const PING_EVERY_MS = 3000;
export const ANSWER_MS = 5000;
/** A frame that has not a moment for an answer while a screen is drawn once (60 Hz) was busy: it is asked again soon. */
export const BUSY_MS = 16;
export const BUSY_EVERY_MS = 1000;
/** It is busy without a pause if so many of its last ten answers were late. */
const LAST = 10;
const MOST_LATE = 8;
/** A timer that comes so late says that the page slept, not the frame. */
const LATE_MS = 1000;

export type Why = 'flood' | 'silent' | 'moved';

export interface PortLike {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: unknown; ports?: readonly { close(): void }[] }) => void) | null;
  close(): void;
}

export interface HostPorts {
  /** Asks the daemon; refusals have `code` and `message`. */
  call(call: CallName, notebook: string | null, body: Dict): Promise<unknown>;
  /** Everything else that the frame wants of the page. */
  heard(message: Exclude<Message, { is: 'call' | 'pong' }>): void;
  stopped(why: Why): void;
  /** It has no pause, or has one again. */
  busy(is: boolean): void;
  later(work: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  now(): number;
}

/** What a frame may take of the page: everything that it says counts, wherever it comes in. */
export class Budget {
  #second = 0;
  #messages = 0;
  #worked = 0;

  constructor(private readonly now: () => number) {}

  /** One more message, and what is done about it; whether that was within bounds. */
  spend(work?: () => void): boolean {
    const began = this.now();
    if (began - this.#second >= 1000) [this.#second, this.#messages, this.#worked] = [began, 0, 0];
    this.#messages += 1;
    if (this.#messages > MOST_A_SECOND) return false;
    work?.();
    this.#worked += this.now() - began;
    return this.#worked <= MOST_WORK_MS;
  }
}

export class FrameHost {
  #running = 0;
  #waiting: (() => void)[] = [];
  #ping = 0;
  #timer: unknown = null;
  #asked = 0;
  /** How long the page itself was busy when it asked. */
  #lag = 0;
  /** Whether each of the last answers was late. */
  #late: boolean[] = [];
  #busy = false;
  #over = false;

  constructor(
    private readonly port: PortLike,
    private readonly ports: HostPorts,
    budget = new Budget(ports.now),
  ) {
    port.onmessage = (event) => {
      for (const each of event.ports ?? []) each.close();
      if (!this.#over && !budget.spend(() => this.#take(event))) this.#stop('flood');
    };
  }

  begin(message: Record<string, unknown>): void {
    this.#post({ type: 'begin', ...message });
    this.#asks();
  }

  change(message: Record<string, unknown>): void {
    this.#post({ type: 'change', ...message });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.ports.cancel(this.#timer);
    this.#waiting = [];
    this.port.onmessage = null;
    this.port.close();
  }

  #stop(why: Why): void {
    this.close();
    this.ports.stopped(why);
  }

  #post(message: Record<string, unknown>): void {
    if (!this.#over) this.port.postMessage(message);
  }

  #take(event: { data: unknown }): void {
    const message = read(event.data);
    if (message === null) return;
    if (message.is === 'pong') {
      if (message.id === this.#ping) this.#rests();
    } else if (message.is === 'call') this.#queue(message);
    else this.ports.heard(message);
  }

  #queue(message: Extract<Message, { is: 'call' }>): void {
    if (this.#waiting.length >= MOST_WAITING) return this.#post({ type: 'reply', id: message.id, error: { code: 'too_many', message: 'too many calls wait already' } });
    this.#waiting.push(() => void this.#carry(message));
    this.#next();
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const work = this.#waiting.shift();
      if (!work) return;
      this.#running += 1;
      work();
    }
  }

  async #carry({ id, call, notebook, body }: Extract<Message, { is: 'call' }>): Promise<void> {
    try {
      const value = await this.ports.call(call, notebook, body);
      this.#post({ type: 'reply', id, value: value as Json });
    } catch (error) {
      const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
      this.#post({ type: 'reply', id, error: { code: typeof code === 'string' ? code : 'failed', message: typeof message === 'string' ? message : String(error) } });
    }
    this.#running -= 1;
    this.#next();
  }

  /** Asks whether it still answers. */
  #asks(): void {
    if (this.#over) return;
    this.#ping += 1;
    const sent = (this.#asked = this.ports.now());
    this.#lag = 0;
    this.ports.later(() => (this.#lag = Math.max(0, this.ports.now() - sent)), 0);
    this.#post({ type: 'ping', id: this.#ping });
    this.ports.cancel(this.#timer);
    this.#timer = this.ports.later(() => {
      if (this.ports.now() - sent > ANSWER_MS + LATE_MS) this.#asks();
      else this.#stop('silent');
    }, ANSWER_MS);
  }

  /** It answered: it is asked again in a while. */
  #rests(): void {
    this.ports.cancel(this.#timer);
    const late = this.ports.now() - this.#asked - this.#lag >= BUSY_MS;
    this.#late = [...this.#late, late].slice(-LAST);
    const busy = this.#late.filter(Boolean).length >= MOST_LATE;
    if (busy !== this.#busy) this.ports.busy((this.#busy = busy));
    this.#timer = this.ports.later(() => this.#asks(), late || busy ? BUSY_EVERY_MS : PING_EVERY_MS);
  }
}
