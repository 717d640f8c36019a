/**
 * What is typed for a field before it is there. A part of the page that is loaded when it is first asked for comes some moments
 * after the key that asks for it; who types on means that field: what they type is neither lost, nor does it stand in the text
 * that they were in before.
 */
import { t } from '../i18n/en';

/** Where one can be awaited. */
export type Awaited = 'comment' | 'switcher' | 'commands' | 'jot';

interface Waiting {
  name: Awaited;
  /** Has the keyboard meanwhile; a field itself, so that whatever writes letters there writes them here too. */
  element: HTMLTextAreaElement;
  /** What had the keyboard before, unless it was a frame: whether somebody gives that the keyboard, or its script takes it, is watched over. */
  before: HTMLElement | null;
}

let waiting: Waiting | null = null;

/** A field of this name will be there soon: from now on, what is typed is meant for it. */
export function awaitField(name: Awaited): void {
  if (waiting?.name !== name) {
    const { activeElement } = document;
    const before = waiting && activeElement === waiting.element ? waiting.before : activeElement;
    waiting?.element.remove();
    waiting = { name, element: placeToType(), before: before instanceof HTMLElement && !(before instanceof HTMLIFrameElement) ? before : null };
  }
  if (!waiting.element.isConnected) document.body.append(waiting.element);
  waiting.element.focus({ preventScroll: true });
}

function placeToType(): HTMLTextAreaElement {
  const element = document.createElement('textarea');
  element.className = 'hidden-text';
  element.tabIndex = -1;
  element.setAttribute('aria-label', t.loading);
  // Who goes elsewhere does not come back to it; what was typed in it is not forgotten.
  element.addEventListener('blur', () => queueMicrotask(() => {
    if (document.activeElement !== element) element.remove();
  }));
  return element;
}

/** Gives the field the keyboard, and what was typed for it. */
export function takeField(name: Awaited, field: HTMLInputElement | HTMLTextAreaElement): void {
  const typed = waiting?.name === name ? waiting.element.value : '';
  // A dialog that opens now will give the keyboard back to where it was before.
  if (field.closest('dialog:not([open])')) stopAwaiting(name);
  field.focus();
  if (waiting?.name === name) {
    waiting.element.remove();
    waiting = null;
  }
  if (typed !== '') {
    field.value += typed;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  field.setSelectionRange(field.value.length, field.value.length);
}

/** No field comes: the keyboard is where it was. */
export function stopAwaiting(name: Awaited): void {
  if (waiting?.name !== name) return;
  const { element, before } = waiting;
  waiting = null;
  if (document.activeElement === element) before?.focus({ preventScroll: true });
  element.remove();
}

/** Opens a dialog; a field that is awaited in it still gets what is typed, though nothing behind the dialog does. */
export function openOver(dialog: HTMLDialogElement): void {
  const awaited = document.activeElement === waiting?.element ? waiting : null;
  awaited?.before?.focus({ preventScroll: true });
  dialog.showModal();
  if (!awaited) return;
  dialog.append(awaited.element);
  awaited.element.focus({ preventScroll: true });
}
