/** Where the keyboard is on the page: what a script in a frame takes it from, and gives it back to. */
import type { Entry } from './attention';
import type { Pressed } from './keys';

/** Whoever pressed a key is still typing for so long. */
const TYPING_MS = 1000;
const TAB_MS = 500;
const WRITES = 'input, textarea, select, [contenteditable="true"], [role="textbox"]';

const NO_TYPING = new Set(['Control', 'Shift', 'Alt', 'Meta', 'Escape']);
const types = ({ key, ctrlKey, metaKey, altKey }: Pressed): boolean => !ctrlKey && !metaKey && !altKey && !NO_TYPING.has(key);

class Keyboard {
  #last: HTMLElement | null = null;
  #pressed = -Infinity;
  /** The frame in which somebody did something last, since the page had the keyboard. */
  #used: { frame: HTMLElement; at: number } | null = null;
  #tab = -Infinity;
  #did = -Infinity;

  constructor() {
    window.addEventListener('keydown', (event) => this.#presses(event), true);
    window.addEventListener('pointerdown', ({ isTrusted }) => { if (isTrusted) this.#did = performance.now(); }, true);
    // What is closed gives the keyboard back to where it was, and nobody types in it any more.
    document.addEventListener('close', () => {
      this.#tabs();
      this.#pressed = -Infinity;
    }, true);
    document.addEventListener('focusin', ({ target }) => {
      if (target instanceof HTMLElement && !(target instanceof HTMLIFrameElement)) [this.#last, this.#used] = [target, null];
    }, true);
  }

  /** How a frame may have got it just now. */
  into(frame: HTMLElement): Entry {
    const now = performance.now();
    const writes = this.#last?.isConnected === true && this.#last.matches(WRITES);
    const elsewhere = this.#used?.frame.isConnected === true && this.#used.frame !== frame ? this.#used.at : -Infinity;
    const typing = writes || now - Math.max(this.#pressed, elsewhere) < TYPING_MS;
    return { tab: now - this.#tab < TAB_MS, typing, hovered: frame.matches(':hover'), since: Math.max(this.#did, elsewhere) };
  }

  /** What somebody did in a frame: whoever types in it, or points into it to do so, has the keyboard there; after a Tab the next one may have it. */
  usedIn(frame: HTMLElement, pressed?: Pressed): void {
    if (pressed?.key === 'Tab') this.#tabs();
    else if (pressed === undefined || types(pressed)) this.#used = { frame, at: performance.now() };
  }

  #tabs(): void {
    this.#tab = performance.now();
  }

  giveBack(from: HTMLElement): void {
    const to = [this.#used?.frame, this.#last].find((each) => each?.isConnected && each !== from);
    // A page that believes to have it still would not get it: it is told first where it is.
    from.focus({ preventScroll: true });
    if (to) to.focus({ preventScroll: true });
    else from.blur();
  }

  #presses(event: KeyboardEvent): void {
    if (!event.isTrusted) return;
    this.#did = performance.now();
    this.#used = null;
    if (event.key === 'Tab') this.#tabs();
    else if (types(event)) this.#pressed = performance.now();
  }
}

export const keyboard = new Keyboard();
