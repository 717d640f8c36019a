/**
 * A text for paper, or to be taken along: rendered and cleaned as on the reading side, and done when it is given back.
 * Nothing in it waits to be seen, and its diagrams are drawn for light paper.
 */
import * as api from '../../api/client';
import { viewOf } from '../../api/plugins';
import { t } from '../../i18n/en';
import { stillView } from '../../plugins/paper';
import { LinkTable } from '../links';
import { embedded } from '../media';
import { sectionOf } from '../paths';
import type { Place } from '../place';
import { drawStillBlocks } from './blocks';
import { showCode } from './code';
import { drawForPaper } from './diagram';
import { DEEPEST } from './enrich';
import { drawMath } from './math';
import { renderText } from './render';

export interface Still {
  place: Place;
  /** The notes that this one is embedded in, and itself. */
  inside: readonly string[];
  /** Formulas as MathML, for where KaTeX's fonts are not. */
  plainMath: boolean;
}

export async function renderStill(text: string, still: Still): Promise<DocumentFragment> {
  const page = renderText(text, still.place);
  const all = (what: string) => [...page.querySelectorAll<HTMLElement>(what)];
  for (const each of all('.math')) await drawMath(each, each.textContent ?? '', each.classList.contains('math-block'), still.plainMath);
  await drawStillBlocks(page, still.place.notebook);
  for (const each of all('pre > code[class*="language-"]')) await showCode(each, /language-(\S+)/.exec(each.className)?.[1] ?? '');
  for (const each of all('pre.diagram')) {
    const figure = document.createElement('div');
    figure.className = 'diagram';
    const source = each.textContent ?? '';
    each.replaceWith(figure);
    await drawForPaper(figure, source);
  }
  for (const each of all('.embed')) await embed(each, each.dataset['embed'] ?? '', still);
  return page;
}

async function embed(element: HTMLElement, inside: string, still: Still): Promise<void> {
  const { place } = still;
  const what = embedded(inside, place);
  if (what.is === 'media') return element.replaceChildren(what.element);
  if (what.is === 'none') {
    element.classList.add('missing');
    return;
  }
  const link = document.createElement('a');
  link.setAttribute('href', place.link(what.path));
  link.append(...element.childNodes);
  element.replaceChildren(link);
  if (what.is === 'file' || still.inside.length >= DEEPEST + 1 || still.inside.includes(what.entry)) return;
  const inner = what.is === 'view' ? await viewIn(what, still).catch(why) : await noteIn(what, still);
  if (inner === null) return;
  const body = document.createElement('div');
  body.className = 'embedded-note';
  const head = document.createElement('div');
  head.className = 'embedded-head';
  head.append(link);
  body.append(head, inner);
  element.classList.add('whole');
  element.replaceChildren(body);
}

/** What stands above a view, and what it asks for; `null` for one that asks for nothing. */
export async function viewIn({ path, entry }: { path: string; entry: string }, still: Still): Promise<Node | null> {
  const { notebook } = still.place;
  const links = new LinkTable(notebook, entry);
  const [file] = await Promise.all([viewOf(notebook, entry), links.read()]);
  const place: Place = { ...still.place, path, find: (target) => links.find(target) };
  const table = await stillView(place, file);
  if (table === null) return null;
  const all = await renderStill(file.body, { ...still, place, inside: [...still.inside, entry] });
  all.append(table);
  return all;
}

async function noteIn(what: { path: string; entry: string; heading: string | null }, still: Still): Promise<Node> {
  try {
    const table = new LinkTable(still.place.notebook, what.entry);
    const [{ text }] = await Promise.all([api.readText(still.place.notebook, what.entry), table.read()]);
    const part = what.heading === null ? text : sectionOf(text, what.heading);
    if (part === null) return document.createTextNode(t.editor.noHeading(what.heading ?? ''));
    const place: Place = { ...still.place, path: what.path, find: (target) => table.find(target) };
    return await renderStill(part, { ...still, place, inside: [...still.inside, what.entry] });
  } catch (error) {
    return why(error);
  }
}

function why(error: unknown): HTMLElement {
  const made = document.createElement('p');
  made.className = 'why';
  made.textContent = error instanceof Error ? error.message : String(error);
  return made;
}
