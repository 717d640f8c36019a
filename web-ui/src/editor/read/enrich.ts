/** What comes into a rendered text afterwards, each when it is there: formulas, colours, diagrams, what is embedded. */
import * as api from '../../api/client';
import { t } from '../../i18n/en';
import { LinkTable } from '../links';
import { embedded } from '../media';
import { sectionOf } from '../paths';
import type { Place } from '../place';
import { showBlocks } from './blocks';
import { showCode } from './code';
import { showDiagram } from './diagram';
import { showMath } from './math';
import { renderText } from './render';

/** Notes in notes in notes: no further. */
export const DEEPEST = 3;

export interface Around {
  place: Place;
  /** The notes that this one is embedded in, the outermost first. */
  inside: readonly string[];
  /** Something got another size. */
  done?: () => void;
}

export function enrich(root: ParentNode, around: Around): void {
  const all = (what: string) => root.querySelectorAll<HTMLElement>(what);
  for (const each of all('.math')) showMath(each, each.textContent ?? '', each.classList.contains('math-block'), around.done);
  showBlocks(root, around);
  for (const each of all('pre > code[class*="language-"]')) {
    void showCode(each, /language-(\S+)/.exec(each.className)?.[1] ?? '');
  }
  for (const each of all('pre.diagram')) {
    const figure = document.createElement('div');
    figure.className = 'diagram';
    const source = each.textContent ?? '';
    figure.append(each.firstChild ?? '');
    each.replaceWith(figure);
    showDiagram(figure, source, around.done);
  }
  for (const each of all('.embed')) showEmbed(each, each.dataset['embed'] ?? '', around);
}

export function showEmbed(element: HTMLElement, inside: string, around: Around): void {
  const { place } = around;
  const what = embedded(inside, place, around.done);
  if (what.is === 'media') element.replaceChildren(what.element);
  else if (what.is === 'none') element.classList.toggle('missing', what.missing);
  else {
    const link = document.createElement('a');
    link.href = place.link(what.path);
    link.append(...element.childNodes);
    element.replaceChildren(link);
    if (what.is === 'note' && around.inside.length < DEEPEST && !around.inside.includes(what.entry)) {
      void embedNote(element, link, what, around);
    }
    if (what.is === 'view' && around.inside.length <= DEEPEST && !around.inside.includes(what.entry)) embedView(element, link, what, around);
  }
}

function embedView(element: HTMLElement, link: HTMLElement, what: { path: string; entry: string }, { place, inside, done }: Around): void {
  const head = document.createElement('div');
  head.className = 'embedded-head';
  head.append(link);
  const body = document.createElement('div');
  body.className = 'embedded-view';
  body.append(head);
  element.classList.add('whole');
  element.replaceChildren(body);
  // Without the plugins' part of the page the link is there.
  import('../../plugins/show').then(({ mountView }) => mountView(body, { notebook: place.notebook, path: what.path, entry: what.entry, trail: inside, done }), () => {});
}

async function embedNote(element: HTMLElement, link: HTMLElement, what: { path: string; entry: string; heading: string | null }, around: Around): Promise<void> {
  const { notebook } = around.place;
  const body = document.createElement('div');
  body.className = 'embedded-note';
  const head = document.createElement('div');
  head.className = 'embedded-head';
  head.append(link);
  try {
    const table = new LinkTable(notebook, what.entry);
    const [{ text }] = await Promise.all([api.readText(notebook, what.entry), table.read()]);
    const part = what.heading === null ? text : sectionOf(text, what.heading);
    const place: Place = { ...around.place, path: what.path, find: (target) => table.find(target) };
    body.append(head, part === null ? t.editor.noHeading(what.heading ?? '') : renderText(part, place));
    enrich(body, { ...around, place, inside: [...around.inside, what.entry] });
  } catch (error) {
    const why = document.createElement('p');
    why.className = 'why';
    why.textContent = error instanceof Error ? error.message : String(error);
    body.append(head, why);
  }
  element.classList.add('whole');
  element.replaceChildren(body);
  around.done?.();
}
