/** Bringing two edits of one text together: what others changed is laid under what was typed here. */
import { diff, type Change } from '@codemirror/merge';
import { ChangeSet, Text } from '@codemirror/state';

/** Precise up to this many changed characters; beyond, larger pieces are replaced. */
const SCAN_LIMIT = 2000;
const SCAN_MS = 300;

/** Lines are cut at `\n` alone; other line ends are characters like any other. */
export const toText = (text: string): Text => Text.of(text.split('\n'));

const hunks = (a: string, b: string): readonly Change[] => diff(a, b, { scanLimit: SCAN_LIMIT, timeout: SCAN_MS });

const strings = new WeakMap<Text, string>();

/** A whole text as one string; a long one is put together once. */
export function stringOf(text: Text): string {
  const known = strings.get(text) ?? text.toString();
  strings.set(text, known);
  return known;
}

/** The smallest changes that make `b` of `a`. */
export function changesBetween(a: string, b: string): ChangeSet {
  if (a === b) return ChangeSet.empty(a.length);
  const changes = hunks(a, b).map(({ fromA, toA, fromB, toB }) => ({
    from: fromA,
    to: toA,
    insert: toText(b.slice(fromB, toB)),
  }));
  return ChangeSet.of(changes, a.length, '\n');
}

export interface Rebased {
  /** To be applied to what stands in the editor. */
  toLive: ChangeSet;
  /** What is then still unsent, on top of the remote text. */
  pending: ChangeSet;
}

/** `pending` was made from `base`; the entry now says `remote`. */
export function rebase(base: string, pending: ChangeSet, remote: string): Rebased {
  const theirs = changesBetween(base, remote);
  return { toLive: theirs.map(pending, true), pending: pending.map(theirs) };
}

/**
 * Whether the edit that made `sent` of `base` is already part of `remote`: the question after an answer
 * that never came. Sending it twice would double what was typed.
 */
export function containsEdit(base: string, sent: string, remote: string): boolean {
  if (remote === sent) return true;
  if (remote === base) return false;
  const key = (text: string, c: Change) => `${c.fromA}:${c.toA}:${text.slice(c.fromB, c.toB)}`;
  const theirs = new Set(hunks(base, remote).map((c) => key(remote, c)));
  return hunks(base, sent).every((c) => theirs.has(key(sent, c)));
}
