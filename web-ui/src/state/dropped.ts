/** Files and folders that were dropped on the page, or chosen, as a flat list with paths. */
import { uploads } from '../i18n/en-tree';

export interface Dropped {
  /** Where it goes, seen from the folder that it was dropped on. */
  path: string;
  /** Nothing for a folder without files. */
  file: File | null;
}

const hidden = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini)$/;

/** All that is dropped. Must be called while the drop is handled: it is gone after that. */
export function droppedIn(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  // Not everything that is dropped lies in a file system.
  return entries.length > 0 ? flat(entries) : Promise.resolve(chosen(transfer.files));
}

async function flat(entries: readonly FileSystemEntry[], under = ''): Promise<Dropped[]> {
  const found: Dropped[] = [];
  for (const entry of entries) {
    const path = under === '' ? entry.name : `${under}/${entry.name}`;
    if (hidden.test(path)) continue;
    const named = () => { throw new Error(uploads.unreadable(path)); };
    if (entry.isFile) found.push({ path, file: await fileOf(entry as FileSystemFileEntry).catch(named) });
    else {
      const inside = await flat(await childrenOf(entry as FileSystemDirectoryEntry).catch(named), path);
      found.push(...(inside.length > 0 ? inside : [{ path, file: null }]));
    }
  }
  return found;
}

const fileOf = (entry: FileSystemFileEntry) => new Promise<File>((done, failed) => entry.file(done, failed));

/** A reader answers in parts until one is empty. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (part.length === 0) return all;
    all.push(...part);
  }
}

/** Files of an `<input type="file">`; of a folder, with their paths in it. */
export const chosen = (files: FileList): Dropped[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })).filter(({ path }) => !hidden.test(path));

/** Parts to send one after the other: so that it is seen how far it is, and little is sent twice. */
export function batches(dropped: readonly Dropped[], most = 100, bytes = 64 << 20): Dropped[][] {
  const all: Dropped[][] = [];
  let size = 0;
  for (const each of dropped) {
    const last = all.at(-1);
    const own = each.file?.size ?? 0;
    if (!last || last.length >= most || size + own > bytes) {
      all.push([each]);
      size = own;
    } else {
      last.push(each);
      size += own;
    }
  }
  return all;
}
