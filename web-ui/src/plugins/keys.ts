/** Keys of the page that also count while a plugin's frame has the keyboard and makes nothing of them. Pure. */
import { COMMANDS, fits } from '../state/commands';

/** As the frame is told them: `Mod` is Ctrl, and ⌘ on a Mac; with Alt the key itself counts, not what it writes. */
export const PAGE_KEYS: readonly string[] = [...new Set([...Object.values(COMMANDS).filter((keys) => keys !== ''), 'Escape'])];

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Whether the page knows these keys: a frame may say any. */
export const isPageKey = (pressed: Pressed): boolean =>
  PAGE_KEYS.some((keys) => (keys === 'Escape' ? pressed.key === keys && !pressed.ctrlKey && !pressed.metaKey && !pressed.altKey && !pressed.shiftKey : fits(keys, pressed)));
