/** What was decided about conflicts on this page, and how each decision is taken back. */
import * as api from '../api/client';
import * as files from '../api/files';
import type { Conflict, PropertyValue, VersionRow } from '../api/types';
import { t } from '../i18n/all';
import { desk } from './desk.svelte';
import { scalarOf } from './property-values';

export interface Decision {
  number: number;
  path: string;
  notebook: string;
  entry: string;
  said: string;
  undo(): Promise<void>;
}

/** Larger bytes are not carried through the browser. */
const CARRIED_BYTES = 256 << 20;

/** The entry that holds the other version. */
export const otherOf = ({ kind }: Conflict): string | null => ('copy' in kind ? kind.copy : 'other' in kind ? kind.other : null);
export const slugOf = (conflict: Conflict): string => desk.notebook(conflict.notebook)?.slug ?? conflict.notebook;
export const keyOf = (conflict: Conflict): string => `${conflict.notebook}/${conflict.number}`;

/**
 * The version before two that were made at once: the one below the newest two changes of different devices. Nothing if
 * the history does not look like that. Pure.
 */
export function versionBefore(rows: readonly VersionRow[], deed: string): VersionRow | null {
  const first = rows.findIndex((row) => row.did.includes(deed));
  const second = rows.findIndex((row, at) => at > first && row.did.includes(deed) && row.device !== rows[first]?.device);
  if (first < 0 || second < 0) return null;
  return rows.slice(second + 1).find((row) => row.did.includes(deed) || row.did.includes('created')) ?? null;
}

class Decisions {
  made = $state.raw<Decision[]>([]);
  busy = $state<string | null>(null);
  #number = 0;

  /** Another value, or the one that shows. */
  property(conflict: Conflict, value: PropertyValue, words: string): Promise<void> {
    const { kind } = conflict;
    if (kind.type !== 'property') return Promise.resolve();
    const before = scalarOf(kind.shown);
    return this.#decide(conflict, t.conflicts.did.property(kind.key, words), async (nb) => {
      await api.changeEntry(nb, conflict.entry, { properties: { [kind.key]: value } });
      return async () => {
        if (before !== undefined) await api.changeEntry(nb, conflict.entry, { properties: { [kind.key]: before } });
      };
    });
  }

  /** What shows stays; nothing else changes. */
  leave(conflict: Conflict, said: string): Promise<void> {
    return this.#decide(conflict, said, async () => async () => {});
  }

  keepShown(conflict: Conflict): Promise<void> {
    return this.#decide(conflict, t.conflicts.did.shown, async (nb) => {
      const other = otherOf(conflict);
      if (other === null) return async () => {};
      await api.deleteEntry(nb, other);
      return async () => void (await files.bringBack(nb, other));
    });
  }

  keepOther(conflict: Conflict): Promise<void> {
    return this.#decide(conflict, t.conflicts.did.other, async (nb) => {
      const other = otherOf(conflict);
      if (other === null) return async () => {};
      const [shown, copy] = await Promise.all([api.entry(nb, conflict.entry), api.entry(nb, other)]);
      if (copy.size > CARRIED_BYTES) throw new Error(t.conflicts.tooLarge);
      const bytes = await files.readAll(nb, other, copy.version);
      await files.writeBytes(nb, conflict.entry, bytes, shown.version);
      await api.deleteEntry(nb, other);
      return async () => {
        await files.bringBack(nb, other);
        await api.restore(nb, conflict.entry, shown.version);
      };
    });
  }

  async takeBack(decision: Decision): Promise<void> {
    try {
      await decision.undo();
      this.made = this.made.filter((each) => each.number !== decision.number);
      desk.say(t.conflicts.undone(decision.path));
    } catch (error) {
      desk.fail(error);
    }
  }

  async #decide(conflict: Conflict, said: string, work: (nb: string) => Promise<() => Promise<void>>): Promise<void> {
    const nb = slugOf(conflict);
    this.busy = keyOf(conflict);
    try {
      const undo = await work(nb);
      // What was done may have settled it already.
      await api.settle(nb, conflict.number).catch((error: unknown) => {
        if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      });
      this.made = [{ number: (this.#number += 1), path: conflict.path, notebook: nb, entry: conflict.entry, said, undo }, ...this.made];
    } catch (error) {
      desk.fail(error);
    }
    await desk.readConflicts();
    this.busy = null;
  }
}

export const decisions = new Decisions();
