/**
 * Conflicts that were decided, and put back into the inbox. The daemon is done with them: they are kept in this browser
 * until they are decided again.
 */
import type { Conflict, PropertyValue } from '../api/types';

const KEY = 'codex.put-back';

/** `value`: what the property said when it was put back. */
export type PutBack = Conflict & { value?: PropertyValue | undefined };

export const keyOf = (conflict: Conflict): string => `${conflict.notebook}/${conflict.number}`;

/** What the browser keeps under a key; what cannot be read is as if it were not there. */
export function kept<T>(key: string): T[] {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(all) ? (all as T[]) : [];
  } catch {
    return [];
  }
}

const keep = (all: readonly PutBack[]) => localStorage.setItem(KEY, JSON.stringify(all));

export const putBack = {
  all: (): PutBack[] => kept<PutBack>(KEY),
  add: (conflict: PutBack): void => keep([conflict, ...putBack.all().filter((each) => keyOf(each) !== keyOf(conflict))]),
  drop: (key: string): void => keep(putBack.all().filter((each) => keyOf(each) !== key)),
};

/** The inbox with what was put back; what the daemon knows is said once. */
export function withPutBack(inbox: readonly Conflict[]): Conflict[] {
  const known = new Set(inbox.map(keyOf));
  return [...inbox, ...putBack.all().filter((each) => !known.has(keyOf(each)))];
}
