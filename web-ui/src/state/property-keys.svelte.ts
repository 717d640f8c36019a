/** Which keys a notebook's entries have, of which type: learnt from use, or as the notebook says. One for each notebook. */
import * as api from '../api/client';
import * as people from '../api/people';
import type { PropertyKey, PropertyType, PropertyValue } from '../api/types';
import { writtenNames } from '../editor/complete';
import { holding } from '../editor/paths';
import { properties as say } from '../i18n/en-properties';
import { desk } from './desk.svelte';
import { asText } from './property-values';
import { baseName } from './tree-model';

const FILE = '.metadata';
const TYPES = 'property_types';
/** What is learnt changes slowly: it is asked for again after so long. */
const FRESH_MS = 60_000;
const NAMES = 20;

export class PropertyKeys {
  keys = $state.raw<ReadonlyMap<string, PropertyKey>>(new Map());
  #readAt = 0;
  #names: Promise<string[]> | null = null;
  #found = new Map<string, Promise<{ path: string; title: string } | null>>();

  constructor(
    readonly notebook: string,
    notebookId: string,
  ) {
    // It lives as long as the page, as what it knows does.
    desk.listen({
      event: (notice) => {
        const here = notice.notebook === notebookId || notice.notebook === notebook;
        if (here && (notice.path === FILE || notice.old_path === FILE)) void this.read();
      },
      reload: () => void this.read(),
    });
  }

  /** Reads what may have changed since it was read. */
  async freshen(): Promise<void> {
    if (performance.now() - this.#readAt > FRESH_MS || this.#readAt === 0) await this.read();
  }

  async read(): Promise<void> {
    this.#readAt = performance.now();
    this.#names = null;
    this.#found.clear();
    try {
      const { items } = await api.propertyKeys(this.notebook);
      this.keys = new Map(items.map((key) => [key.key, key]));
    } catch {
      // Without them every property is asked for as what it is.
      this.#readAt = 0;
    }
  }

  /** What a key's values are; of one that nobody knows, what this one is. */
  typeOf(key: string, value: PropertyValue | undefined): PropertyType {
    const known = this.keys.get(key);
    if (known) return known.type;
    if (typeof value === 'number') return 'number';
    if (Array.isArray(value)) return 'list';
    return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? 'date' : 'text';
  }

  /** Says for the whole notebook what a key's values are; `null`: as they mostly are. */
  async setType(key: string, type: PropertyType | null): Promise<void> {
    try {
      // As it stands now: somebody else may have said something about other keys.
      const { properties } = await api.notebookProperties(this.notebook);
      const said = properties[TYPES];
      const rest = said !== null && typeof said === 'object' && !Array.isArray(said) ? said : {};
      const types = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== key));
      if (type !== null) types[key] = type;
      if (Object.keys(types).length === 0) await api.setNotebookProperties(this.notebook, {}, [TYPES]);
      else await api.setNotebookProperties(this.notebook, { [TYPES]: types });
      await this.read();
      desk.say(say.typeSaid(key, type === null ? say.asLearnt : say.types[type]));
    } catch (error) {
      desk.fail(error);
    }
  }

  /** Values that a key has in other entries. */
  seen(key: string): string[] {
    return (this.keys.get(key)?.values ?? []).map(({ value }) => asText(value as PropertyValue)).filter((text) => text !== '');
  }

  /** People of the notebook, then whoever else is named in other entries. */
  async persons(key: string): Promise<string[]> {
    this.#names ??= people.members(this.notebook).then(({ items }) => [...new Set(items.filter((one) => one.role).map((one) => one.person_name || one.name))]);
    const names = await this.#names.catch(() => []);
    return [...new Set([...names, ...this.seen(key)])];
  }

  /** The entry that a link's name means: the one at that path, else the one of that name nearest to the top. */
  find(link: string): Promise<{ path: string; title: string } | null> {
    const target = link.slice(2, -2).split(/[#|]/)[0]?.trim() ?? '';
    const bare = (path: string) => path.replace(/\.(md|markdown)$/i, '').toLowerCase();
    const there = this.#found.get(target) ?? api.files(this.notebook, [holding(baseName(target))], NAMES).then(({ files }) => {
      const named = files.filter(({ path }) => bare(baseName(path)) === bare(target)).sort((a, b) => a.path.length - b.path.length);
      const found = files.find(({ path }) => bare(path) === bare(target)) ?? named[0];
      return found ? { path: found.path, title: found.title } : null;
    });
    this.#found.set(target, there);
    there.catch(() => this.#found.delete(target));
    return there;
  }

  async entries(part: string): Promise<string[]> {
    const { files } = await api.files(this.notebook, part === '' ? [] : [holding(part)], NAMES);
    return writtenNames(files).map(({ written }) => written);
  }
}

const known = new Map<string, PropertyKeys>();

export function keysOf(notebook: string, notebookId: string): PropertyKeys {
  const there = known.get(notebook) ?? new PropertyKeys(notebook, notebookId);
  known.set(notebook, there);
  void there.freshen();
  return there;
}
