/** Reads an entry and makes its sheet. */
import * as api from '../api/client';
import type { EntryDetails, NotebookStatus } from '../api/types';
import { LinkTable } from '../editor/links';
import type { Place } from '../editor/place';
import { renderStill, viewIn } from '../editor/read/reader';
import { paper as p } from '../i18n/en-paper';
import { links } from '../state/route.svelte';
import { viewerOf } from '../viewers/kinds';
import { makeSheet } from './sheet';

export const isMarkdown = (what: Pick<EntryDetails, 'kind' | 'path' | 'media_type'>): boolean =>
  what.kind === 'text' && (what.media_type.includes('markdown') || /\.(md|markdown)$/i.test(what.path));

/** How what is made is different from the page itself. */
export interface Way {
  link: (path: string) => string;
  plainMath: boolean;
}

export async function sheetOf(notebook: Pick<NotebookStatus, 'slug' | 'name'>, details: EntryDetails, made: string, way?: Way): Promise<HTMLElement> {
  const link = way?.link ?? ((path: string) => links.path(notebook.slug, path));
  const [body, seals] = await Promise.all([
    bodyOf(notebook.slug, details, link, way?.plainMath ?? false),
    details.seal ? api.seals(notebook.slug, details.id).then((page) => page.items) : [],
  ]);
  return makeSheet({ notebook: notebook.name, details, seals, body, made });
}

async function bodyOf(notebook: string, details: EntryDetails, link: Way['link'], plainMath: boolean): Promise<Node> {
  if (isMarkdown(details)) {
    const table = new LinkTable(notebook, details.id);
    const [{ text }] = await Promise.all([api.readText(notebook, details.id), table.read()]);
    const place: Place = { notebook, path: details.path, link, find: (target) => table.find(target) };
    return renderStill(text, { place, inside: [details.id], plainMath });
  }
  const body = document.createElement('div');
  const place: Place = { notebook, path: details.path, link, find: () => null };
  const view = /\.cdx$/i.test(details.path) ? await viewIn({ path: details.path, entry: details.id }, { place, inside: [], plainMath }) : null;
  if (view) body.append(view);
  else if (viewerOf(details) === 'image') {
    const image = document.createElement('img');
    image.alt = details.name;
    image.src = api.contentUrl(notebook, details.id, details.version);
    body.append(image);
  } else if (details.kind === 'text') {
    const text = document.createElement('pre');
    text.className = 'whole-text';
    text.textContent = (await api.readText(notebook, details.id)).text;
    body.append(text);
  } else body.textContent = p.binary;
  return body;
}
