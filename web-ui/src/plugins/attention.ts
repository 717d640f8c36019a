/**
 * What somebody does in a frame, as its fence says, which no plugin can: whether a key that a view hands on was pressed, and
 * whether anybody did something that a view answers. A frame whose script takes the keyboard from who is typing gives it back,
 * and is stopped when it does so again and again. The world is given, so that a test can bring its own.
 */
import { type Pressed, samePress } from './keys';
import { own } from './messages';

/** What is done is answered within this time. */
const ANSWERED_MS = 5000;
/**
 * A key that was pressed is handed on at once. What the view says and what the fence says come over two ports, and nothing orders
 * these: whichever is first waits so long for the other.
 */
const HANDED_ON_MS = 1000;
/** The fence says of a pointer a moment after the frame has the keyboard. */
const SAID_MS = 500;
const MOST_TAKEN = 3;
const FORGOTTEN_MS = 30_000;

export interface AttentionPorts {
  now(): number;
  later(work: () => void, ms: number): unknown;
  /** How the keyboard may have come into the frame. */
  how(): Entry;
  /** Tab was pressed in it. */
  tabs(): void;
  giveBack(): void;
  /** It took the keyboard too often. */
  stop(): void;
}

/** How a frame came to have the keyboard. */
export interface Entry {
  /** With Tab. */
  tab: boolean;
  /** From somebody who was typing. */
  typing: boolean;
  /** The pointer is over it. */
  hovered: boolean;
  /** When somebody last did something on the page. */
  since: number;
}

export class Attention {
  #pointer = -Infinity;
  #did = -Infinity;
  #key: { pressed: Pressed; at: number } | null = null;
  /** What a view said and the fence has not yet; the last of each counts. */
  #waits: { pressed: Pressed; at: number; work: () => void } | null = null;
  #answers: { work: () => void } | null = null;
  #has = false;
  #taken: number[] = [];

  constructor(private readonly ports: AttentionPorts) {}

  /** What the fence says. */
  hear(data: unknown): void {
    const now = this.ports.now();
    const did = own(data, 'did');
    if (did === 'enter' || did === 'leave') {
      this.#has = did === 'enter';
      if (this.#has) this.#entered(this.ports.how());
      return;
    }
    if (did !== 'pointer' && did !== 'key') return;
    this.#did = now;
    if (did === 'pointer') this.#pointer = now;
    else {
      const text = (name: string) => String(own(data, name) ?? '');
      const held = (name: string) => own(data, name) === true;
      this.#key = { at: now, pressed: { key: text('key'), code: text('code'), ctrlKey: held('ctrlKey'), metaKey: held('metaKey'), altKey: held('altKey'), shiftKey: held('shiftKey') } };
      if (this.#key.pressed.key === 'Tab') this.ports.tabs();
      this.#handsOn();
    }
    const answers = this.#answers;
    this.#answers = null;
    answers?.work();
  }

  /** Does what answers somebody who did something in the frame; if nobody did, the other. */
  answer(work: () => void, otherwise: () => void): void {
    if (this.ports.now() - this.#did <= ANSWERED_MS) return work();
    const answers = (this.#answers = { work });
    this.ports.later(() => {
      if (this.#answers !== answers) return;
      this.#answers = null;
      otherwise();
    }, HANDED_ON_MS);
  }

  /** Does it if just this was pressed in the frame; once. */
  handOn(pressed: Pressed, work: () => void): void {
    this.#waits = { pressed, at: this.ports.now(), work };
    this.#handsOn();
  }

  #handsOn(): void {
    const [key, waits] = [this.#key, this.#waits];
    if (!key || !waits || Math.abs(key.at - waits.at) > HANDED_ON_MS || !samePress(key.pressed, waits.pressed)) return;
    [this.#key, this.#waits] = [null, null];
    waits.work();
  }

  #entered({ tab, typing, hovered, since }: Entry): void {
    if (tab || !typing || this.#pointer > since) return;
    if (!hovered) return this.#takes();
    this.ports.later(() => {
      if (this.#has && this.#pointer <= since) this.#takes();
    }, SAID_MS);
  }

  #takes(): void {
    this.ports.giveBack();
    const now = this.ports.now();
    this.#taken = [...this.#taken.filter((at) => now - at < FORGOTTEN_MS), now];
    if (this.#taken.length >= MOST_TAKEN) this.ports.stop();
  }
}
