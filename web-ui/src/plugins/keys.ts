/** Keys of the page that also count while a plugin's frame has the keyboard and makes nothing of them. */
import { fits } from '../state/commands';
import { ownKeys } from '../state/own-keys.svelte';

/** As the frame is told them: `Mod` is Ctrl, and ⌘ on a Mac; with Alt the key itself counts, not what it writes. */
export const pageKeys = (): string[] => [...new Set([...ownKeys.all(), 'Escape'])];

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export const samePress = (a: Pressed, b: Pressed): boolean =>
  a.key === b.key && a.code === b.code && a.ctrlKey === b.ctrlKey && a.metaKey === b.metaKey && a.altKey === b.altKey && a.shiftKey === b.shiftKey;

/** Whether the page knows these keys: a frame may say any. */
export const isPageKey = (pressed: Pressed): boolean =>
  pageKeys().some((keys) => (keys === 'Escape' ? pressed.key === keys && !pressed.ctrlKey && !pressed.metaKey && !pressed.altKey && !pressed.shiftKey : fits(keys, pressed)));
