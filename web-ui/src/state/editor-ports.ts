/** What the editor of one entry asks of the page. */
import * as api from '../api/client';
import type { Name, Ports } from '../editor/live/context';
import { holding } from '../editor/paths';
import type { Place } from '../editor/place';
import { t } from '../i18n/en';
import { desk } from './desk.svelte';
import type { OpenEntry } from './entry.svelte';
import { wantHeading } from './heading';
import { links, router } from './route.svelte';
import { baseName, parentPath } from './tree-model';

const NAMES = 60;

export function portsOf(open: OpenEntry, place: () => Place): Ports {
  const { notebook } = open;
  const go = (path: string, heading: string | null) => {
    const page = links.path(notebook, path);
    wantHeading(page, heading);
    router.go(page);
  };
  const names = async (part: string, signal?: AbortSignal): Promise<{ names: (Name & { id: string })[]; all: boolean }> => {
    const { files, total } = await api.files(notebook, part === '' ? [] : [holding(baseName(part))], NAMES, signal);
    return { names: files.map(({ id, path, title }) => ({ id, path, title })), all: files.length >= total };
  };
  const find = async (target: string) => {
    const known = place().find(target);
    if (known) return known;
    await open.buffer?.flush();
    await open.readLinks();
    return place().find(target) ?? null;
  };
  return {
    get place() {
      return place();
    },
    entry: open.entry,
    go,
    async goWiki(target, heading) {
      const found = await find(target);
      if (found) go(found.path, heading);
      else desk.say(t.editor.noTarget(target), true);
    },
    upload: (file) => api.upload(notebook, parentPath(place().path), file),
    names,
    async textOf(target) {
      const bare = (path: string) => path.replace(/\.md$/i, '').toLowerCase();
      const { names: all } = await names(target);
      const fits = (path: string) => bare(path) === bare(target) || bare(baseName(path)) === bare(target);
      const found = place().find(target)?.entry ?? all.find(({ path }) => fits(path))?.id;
      return found === undefined ? null : (await api.readText(notebook, found)).text;
    },
    say: (words, bad) => desk.say(words, bad),
  };
}
