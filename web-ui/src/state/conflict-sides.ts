/** Who set what, where two set the same. */
import * as api from '../api/client';
import type { VersionRow } from '../api/types';
import { sourceAt } from './property-values';

/** So many versions are looked through. */
const LOOKED_AT = 12;

/** A version with what a property says in it. */
export interface Said {
  row: VersionRow;
  source: string | null;
}

/** Who first set each of these values; `versions`: the oldest first. Pure. */
export function settersOf(sides: readonly string[], versions: readonly Said[]): Map<string, VersionRow> {
  const found = new Map<string, VersionRow>();
  for (const side of sides) {
    const first = versions.find(({ source }) => source?.trim() === side.trim());
    if (first) found.set(side, first.row);
  }
  return found;
}

/** The versions since the one before both, with what they say of a key. */
export async function versionsSaying(notebook: string, entry: string, rows: readonly VersionRow[], before: VersionRow | null, key: string): Promise<Said[]> {
  const since = before ? rows.slice(0, rows.indexOf(before)) : rows;
  const said: Said[] = [];
  for (const row of since.slice(-LOOKED_AT).toReversed()) {
    const text = await api.readVersion(notebook, entry, row.version);
    const at = sourceAt(text, key);
    said.push({ row, source: at && text.slice(at.from, at.to) });
  }
  return said;
}
