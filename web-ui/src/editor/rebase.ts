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
  const [theirs, own] = withoutSameTicks(base, changesBetween(base, remote), pending);
  return { toLive: theirs.map(own, true), pending: own.map(theirs) };
}

interface Piece {
  from: number;
  to: number;
  insert: Text;
}

function piecesOf(set: ChangeSet): Piece[] {
  const pieces: Piece[] = [];
  set.iterChanges((from, to, _fromB, _toB, insert) => pieces.push({ from, to, insert }), true);
  return pieces;
}

/**
 * A box that was ticked on both sides is ticked once: two letters `x` in it would make it none. Such a piece leaves both,
 * and since it is as long as what it replaces, all other places stay what they are.
 */
function withoutSameTicks(base: string, theirs: ChangeSet, own: ChangeSet): [ChangeSet, ChangeSet] {
  const key = ({ from, to, insert }: Piece) => (isTick(base, from, to, insert) ? `${from} ${insert.toString().toLowerCase()}` : '');
  const ticked = new Set(piecesOf(theirs).map(key).filter((each) => each !== ''));
  const same = new Set(piecesOf(own).map(key).filter((each) => ticked.has(each)));
  if (same.size === 0) return [theirs, own];
  const rest = (set: ChangeSet) => ChangeSet.of(piecesOf(set).filter((piece) => !same.has(key(piece))), base.length, '\n');
  return [rest(theirs), rest(own)];
}

const isTick = (base: string, from: number, to: number, insert: Text): boolean =>
  to === from + 1 && insert.length === 1 && base[from - 1] === '[' && base[to] === ']' && /^[ xX]{2}$/.test(base.slice(from, to) + insert.toString());

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
