/** What was decided about conflicts on this page, and how each decision is taken back. */
import * as api from '../api/client';
import * as files from '../api/files';
import type { Conflict, PropertyValue, VersionRow } from '../api/types';
import { t } from '../i18n/all';
import { desk } from './desk.svelte';
import { keyOf, kept, putBack } from './put-back';

/** How a decision is taken back. */
type Undo =
  | { is: 'nothing' }
  /** Without a value: it had none. */
  | { is: 'property'; key: string; value?: PropertyValue | undefined }
  /** Another entry comes back from the trash; `version`: what the one that shows was. */
  | { is: 'other'; other: string; version?: string }
  /** The other took the place of the one that showed; `path`: where it was. */
  | { is: 'place'; other: string; path: string };

export interface Decision {
  number: number;
  conflict: Conflict;
  said: string;
  when: string;
  undo: Undo;
}

const KEY = 'codex.decisions';
/** So many, the latest, can be taken back. */
const KEPT = 100;

/** Larger bytes are not carried through the browser. */
const CARRIED_BYTES = 256 << 20;

/** The entry that holds the other version. */
export const otherOf = ({ kind }: Conflict): string | null => ('copy' in kind ? kind.copy : 'other' in kind ? kind.other : null);
export const slugOf = (conflict: Conflict): string => desk.notebook(conflict.notebook)?.slug ?? conflict.notebook;

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
  /** Kept in this browser, so that they can be taken back later too. */
  made = $state.raw<Decision[]>(kept<Decision>(KEY));
  busy = $state<string | null>(null);

  /** Another value, or the one that shows. */
  property(conflict: Conflict, value: PropertyValue, words: string): Promise<void> {
    const { kind } = conflict;
    if (kind.type !== 'property') return Promise.resolve();
    return this.#decide(conflict, t.conflicts.did.property(kind.key, words), async (nb) => {
      const before = await this.#valueOf(nb, conflict);
      await api.changeEntry(nb, conflict.entry, { properties: { [kind.key]: value } });
      return { is: 'property', key: kind.key, value: before };
    });
  }

  /** What shows stays; nothing else changes. */
  leave(conflict: Conflict, said: string): Promise<void> {
    return this.#decide(conflict, said, async () => ({ is: 'nothing' }));
  }

  keepShown(conflict: Conflict): Promise<void> {
    return this.#decide(conflict, t.conflicts.did.shown, async (nb) => {
      const other = otherOf(conflict);
      if (other === null) return { is: 'nothing' };
      await api.deleteEntry(nb, other);
      return { is: 'other', other };
    });
  }

  keepOther(conflict: Conflict): Promise<void> {
    return this.#decide(conflict, t.conflicts.did.other, async (nb) => {
      const other = otherOf(conflict);
      if (other === null) return { is: 'nothing' };
      const [shown, copy] = await Promise.all([api.entry(nb, conflict.entry), api.entry(nb, other)]);
      if (copy.size > CARRIED_BYTES) throw new Error(t.conflicts.tooLarge);
      const bytes = await files.readAll(nb, other, copy.version);
      await files.writeBytes(nb, conflict.entry, bytes, shown.version);
      await api.deleteEntry(nb, other);
      return { is: 'other', other, version: shown.version };
    });
  }

  /** A text and an attachment do not become each other: the other entry takes the name of the one that showed. */
  putOther(conflict: Conflict): Promise<void> {
    return this.#decide(conflict, t.conflicts.did.put, async (nb) => {
      const other = otherOf(conflict);
      if (other === null) return { is: 'nothing' };
      const { path } = await api.entry(nb, other);
      const shown = await api.entry(nb, conflict.entry);
      await api.deleteEntry(nb, conflict.entry);
      try {
        await api.changeEntry(nb, other, { path: shown.path, links: 'keep' });
      } catch (error) {
        await files.bringBack(nb, conflict.entry);
        throw error;
      }
      return { is: 'place', other, path };
    });
  }

  /** All is as before the decision, and the conflict in the inbox again. */
  async takeBack(decision: Decision): Promise<void> {
    const { conflict } = decision;
    this.busy = keyOf(conflict);
    try {
      await this.#undo(slugOf(conflict), conflict.entry, decision.undo);
      putBack.add({ ...conflict, value: await this.#valueOf(slugOf(conflict), conflict) });
      this.#keep((all) => all.filter((each) => each.number !== decision.number));
      desk.say(t.conflicts.undone(conflict.path));
    } catch (error) {
      desk.fail(error);
    }
    await desk.readConflicts();
    this.busy = null;
  }

  /** What was put back, and is about a value that somebody has changed since, is over. */
  async look(): Promise<void> {
    for (const conflict of putBack.all()) {
      if (conflict.kind.type !== 'property') continue;
      // What cannot be read says nothing; it stays in the inbox.
      const now = await this.#valueOf(slugOf(conflict), conflict).catch(() => conflict.value);
      if (JSON.stringify(now) !== JSON.stringify(conflict.value)) putBack.drop(keyOf(conflict));
    }
    await desk.readConflicts();
  }

  async #valueOf(nb: string, { entry, kind }: Conflict): Promise<PropertyValue | undefined> {
    return kind.type === 'property' ? (await api.entry(nb, entry)).properties[kind.key] : undefined;
  }

  async #undo(nb: string, entry: string, undo: Undo): Promise<void> {
    if (undo.is === 'property') await api.changeEntry(nb, entry, undo.value === undefined ? { remove_properties: [undo.key] } : { properties: { [undo.key]: undo.value } });
    if (undo.is === 'place') {
      await api.changeEntry(nb, undo.other, { path: undo.path, links: 'keep' });
      await files.bringBack(nb, entry);
    }
    if (undo.is !== 'other') return;
    await files.bringBack(nb, undo.other);
    if (undo.version !== undefined) await api.restore(nb, entry, undo.version);
  }

  /** Another tab may have decided something since this one was opened. */
  #keep(change: (all: readonly Decision[]) => Decision[]): void {
    this.made = change(kept<Decision>(KEY)).slice(0, KEPT);
    localStorage.setItem(KEY, JSON.stringify(this.made));
  }

  async #decide(conflict: Conflict, said: string, work: (nb: string) => Promise<Undo>): Promise<void> {
    const nb = slugOf(conflict);
    this.busy = keyOf(conflict);
    try {
      const undo = await work(nb);
      // What was done may have settled it already; or it was put back, and the daemon is done with it.
      await api.settle(nb, conflict.number).catch((error: unknown) => {
        if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      });
      putBack.drop(keyOf(conflict));
      const when = new Date().toISOString();
      this.#keep((all) => [{ number: 1 + Math.max(0, ...all.map((each) => each.number)), conflict, said, when, undo }, ...all]);
    } catch (error) {
      desk.fail(error);
    }
    await desk.readConflicts();
    this.busy = null;
  }
}

export const decisions = new Decisions();
