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
