/** What the history of an entry looks like: lines in pairs, marks of seals, and the newest state. Pure. */
import type { Hunk, Line } from '../api/lookback';
import type { EntryDetails, SealItem, VersionRow } from '../api/types';

export interface Pair {
  left: Line | null;
  right: Line | null;
}

/** Both sides of a hunk, beside each other: what was removed beside what was added in its place. */
export function pairs({ lines }: Pick<Hunk, 'lines'>): Pair[] {
  const found: Pair[] = [];
  let gone: Line[] = [];
  let come: Line[] = [];
  const settle = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) found.push({ left: gone[at] ?? null, right: come[at] ?? null });
    gone = [];
    come = [];
  };
  for (const line of lines) {
    if (line.change === 'same') {
      settle();
      found.push({ left: line, right: line });
    } else if (line.change === 'removed') {
      // Behind what was added, another change begins.
      if (come.length > 0) settle();
      gone.push(line);
    } else come.push(line);
  }
  settle();
  return found;
}

/** Lines between two hunks, or before the first, that are the same and not shown. */
export const skippedBefore = (hunk: Hunk, before: Hunk | undefined): number =>
  Math.max(0, hunk.new_start - 1 - (before ? before.new_start - 1 + before.new_lines : 0));

/** As many lines as may be shown; the rest is counted. */
export function firstLines(hunks: readonly Hunk[], most: number): { hunks: Hunk[]; left: number } {
  const shown: Hunk[] = [];
  let room = most;
  let left = 0;
  for (const hunk of hunks) {
    if (room <= 0) left += hunk.lines.length;
    else if (hunk.lines.length <= room) shown.push(hunk);
    else {
      shown.push({ ...hunk, lines: hunk.lines.slice(0, room) });
      left += hunk.lines.length - room;
    }
    room -= hunk.lines.length;
  }
  return { hunks: shown, left };
}

/**
 * The rows of a history with the newest state on top: what several devices wrote at the same time is one state with
 * several versions, none of which is all of it.
 */
export function withNow(rows: readonly VersionRow[], details: Pick<EntryDetails, 'version' | 'modified'> | null): VersionRow[] {
  if (!details?.version.includes('.') || rows.some((row) => row.version === details.version)) return [...rows];
  return [{ version: details.version, device: '', who: null, time: details.modified, did: ['merged'] }, ...rows];
}

/** A page that was read anew over what was known: what is new comes on top; nothing, when they do not meet. */
export function onTop(fresh: readonly VersionRow[], known: readonly VersionRow[]): VersionRow[] | null {
  if (known.length === 0) return [...fresh];
  const at = fresh.findIndex((row) => row.version === known[0]?.version);
  return at < 0 ? null : [...fresh.slice(0, at), ...known];
}

/** Seals by the row of what was sealed: a state of several versions that is not the newest any more is with the last of them. */
export function sealsOf(seals: readonly SealItem[], rows: readonly Pick<VersionRow, 'version'>[]): Map<string, SealItem[]> {
  const found = new Map<string, SealItem[]>();
  for (const seal of seals) {
    const heads = seal.version.split('.');
    const row = rows.find(({ version }) => version === seal.version) ?? rows.find(({ version }) => heads.includes(version));
    const version = row?.version ?? seal.version;
    found.set(version, [...(found.get(version) ?? []), seal]);
  }
  return found;
}

/** One line of the list: a version, or the versions from `first` to `last` (older) that somebody wrote in one go. */
export interface VersionLine {
  first: number;
  last: number;
  /** The oldest version of what was written in one go, of one that is opened too; nothing for a version alone. */
  go: string | null;
}

/** Whoever stops for longer begins anew. */
const PAUSE_MS = 5 * 60_000;

/**
 * Edits of one device that follow each other closely are one line; whatever is more than an edit, or is sealed, stands alone.
 * What is `open`, or has the chosen one inside, shows each of its versions.
 */
export function versionLines(rows: readonly VersionRow[], sealed: ReadonlyMap<string, unknown>, open: ReadonlySet<string>, chosen: number): VersionLine[] {
  const plain = (row: VersionRow) => row.did.length === 1 && row.did[0] === 'edited' && !sealed.has(row.version);
  const goesOn = (newer: VersionRow, older: VersionRow) =>
    plain(newer) && plain(older) && newer.device === older.device && Math.abs(Date.parse(newer.time) - Date.parse(older.time)) <= PAUSE_MS;
  const lines: VersionLine[] = [];
  for (let first = 0; first < rows.length; ) {
    let last = first;
    for (let [newer, older] = [rows[last], rows[last + 1]]; newer && older && goesOn(newer, older); [newer, older] = [rows[last], rows[last + 1]]) last += 1;
    const go = last > first ? (rows[last]?.version ?? null) : null;
    if (go === null || !(open.has(go) || (chosen > first && chosen <= last))) lines.push({ first, last, go });
    else for (let at = first; at <= last; at += 1) lines.push({ first: at, last: at, go });
    first = last + 1;
  }
  return lines;
}
