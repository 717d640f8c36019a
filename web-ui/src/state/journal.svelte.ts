/** Which days of a notebook have a note, as its template for days names them. */
import * as api from '../api/client';
import * as planning from '../api/planning';
import type { Notice } from '../api/types';
import { FOLDER, dayGlob, dayReader } from './templates';

/** The template that the daemon makes notes of days of. */
const DAILY = 'daily-journal';
/** Some fifteen years. */
const MOST = 5000;
const AGAIN_MS = 500;

export class Journal {
  /** Entries by day. */
  noted = $state.raw<ReadonlyMap<string, string>>(new Map());

  #reads: ((path: string) => string | null) | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asked = 0;
  #closed = false;

  constructor(readonly notebook: string) {
    void this.#read();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The day that an entry is the note of. */
  dayOf(entry: string): string | null {
    for (const [day, id] of this.noted) if (id === entry) return day;
    return null;
  }

  event({ type, path, old_path, entry }: Notice): void {
    if (type !== 'entry.created' && type !== 'entry.deleted' && type !== 'entry.moved') {
      // Another template may name them otherwise.
      if (path?.startsWith(`${FOLDER}/`)) this.#soon();
      return;
    }
    const concerns = [path, old_path].some((each) => each != null && (this.#reads?.(each) != null || each.startsWith(FOLDER)));
    if (concerns || type === 'entry.moved' || (entry != null && this.dayOf(entry) !== null)) this.#soon();
  }

  reload(): void {
    this.#soon();
  }

  #soon(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#read();
    }, AGAIN_MS);
  }

  async #read(): Promise<void> {
    const number = (this.#asked += 1);
    try {
      const { items } = await planning.templates(this.notebook);
      const pattern = items.find(({ id }) => id === DAILY)?.default_name ?? '';
      const reads = dayReader(pattern);
      const { files } = reads ? await api.files(this.notebook, [dayGlob(pattern)], MOST) : { files: [] };
      if (number !== this.#asked || this.#closed) return;
      this.#reads = reads;
      this.noted = new Map(
        files.flatMap(({ path, id }): [string, string][] => {
          const day = reads?.(path);
          return day ? [[day, id]] : [];
        }),
      );
    } catch {
      // The calendar shows no marks until the daemon answers again.
    }
  }
}
