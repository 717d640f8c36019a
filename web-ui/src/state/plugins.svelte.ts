/** Which plugins there are, as they are in each notebook: read when one is needed, and anew when something about them changes. */
import * as api from '../api/plugins';
import { desk } from './desk.svelte';

class KnownPlugins {
  /** Grows whenever something about plugins is otherwise. */
  changed = $state(0);
  #read = new Map<string, Promise<api.Plugins>>();

  constructor() {
    desk.listen({ event: ({ type }) => type === 'plugins.changed' && this.forget(), reload: () => this.forget() });
  }

  /** As they are in a notebook. */
  in(notebook: string): Promise<api.Plugins> {
    const known = this.#read.get(notebook);
    if (known) return known;
    const reading = api.plugins({ notebook });
    this.#read.set(notebook, reading);
    // What could not be read is asked for again next time.
    reading.catch(() => this.#read.get(notebook) === reading && this.#read.delete(notebook));
    return reading;
  }

  forget(): void {
    this.#read.clear();
    this.changed += 1;
  }
}

export const knownPlugins = new KnownPlugins();

/** The plugin that has a view of this name: one that runs before one that does not, the one that was loaded last before others. */
export function withView(all: readonly api.Plugin[], view: string): api.Plugin | undefined {
  const having = all.filter(({ views }) => views.some(({ id }) => id === view));
  return having.findLast(({ state }) => state === 'on') ?? having.at(-1);
}
