/** The trash as it was thrown away: a folder with what was in it, a file with what describes it. Pure. */
import type { TreeItem } from '../api/types';

export interface Thrown {
  item: TreeItem;
  /** What was in the folder, by path. */
  inside: TreeItem[];
  /** Sidecars of the file, which hold its properties. */
  along: TreeItem[];
}

/** What goes in one go does not go in one moment. */
const AT_ONCE_MS = 10_000;
const FORMS = ['.json', '.xml', '.md'];
/** As in the daemon: `README` and `README.md` are two ordinary files, but bytes may have sidecars whatever they are called. */
const canHave = ({ name, kind }: TreeItem): boolean => kind === 'blob' || (kind === 'text' && /[^.].*\.[^.]+$/.test(name));
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** `items`: the latest first. */
export function thrown(items: readonly TreeItem[]): Thrown[] {
  const folders = items.filter(({ kind }) => kind === 'folder');
  const mains = new Map(items.filter(canHave).map((item) => [item.path, item]));
  const found = new Map<string, Thrown>();
  const of = (item: TreeItem): Thrown => {
    const known = found.get(item.id) ?? { item, inside: [], along: [] };
    found.set(item.id, known);
    return known;
  };
  /** The outermost folder that it was in, deleted with it or later. */
  const around = (item: TreeItem) =>
    folders
      .filter(({ id, path, modified }) => id !== item.id && item.path.startsWith(`${path}/`) && Date.parse(modified) + AT_ONCE_MS >= Date.parse(item.modified))
      .sort((a, b) => a.path.length - b.path.length || Date.parse(a.modified) - Date.parse(b.modified))[0];
  const mainOf = ({ path, name }: TreeItem) =>
    FORMS.filter((form) => name.endsWith(form))
      .flatMap((form) => [name.slice(0, -form.length), name.slice(0, -form.length).replace(/^\./, '')])
      .map((main) => mains.get(folderOf(path) + main))
      .find((main) => main !== undefined);
  for (const item of items) {
    const folder = around(item);
    const main = folder ? undefined : mainOf(item);
    if (folder) of(folder).inside.push(item);
    else if (main) of(main).along.push(item);
    else of(item);
  }
  for (const { inside } of found.values()) inside.sort((a, b) => a.path.localeCompare(b.path));
  return [...found.values()];
}
