/** Markdown as a page: rendered, cleaned, images and links pointed at the daemon. */
import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';
import { fileUrl } from '../api/client';
import { t } from '../i18n/en';
import { bodyOf } from './frontmatter';

const markdown = new MarkdownIt({ html: true, linkify: true, typographer: false });

/** `- [ ]` and `- [x]` as boxes. */
markdown.core.ruler.push('tasks', (state) => {
  state.tokens.forEach((token, at) => {
    const match = /^\[([ xX])\]\s+/.exec(token.content);
    if (token.type !== 'inline' || state.tokens[at - 2]?.type !== 'list_item_open' || !match) return;
    const first = token.children?.[0];
    if (!first || first.type !== 'text') return;
    first.content = first.content.slice(match[0].length);
    const box = new state.Token('html_inline', '', 0);
    const done = match[1] !== ' ';
    box.content = `<input type="checkbox" disabled aria-label="${done ? t.editor.done : t.editor.toDo}"${done ? ' checked' : ''}> `;
    token.children?.unshift(box);
    state.tokens[at - 2]?.attrJoin('class', 'task');
  });
});

/** `href` as seen from the file at `path`, inside the notebook; `null` when it leaves it or is no path. */
export function resolvePath(path: string, href: string): string | null {
  if (href === '' || /^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(href)) return null;
  const bare = href.replace(/[?#].*$/, '');
  let decoded: string;
  try {
    decoded = decodeURIComponent(bare);
  } catch {
    decoded = bare;
  }
  const parts = decoded.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const part of decoded.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return null;
      parts.pop();
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.length === 0 ? null : parts.join('/');
}

export interface Place {
  notebook: string;
  path: string;
  /** The page of the entry at a path. */
  link(path: string): string;
}

/** HTML that is safe to insert. */
export function renderMarkdown(source: string, place: Place): string {
  const purify = DOMPurify(window);
  purify.addHook('afterSanitizeAttributes', (node) => {
    if (node.tagName === 'IMG') pointImage(node, place);
    if (node.tagName === 'A') pointLink(node, place);
  });
  return purify.sanitize(markdown.render(bodyOf(source)), {
    FORBID_TAGS: ['style', 'form', 'iframe', 'button', 'textarea', 'select'],
    FORBID_ATTR: ['style', 'srcset', 'id', 'name'],
  });
}

function pointImage(node: Element, place: Place): void {
  const source = node.getAttribute('src') ?? '';
  const path = resolvePath(place.path, source);
  node.setAttribute('loading', 'lazy');
  if (path) node.setAttribute('src', fileUrl(place.notebook, path));
  // An image from elsewhere would tell a stranger who reads this page, and when.
  else if (!source.startsWith('data:image/')) node.removeAttribute('src');
}

function pointLink(node: Element, place: Place): void {
  const href = node.getAttribute('href') ?? '';
  const path = resolvePath(place.path, href);
  if (path) node.setAttribute('href', place.link(path));
  else if (/^https?:|^mailto:/i.test(href)) {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  } else node.removeAttribute('href');
}
