/** Markdown as a page: rendered, cleaned, images and links pointed at the daemon. Nothing that a text says runs. */
import MarkdownIt from 'markdown-it';
import footnote from 'markdown-it-footnote';
import { fileUrl } from '../../api/client';
import { frontmatterEnd } from '../frontmatter';
import { isWeb, parseWiki, resolvePath, slug } from '../paths';
import type { Place } from '../place';
import { purify } from './purify';
import { type Env, blockLines, notes } from './rules';

const markdown = new MarkdownIt({ html: true, linkify: true, typographer: false }).use(footnote).use(notes).use(blockLines);

/** Whose text is being cleaned. */
let here: Place | null = null;

const CLASSES = /^(language-[\w+#.-]+|task|done|align-center|align-right|callout|callout-[a-z]+|footnotes|footnote-[a-z]+|math|math-block|diagram|embed|wikilink)$/;
const OURS = ['data-line', 'data-lines', 'data-heading', 'data-note', 'data-note-text', 'data-note-back', 'data-embed', 'data-wiki'];

const RULES = {
  // Drawings and formulas of their own are images and TeX here: what HTML says in other tongues is left out.
  USE_PROFILES: { html: true },
  ALLOW_DATA_ATTR: false,
  ADD_ATTR: OURS,
  FORBID_TAGS: ['style', 'form', 'button', 'textarea', 'select', 'option', 'datalist', 'dialog', 'map', 'area', 'label', 'template', 'slot', 'marquee', 'track'],
  FORBID_ATTR: ['style', 'srcset', 'sizes', 'id', 'name', 'poster', 'background', 'ping', 'autofocus', 'tabindex', 'accesskey', 'contenteditable', 'popover', 'popovertarget', 'popovertargetaction', 'usemap', 'ismap', 'is', 'slot', 'part', 'exportparts', 'draggable', 'bgcolor', 'color', 'face', 'autoplay', 'preload'],
  RETURN_DOM_FRAGMENT: true,
} as const;

purify.addHook('uponSanitizeAttribute', (_, data) => {
  if (!here || data.attrName !== 'class') return;
  // A class of the page's own would make a text look like a part of it.
  data.attrValue = data.attrValue.split(/\s+/).filter((name) => CLASSES.test(name)).join(' ');
  if (data.attrValue === '') data.keepAttr = false;
});

purify.addHook('afterSanitizeAttributes', (node) => {
  if (!here) return;
  if (node.tagName === 'INPUT' && node.getAttribute('type') !== 'checkbox') node.remove();
  else if (node.tagName === 'INPUT') node.setAttribute('disabled', '');
  if (node.hasAttribute('src')) pointSource(node, here);
  if (node.tagName === 'A') pointLink(node, here);
  else node.removeAttribute('href');
});

function clean(html: string, place: Place): DocumentFragment {
  here = place;
  try {
    return purify.sanitize(html, { ...RULES, ADD_ATTR: [...RULES.ADD_ATTR], FORBID_TAGS: [...RULES.FORBID_TAGS], FORBID_ATTR: [...RULES.FORBID_ATTR] });
  } finally {
    here = null;
  }
}

/** A whole text, without the properties at its head. */
export function renderText(source: string, place: Place): DocumentFragment {
  const end = frontmatterEnd(source);
  const env: Env = { firstLine: source.slice(0, end).split('\n').length - 1 };
  return clean(markdown.render(source.slice(end), env), place);
}

/** A piece of a line: a cell of a table. */
export const renderInline = (source: string, place: Place): DocumentFragment => clean(markdown.renderInline(source, { firstLine: 0 }), place);

function pointSource(node: Element, place: Place): void {
  const source = node.getAttribute('src') ?? '';
  const path = resolvePath(place.path, source);
  if (node.tagName === 'IMG') node.setAttribute('loading', 'lazy');
  if (path) node.setAttribute('src', fileUrl(place.notebook, path));
  // An image from elsewhere would tell a stranger who reads this page, and when.
  else if (node.tagName !== 'IMG' || !source.startsWith('data:image/')) node.removeAttribute('src');
}

function pointLink(node: Element, place: Place): void {
  const wiki = node.getAttribute('data-wiki');
  if (wiki !== null) return pointWiki(node, wiki, place);
  const href = node.getAttribute('href') ?? '';
  const path = resolvePath(place.path, href);
  node.removeAttribute('target');
  if (path) {
    node.setAttribute('href', place.link(path));
    const hash = href.indexOf('#');
    if (hash >= 0) node.setAttribute('data-heading', slug(decoded(href.slice(hash + 1))));
  } else if (isWeb(href)) {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  } else if (/^#./.test(href)) {
    node.setAttribute('href', '#');
    node.setAttribute('data-heading', slug(decoded(href.slice(1))));
  } else if (!node.hasAttribute('data-note') && !node.hasAttribute('data-note-back')) node.removeAttribute('href');
}

function pointWiki(node: Element, inside: string, place: Place): void {
  const { target, heading } = parseWiki(inside);
  const found = target === '' ? null : place.find(target);
  if (heading !== null) node.setAttribute('data-heading', slug(heading));
  if (target === '') node.setAttribute('href', '#');
  else if (found) node.setAttribute('href', place.link(found.path));
  // Nobody knows yet what it means: whoever follows it finds out.
  else if (found === undefined) node.setAttribute('href', place.link(target));
  else {
    node.removeAttribute('href');
    node.classList.add('missing');
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
