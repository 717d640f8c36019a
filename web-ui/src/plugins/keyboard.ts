/** Where the keyboard is on the page: what a script in a frame takes it from, and gives it back to. */
import type { Entry } from './attention';

/** Whoever pressed a key is still typing for so long. */
const TYPING_MS = 1000;
const TAB_MS = 500;
const WRITES = 'input, textarea, select, [contenteditable="true"], [role="textbox"]';

const NO_TYPING = new Set(['Control', 'Shift', 'Alt', 'Meta', 'Escape']);

class Keyboard {
  #last: HTMLElement | null = null;
  #pressed = -Infinity;
  #tab = -Infinity;
  #did = -Infinity;

  constructor() {
    window.addEventListener('keydown', (event) => this.#presses(event), true);
    window.addEventListener('pointerdown', ({ isTrusted }) => { if (isTrusted) this.#did = performance.now(); }, true);
    // What is closed gives the keyboard back to where it was, and nobody types in it any more.
    document.addEventListener('close', () => {
      this.tabs();
      this.#pressed = -Infinity;
    }, true);
    document.addEventListener('focusin', ({ target }) => {
      if (target instanceof HTMLElement && !(target instanceof HTMLIFrameElement)) this.#last = target;
    }, true);
  }

  /** How a frame may have got it just now. */
  into(frame: Element): Entry {
    const now = performance.now();
    const writes = this.#last?.isConnected === true && this.#last.matches(WRITES);
    return { tab: now - this.#tab < TAB_MS, typing: writes || now - this.#pressed < TYPING_MS, hovered: frame.matches(':hover'), since: this.#did };
  }

  /** Whoever pressed Tab, also in a frame, may be in the next one now. */
  tabs(): void {
    this.#tab = performance.now();
  }

  giveBack(from: HTMLElement): void {
    const to = this.#last?.isConnected ? this.#last : null;
    // A page that believes to have it still would not get it: it is told first where it is.
    from.focus({ preventScroll: true });
    if (to) to.focus({ preventScroll: true });
    else from.blur();
  }

  #presses(event: KeyboardEvent): void {
    if (!event.isTrusted) return;
    this.#did = performance.now();
    if (event.key === 'Tab') this.tabs();
    else if (!event.ctrlKey && !event.metaKey && !event.altKey && !NO_TYPING.has(event.key)) this.#pressed = performance.now();
  }
}

export const keyboard = new Keyboard();
