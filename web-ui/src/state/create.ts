/** Making a note. */
import * as api from '../api/client';
import { desk } from './desk.svelte';
import { links, router } from './route.svelte';
import { joinPath } from './tree-model';

/** Without an ending it is Markdown, with its name for a heading. It is opened. */
export async function createNote(notebook: string, folder: string, name: string): Promise<void> {
  const file = /\.[a-z0-9]{1,8}$/i.test(name) ? name : `${name}.md`;
  const content = file.endsWith('.md') ? `# ${file.slice(0, -3)}\n\n` : '';
  await open(notebook, { path: joinPath(folder, file), content, kind: 'text' });
}

export const createFolder = (notebook: string, folder: string, name: string) => open(notebook, { path: joinPath(folder, name), kind: 'folder' });

async function open(notebook: string, what: Parameters<typeof api.createEntry>[1]): Promise<void> {
  const made = await api.createEntry(notebook, what);
  if (made.id) router.go(links.entry(notebook, made.id));
  void desk.readStatus();
}
