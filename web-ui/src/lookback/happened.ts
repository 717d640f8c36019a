/** What happened, in days, chosen, and kept up to date. Pure. */
import type { Activity } from '../api/lookback';
import { dayKey } from '../i18n/days';

export interface Wanted {
  /** Devices of the person; nothing for anybody. */
  devices: ReadonlySet<string> | null;
  about: string;
  /** Part of a path. */
  path: string;
}

export function fits(line: Activity, { devices, about, path }: Wanted): boolean {
  if (devices !== null && !devices.has(line.device)) return false;
  if (about !== '' && line.about !== about) return false;
  const part = path.trim().toLowerCase();
  // Of many entries only the first are named.
  return part === '' || line.entries.some((each) => each.path.toLowerCase().includes(part));
}

/** What a line is, however it has grown since. */
const keyOf = ({ notebook, device, about, since, did, entries }: Activity): string =>
  [notebook, device, about, since, about === 'entry' ? (entries.length === 1 ? entries[0]?.entry : '') : did.join()].join(' ');

/** What was read again from the top, over what was known: a line that has grown moves up, and is there once. */
export function onTopOf(fresh: readonly Activity[], known: readonly Activity[]): Activity[] {
  const oldest = fresh.at(-1)?.time;
  if (oldest === undefined) return [];
  const there = new Set(fresh.map(keyOf));
  return [...fresh, ...known.filter((line) => line.time < oldest && !there.has(keyOf(line)))];
}

export interface Day {
  key: string;
  lines: Activity[];
}

/** Lines that follow each other and are of one day, where one is. */
export function days(lines: readonly Activity[]): Day[] {
  const found: Day[] = [];
  for (const line of lines) {
    const key = dayKey(line.time);
    const last = found.at(-1);
    if (last?.key === key) last.lines.push(line);
    else found.push({ key, lines: [line] });
  }
  return found;
}
