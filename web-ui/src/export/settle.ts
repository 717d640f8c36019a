/** Makes a sheet stand alone: its links, headings, footnotes and media lead to what is in the export. */
import { BASE } from '../api/client';
import { paper as p } from '../i18n/en-paper';

/** How links to entries are written until it is known where they lead: no text can say that itself. */
const MARK = 'entry:';
export const marked = (path: string): string => MARK + encodeURIComponent(path);

/** Where the bytes at a path are; nothing for what is missing. */
export interface Settled {
  link(path: string): string | undefined;
  media(path: string): Promise<string | undefined>;
  notebook: string;
}

export async function settle(sheet: HTMLElement, to: Settled): Promise<void> {
  headings(sheet);
  footnotes(sheet);
  for (const link of sheet.querySelectorAll('a')) pointLink(link, to);
  for (const each of sheet.querySelectorAll('img[src], audio[src], video[src], source[src]')) {
    const path = pathOf(each.getAttribute('src') ?? '', to.notebook);
    if (path === null) continue;
    const address = await to.media(path);
    if (address === undefined) each.replaceWith(absent(each, path));
    else each.setAttribute('src', address);
  }
}

/** The path that an address of the daemon names. */
export function pathOf(address: string, notebook: string): string | null {
  const start = `${BASE}/notebooks/${encodeURIComponent(notebook)}/files/`;
  return address.startsWith(start) ? address.slice(start.length).split('/').map(decodeURIComponent).join('/') : null;
}

function absent(element: Element, path: string): HTMLElement {
  const said = document.createElement('span');
  said.className = 'not-shown';
  said.textContent = element.getAttribute('alt') || path;
  said.title = `${p.missingTitle}: ${path}`;
  return said;
}

function pointLink(link: HTMLAnchorElement, { link: find }: Settled): void {
  const href = link.getAttribute('href') ?? '';
  const heading = link.dataset['heading'];
  const anchor = heading === undefined ? '' : `#${encodeURIComponent(heading)}`;
  if (href.startsWith(MARK)) {
    const address = find(decodeURIComponent(href.slice(MARK.length)));
    if (address !== undefined) return link.setAttribute('href', address + anchor);
    link.removeAttribute('href');
    link.classList.add('outside');
    link.title = p.outside;
  } else if (anchor !== '') link.setAttribute('href', anchor);
}

function headings(sheet: HTMLElement): void {
  const taken = new Set<string>();
  for (const each of sheet.querySelectorAll<HTMLElement>('h1, h2, h3, h4, h5, h6')) {
    const name = each.dataset['heading'];
    // Of headings that are called the same, a link means the first.
    if (!name || taken.has(name)) continue;
    taken.add(name);
    each.id = name;
  }
}

/** Notes that are embedded have footnotes of their own. */
function footnotes(sheet: HTMLElement): void {
  const owners = new Map<Element, number>();
  const owner = (element: Element): number => {
    const of = element.closest('.embedded-note') ?? sheet;
    if (!owners.has(of)) owners.set(of, owners.size);
    return owners.get(of) ?? 0;
  };
  for (const each of sheet.querySelectorAll<HTMLElement>('[data-note], [data-note-text], [data-note-back]')) {
    const { note, noteText, noteBack } = each.dataset;
    const of = owner(each);
    if (note !== undefined) {
      if (!sheet.querySelector(`#ref-${of}-${Number(note)}`)) each.id = `ref-${of}-${Number(note)}`;
      each.setAttribute('href', `#note-${of}-${Number(note)}`);
    } else if (noteText !== undefined) each.id = `note-${of}-${Number(noteText)}`;
    else each.setAttribute('href', `#ref-${of}-${Number(noteBack)}`);
  }
}
