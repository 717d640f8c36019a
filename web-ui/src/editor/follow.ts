/** Following links from the text: Ctrl or Cmd and a click, or Alt and Enter with the cursor in one. */
import { syntaxTree } from '@codemirror/language';
import type { EditorState, Extension } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { type Ports, ports } from './live/context';
import { headingAt, headingsOf, isWeb, parseWiki, resolvePath } from './paths';

export type Target = { href: string } | { wiki: string };

/** The link that a place in the text is in. */
export function linkAt(state: EditorState, pos: number): Target | null {
  for (const side of [1, -1] as const) {
    for (let node = syntaxTree(state).resolveInner(pos, side); node.parent; node = node.parent) {
      if (node.name === 'Wikilink') return { wiki: state.doc.sliceString(node.from + 2, node.to - 2) };
      if (node.name === 'Embed') return { wiki: state.doc.sliceString(node.from + 3, node.to - 2) };
      const url = node.name === 'URL' ? node : /^(Link|Image|Autolink)$/.test(node.name) ? node.getChild('URL') : null;
      if (url) return { href: state.doc.sliceString(url.from, url.to).replace(/^<|>$/g, '') };
    }
  }
  return null;
}

/** Puts the cursor to a heading of this text. */
function goHere(view: EditorView, heading: string): boolean {
  const found = headingAt(headingsOf(view.state.doc.toString()), heading);
  if (found) view.dispatch({ selection: { anchor: found.from }, effects: EditorView.scrollIntoView(found.from, { y: 'start', yMargin: 20 }) });
  return found !== undefined;
}

function follow(target: Target, given: Ports, view: EditorView): boolean {
  if ('wiki' in target) {
    const { target: name, heading } = parseWiki(target.wiki);
    if (name === '' || (heading !== null && given.place.find(name)?.entry === given.entry)) return goHere(view, heading ?? '');
    given.goWiki(name, heading);
    return true;
  }
  const href = /^www\./i.test(target.href) ? `https://${target.href}` : /^[^\s@:/]+@[^\s@/]+$/.test(target.href) ? `mailto:${target.href}` : target.href;
  if (isWeb(href)) {
    window.open(href, '_blank', 'noopener,noreferrer');
    return true;
  }
  const path = resolvePath(given.place.path, href);
  const hash = href.indexOf('#');
  const heading = hash < 0 ? null : href.slice(hash + 1);
  if (path) given.go(path, heading);
  else if (href.startsWith('#')) return goHere(view, heading ?? '');
  return path !== null;
}

function clicked(event: MouseEvent, view: EditorView): Target | null {
  if (!(event.ctrlKey || event.metaKey) || event.button !== 0) return null;
  const pos = view.posAtCoords({ x: event.clientX, y: event.clientY });
  return pos === null ? null : linkAt(view.state, pos);
}

export const following: Extension = [
  EditorView.domEventHandlers({
    // The cursor stays where it is.
    mousedown: (event, view) => clicked(event, view) !== null,
    click(event, view) {
      const target = clicked(event, view);
      const given = view.state.facet(ports);
      if (!target || !given) return false;
      event.preventDefault();
      return follow(target, given, view);
    },
  }),
  keymap.of([{
    key: 'Alt-Enter',
    run(view) {
      const target = linkAt(view.state, view.state.selection.main.head);
      const given = view.state.facet(ports);
      return target !== null && given !== null && follow(target, given, view);
    },
  }]),
];
