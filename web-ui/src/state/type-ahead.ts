/**
 * What is typed for a field before it is there. A part of the page that is loaded when it is first asked for comes some moments
 * after the key that asks for it; who types on means that field: what they type is neither lost, nor does it stand in the text
 * where the keyboard still is.
 */

/** Which fields can be awaited. */
export type Awaited = 'comment' | 'switcher' | 'commands' | 'jot';

/** Where one writes. */
const FIELDS = 'input, textarea, select, [contenteditable="true"]';

export class Wait {
  typed = '';

  constructor(readonly name: Awaited) {}

  /** Who clicked elsewhere, or got into another field, does not wait any more; what they typed before still has its field to come. */
  get isWanted(): boolean {
    return lasting === this || this.typed !== '';
  }

  /** The field does not come. */
  stop(): void {
    this.leave();
    this.typed = '';
    if (waits.get(this.name) === this) waits.delete(this.name);
  }

  /** What is typed from now on is not for the field; what was typed is. */
  leave(): void {
    if (lasting !== this) return;
    lasting = null;
    for (const [type, listener] of listeners) window.removeEventListener(type, listener, true);
  }
}

/** One field can be awaited after the other. */
const waits = new Map<Awaited, Wait>();
/** The one that what is typed is meant for. */
let lasting: Wait | null = null;

/** A field of this name will be there soon: from now on, what is typed is meant for it. */
export function awaitField(name: Awaited): Wait {
  if (lasting?.name === name) return lasting;
  lasting?.leave();
  // What is typed into a frame is never heard of here.
  if (document.activeElement instanceof HTMLIFrameElement) document.activeElement.blur();
  const wait = new Wait(name);
  waits.set(name, wait);
  lasting = wait;
  for (const [type, listener] of listeners) window.addEventListener(type, listener, true);
  return wait;
}

/** No field of this name comes. */
export function stopAwaiting(name: Awaited): void {
  waits.get(name)?.stop();
}

/** Gives the field what was typed for it; the keyboard too, unless whoever asked for it is elsewhere by now. */
export function takeField(name: Awaited, field: HTMLInputElement | HTMLTextAreaElement): void {
  const wait = waits.get(name);
  const isElsewhere = lasting !== (wait ?? null);
  const typed = wait?.typed ?? '';
  wait?.stop();
  if (!isElsewhere) field.focus();
  if (typed !== '') {
    field.value += typed;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  field.setSelectionRange(field.value.length, field.value.length);
}

const listeners: readonly (readonly [string, (event: Event) => void])[] = [
  ['keydown', (event) => event instanceof KeyboardEvent && presses(event)],
  ['paste', (event) => event instanceof ClipboardEvent && types(event, event.clipboardData?.getData('text/plain') ?? '')],
  ['pointerdown', () => lasting?.leave()],
  ['focusin', ({ target }) => {
    if (target instanceof Element && target.matches(FIELDS)) lasting?.leave();
  }],
];

function presses(event: KeyboardEvent): void {
  const { key } = event;
  if (isText(event)) types(event, key);
  else if (event.ctrlKey || event.metaKey || event.altKey) {
    // Ctrl Enter would send what is not there yet; the others are the page's.
    if (key === 'Enter') types(event, '');
  } else if (key === 'Enter') types(event, '\n');
  else if (key === 'Tab' || /^Arrow|^(Home|End|PageUp|PageDown|Delete)$/.test(key)) types(event, '');
  else if (key === 'Backspace') {
    types(event, '');
    if (lasting) lasting.typed = [...lasting.typed].slice(0, -1).join('');
  } else if (key === 'Escape') lasting?.stop();
  // What is composed cannot be had letter by letter: then it goes nowhere rather than into the text.
  else if ((event.isComposing || /^(Process|Dead|Unidentified)$/.test(key)) && document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/** AltGr, and Option on a Mac, write letters that stand on no key. */
function isText(event: KeyboardEvent): boolean {
  if (event.isComposing || [...event.key].length !== 1 || event.metaKey) return false;
  if (event.getModifierState('AltGraph')) return true;
  return !event.ctrlKey && !(event.altKey && /[a-z0-9 ]/i.test(event.key));
}

/** Nobody else hears of it. */
function types(event: Event, text: string): void {
  event.preventDefault();
  event.stopPropagation();
  if (lasting) lasting.typed += text;
}
