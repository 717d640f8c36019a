/** Blocks of plugins on the reading side: code with a block's name, and addresses on lines of their own. */
import { readBlock } from '../../plugins/blocks';
import { languageName } from '../languages';
import { type BlockShow, blocksIn } from '../plugin-blocks';
import type { Around } from './enrich';

interface Found {
  element: HTMLElement;
  /** `null`: the body is an address. */
  name: string | null;
  body: string;
}

/** What may be a block. */
function candidates(root: ParentNode): Found[] {
  const found: Found[] = [];
  for (const code of root.querySelectorAll<HTMLElement>('pre > code[class*="language-"]')) {
    const name = languageName(/language-(\S+)/.exec(code.className)?.[1] ?? '');
    if (code.parentElement) found.push({ element: code.parentElement, name, body: (code.textContent ?? '').replace(/\n$/, '') });
  }
  for (const link of root.querySelectorAll<HTMLAnchorElement>('p > a[href^="http"]:only-child')) {
    const { parentElement: line } = link;
    const address = link.textContent ?? '';
    if (line && line.textContent?.trim() === address && link.getAttribute('href')?.startsWith(address)) found.push({ element: line, name: null, body: address });
  }
  return found;
}

const PLACE = 'plugin-block';
const keyOf = ({ name, body }: Found) => `${name ?? ''}\n${body}`;

export function showBlocks(root: ParentNode, around: Around): void {
  const found = candidates(root);
  if (found.length === 0) return;
  const { notebook } = around.place;
  const known = blocksIn(notebook);
  if (known) return put(known, found, around);
  // Where they cannot be had, code is code and an address an address.
  import('../../plugins/show').then(({ readBlocks }) => readBlocks(notebook)).then((show) => put(show, found, around), () => {});
}

function put({ table, mount }: BlockShow, found: readonly Found[], { place, done }: Around): void {
  for (const each of found) {
    if (!(each.name === null ? table.forAddress(each.body) : table.named(each.name))) continue;
    const element = document.createElement('div');
    element.className = PLACE;
    element.dataset['key'] = keyOf(each);
    const lines = each.element.dataset['lines'] ?? each.element.querySelector<HTMLElement>('[data-lines]')?.dataset['lines'];
    if (lines !== undefined) element.dataset['lines'] = lines;
    each.element.replaceWith(element);
    mount(element, each, { notebook: place.notebook, path: place.path, done });
  }
}

/** The new text in the place of the old one. Frames of blocks that say the same stay, where a browser can move them as they are. */
export function swap(root: HTMLElement, page: DocumentFragment): void {
  const old = [...root.querySelectorAll<HTMLElement>(`.${PLACE}`)];
  const fresh = [...page.querySelectorAll<HTMLElement>(`.${PLACE}`)];
  if (old.length === 0 || fresh.length === 0 || !('moveBefore' in root)) return root.replaceChildren(page);
  const before = [...root.childNodes];
  const kept = new Set<Node>();
  root.append(page);
  for (const place of fresh) {
    const same = old.find((each) => !kept.has(each) && each.dataset['key'] === place.dataset['key']);
    if (!same) continue;
    kept.add(same);
    (place.parentNode as unknown as { moveBefore(node: Node, before: Node): void }).moveBefore(same, place);
    same.dataset['lines'] = place.dataset['lines'] ?? '';
    place.remove();
  }
  for (const each of before) if (!kept.has(each) && each.parentNode === root) root.removeChild(each);
}

/** For paper, and to be taken along: what a block says, as a plain card. */
export async function drawStillBlocks(root: ParentNode, notebook: string): Promise<void> {
  const found = candidates(root);
  if (found.length === 0) return;
  const show = blocksIn(notebook) ?? (await import('../../plugins/show').then(({ readBlocks }) => readBlocks(notebook)).catch(() => null));
  for (const each of found) {
    const block = each.name === null ? show?.table.forAddress(each.body) : show?.table.named(each.name);
    if (!block) continue;
    const card = document.createElement('div');
    card.className = 'embedded-note';
    const head = document.createElement('div');
    head.className = 'embedded-head';
    head.textContent = block.kind.name;
    card.append(head);
    if (each.name === null) card.append(...each.element.childNodes);
    else {
      for (const [key, value] of Object.entries(readBlock(each.body, {}).values)) {
        const line = card.appendChild(document.createElement('p'));
        line.append(Object.assign(document.createElement('strong'), { textContent: `${key}: ` }), typeof value === 'string' ? value : JSON.stringify(value));
      }
    }
    const whole = document.createElement('div');
    whole.className = 'embed whole';
    whole.append(card);
    each.element.replaceWith(whole);
  }
}
