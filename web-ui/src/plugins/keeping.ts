/** What a view keeps goes to the daemon at once, and then no more often than this, in one: a disk is no place to draw on. */
import type { Dict } from '../api/plugins';

export const EVERY_MS = 1000;

export interface KeeperPorts {
  send(values: Dict): Promise<unknown>;
  later(work: () => void, ms: number): unknown;
}

export class Keeper {
  #waiting: { values: Dict; done: Promise<unknown> } | null = null;
  #resting = false;

  constructor(private readonly ports: KeeperPorts) {}

  keep(values: Dict): Promise<unknown> {
    if (!this.#resting) {
      this.#rest();
      return this.ports.send(values);
    }
    if (this.#waiting) {
      Object.assign(this.#waiting.values, values);
      return this.#waiting.done;
    }
    const all = { ...values };
    const done = new Promise<unknown>((kept, failed) => {
      this.#flush = () => {
        this.#waiting = null;
        this.#flush = () => {};
        this.ports.send(all).then(kept, failed);
      };
    });
    this.#waiting = { values: all, done };
    return done;
  }

  /** What waits goes now: nobody is there afterwards. */
  close(): void {
    this.#flush();
  }

  #flush: () => void = () => {};

  #rest(): void {
    this.#resting = true;
    this.ports.later(() => {
      this.#resting = false;
      if (!this.#waiting) return;
      this.#rest();
      this.#flush();
    }, EVERY_MS);
  }
}
