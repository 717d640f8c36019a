/** An attachment where it is embedded. */
import { fileUrl } from '../api/client';
import { t } from '../i18n/en';
import { parseWiki, resolvePath, shownAs, wikiLabel } from './paths';
import type { Place } from './place';

export type Embedded =
  | { is: 'media'; element: HTMLElement }
  | { is: 'note'; path: string; entry: string; heading: string | null }
  | { is: 'file'; path: string }
  | { is: 'view'; path: string; entry: string }
  /** Not known yet, or nothing. */
  | { is: 'none'; missing: boolean };

/** What `![[…]]` stands for. `done`: its size is known. */
export function embedded(inside: string, place: Place, done?: () => void): Embedded {
  const wiki = parseWiki(inside);
  const found = wiki.target === '' ? null : place.find(wiki.target);
  if (!found) return { is: 'none', missing: found === null };
  const sort = shownAs(found.path);
  if (sort === 'note') return { is: 'note', path: found.path, entry: found.entry, heading: wiki.heading };
  if (/\.cdx$/i.test(found.path)) return { is: 'view', path: found.path, entry: found.entry };
  if (sort === 'file') return { is: 'file', path: found.path };
  const width = /^\d{1,4}(?=(x\d{1,4})?$)/.exec(wiki.alias ?? '')?.[0];
  const element = media(sort, fileUrl(place.notebook, found.path), width === undefined ? wikiLabel(wiki) : wiki.target, done);
  if (width !== undefined) element.setAttribute('width', width);
  return { is: 'media', element };
}

/** The address of the image that `![](source)` names; `null` when it may not be shown. */
export function imageUrl(source: string, place: Place): string | null {
  const path = resolvePath(place.path, source);
  if (path) return fileUrl(place.notebook, path);
  return /^data:image\//i.test(source) ? source : null;
}

export function media(sort: 'image' | 'video' | 'audio', url: string, label: string, done?: () => void): HTMLElement {
  const element = document.createElement(sort === 'image' ? 'img' : sort);
  element.src = url;
  if (element instanceof HTMLImageElement) {
    element.alt = label;
    element.loading = 'lazy';
    element.draggable = false;
    element.addEventListener('error', () => element.replaceWith(notShown(label)));
  } else {
    element.controls = true;
    element.preload = 'metadata';
    element.setAttribute('aria-label', label);
  }
  if (done) for (const event of ['load', 'loadedmetadata', 'error']) element.addEventListener(event, done);
  return element;
}

/** What stands where an image cannot be shown. */
export function notShown(label: string): HTMLElement {
  const element = document.createElement('span');
  element.className = 'not-shown';
  element.textContent = t.editor.notShown(label);
  return element;
}
