/** Making a note. */
import * as api from '../api/client';
import { t } from '../i18n/en';
import { desk } from './desk.svelte';
import { noteFile } from './entry-names';
import { links, router } from './route.svelte';
import { baseName, joinPath } from './tree-model';

/** Without an ending it is Markdown, with its name for a heading. A slash goes into a folder. It is opened. */
export async function createNote(notebook: string, folder: string, name: string): Promise<void> {
  const file = noteFile(name);
  const content = file.endsWith('.md') ? `# ${baseName(file).slice(0, -3)}\n\n` : '';
  await open(notebook, { path: joinPath(folder, file), content, kind: 'text' });
}

export const createFolder = (notebook: string, folder: string, name: string) => open(notebook, { path: joinPath(folder, name), kind: 'folder' });

async function open(notebook: string, what: Parameters<typeof api.createEntry>[1]): Promise<void> {
  const made = await api.createEntry(notebook, what);
  if (made.path !== what.path) desk.say(t.tree.taken(baseName(what.path), baseName(made.path)));
  if (made.id) router.go(links.entry(notebook, made.id));
  void desk.readStatus();
}
