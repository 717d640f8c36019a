/**
 * Passages of the source, marked in what was made of it. A block knows its lines; within it the words are looked for by
 * their letters and digits alone, since Markdown's marks are not shown. What is not found so is marked as a whole block.
 */
import type { Mark } from '../comments';
import { parseWiki, wikiLabel } from '../paths';

/** What is shown of a piece of Markdown, as letters and digits. */
export function lettersOf(source: string): string {
  return bare(
    source
      .replace(/!?\[\[([^[\]\n]+)\]\]/g, (_, inside: string) => wikiLabel(parseWiki(inside)))
      .replace(/\]\([^()\s]*(?:\s"[^"]*")?\)/g, ']'),
  ).letters;
}

/** Letters and digits of a text, and where each of them stands. */
export function bare(text: string): { letters: string; at: number[] } {
  let letters = '';
  const at: number[] = [];
  for (const { 0: letter, index } of text.matchAll(/[\p{L}\p{N}]/gu)) {
    letters += letter;
    for (let n = 0; n < letter.length; n += 1) at.push(index + n);
  }
  return { letters, at };
}

/** The passage in a block's shown text that these letters are; of several the one nearest to where it should be. */
export function find(shown: string, wanted: string, near: number): { from: number; to: number } | null {
  const { letters, at } = bare(shown);
  if (wanted === '') return null;
  let best = -1;
  for (let found = letters.indexOf(wanted); found >= 0; found = letters.indexOf(wanted, found + 1)) {
    if (best < 0 || Math.abs(found - near) < Math.abs(best - near)) best = found;
  }
  const [from, to] = [at[best], at[best + wanted.length - 1]];
  return best < 0 || from === undefined || to === undefined ? null : { from, to: to + 1 };
}

/** Where what is selected on the page stands in its source; the whole block, where its words are not found. */
export function passageOf(range: Range, root: HTMLElement, text: string): { from: number; to: number } | null {
  const starts = lineStarts(text);
  const touched = leaves(root).filter(({ element }) => range.intersectsNode(element)).map((leaf) => ({ ...leaf, part: partOf(range, leaf.element) }));
  // Three clicks choose a block up to the beginning of the next one, of which nothing is chosen.
  const chosen = touched.filter(({ part }) => bare(part.toString()).letters !== '');
  const [first, last] = [chosen[0] ?? touched[0], chosen.at(-1) ?? touched[0]];
  if (!first || !last) return null;
  const inBlock = ({ element, from, to, part }: Leaf & { part: Range }) => {
    const source = { from: starts[from] ?? text.length, to: starts[to] ?? text.length };
    const before = document.createRange();
    before.selectNodeContents(element);
    before.setEnd(part.startContainer, part.startOffset);
    const written = text.slice(source.from, source.to);
    const found = find(written, bare(part.toString()).letters, bare(before.toString()).letters.length);
    const all = { from: source.from, to: source.from + written.trimEnd().length };
    return found ? { from: source.from + found.from, to: source.from + found.to } : all;
  };
  return { from: inBlock(first).from, to: inBlock(last).to };
}

/** What a range has of an element that it touches. */
function partOf(range: Range, element: HTMLElement): Range {
  const part = document.createRange();
  part.selectNodeContents(element);
  if (range.compareBoundaryPoints(Range.START_TO_START, part) > 0) part.setStart(range.startContainer, range.startOffset);
  if (range.compareBoundaryPoints(Range.END_TO_END, part) < 0) part.setEnd(range.endContainer, range.endOffset);
  return part;
}

/** Runs `work`, which draws the text anew: what is selected in it stays selected where the words are the same. */
export function keepSelected(root: HTMLElement, work: () => void): void {
  const selection = document.getSelection();
  const range = selection && selection.rangeCount > 0 && !selection.isCollapsed ? selection.getRangeAt(0) : null;
  if (!selection || !range?.intersectsNode(root)) return work();
  const part = partOf(range, root);
  const said = root.textContent;
  const before = document.createRange();
  before.selectNodeContents(root);
  before.setEnd(part.startContainer, part.startOffset);
  const from = before.toString().length;
  const to = from + part.toString().length;
  work();
  const [start, end] = [pointAt(root, from, false), pointAt(root, to, true)];
  if (root.textContent === said && start && end) selection.setBaseAndExtent(start.node, start.at, end.node, end.at);
}

/** Where so many letters of an element have gone by; between two pieces the end of the one, or the beginning of the other. */
function pointAt(root: HTMLElement, letters: number, ending: boolean): { node: Text; at: number } | null {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let left = letters; walker.nextNode(); ) {
    const node = walker.currentNode as Text;
    if (left < node.data.length || (ending && left === node.data.length)) return { node, at: left };
    left -= node.data.length;
  }
  return null;
}

/** Takes earlier marks away and makes these. `text` is the source that the page was made of. */
export function markPassages(root: HTMLElement, text: string, marks: readonly Mark[], active: string | null): void {
  unmark(root);
  if (marks.length === 0) return;
  const starts = lineStarts(text);
  const lineAt = (pos: number) => starts.findLastIndex((start) => start <= pos);
  const blocks = leaves(root);
  for (const mark of marks) {
    const [first, last] = [lineAt(mark.from), lineAt(Math.max(mark.from, mark.to - 1))];
    for (const { element, from, to } of blocks) {
      if (to <= first || from > last) continue;
      const begin = starts[from] ?? text.length;
      const end = starts[to] ?? text.length;
      const start = Math.max(mark.from, begin);
      const wanted = lettersOf(text.slice(start, Math.min(mark.to, end)));
      const found = fixed(element) ? null : find(element.textContent ?? '', wanted, lettersOf(text.slice(begin, start)).length);
      const names = ['commented', ...(mark.id === active ? ['chosen'] : [])];
      if (found) wrap(element, found, mark.id, names);
      else if (wanted !== '' || fixed(element)) {
        element.classList.add(...names);
        element.dataset['thread'] = mark.id;
      }
    }
  }
}

const lineStarts = (text: string): number[] => [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];

/** What is drawn from its source: formulas, diagrams, coloured code. */
const fixed = (element: HTMLElement): boolean => element.matches('pre, .math, .diagram, code');

interface Leaf {
  element: HTMLElement;
  from: number;
  to: number;
}

/** Blocks that hold text themselves, outside of embedded notes, with their lines. */
function leaves(root: HTMLElement): Leaf[] {
  const all = [...root.querySelectorAll<HTMLElement>('[data-lines]')].filter((element) => !element.closest('.embedded-note'));
  const own = (element: HTMLElement) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE ? (node.textContent ?? '').trim() !== '' : !(node as HTMLElement).matches?.('[data-lines], ul, ol, thead, tbody, .callout-title, input'));
  return all.filter(own).map((element) => {
    const [from = 0, to = 0] = (element.dataset['lines'] ?? '').split(' ').map(Number);
    const shown = element.parentElement?.matches('pre') && element.matches('code') ? element.parentElement : element;
    return { element: shown, from, to };
  });
}

function wrap(element: HTMLElement, { from, to }: { from: number; to: number }, id: string, names: string[]): void {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts: { node: Text; at: number }[] = [];
  for (let at = 0; walker.nextNode(); ) {
    const node = walker.currentNode as Text;
    texts.push({ node, at });
    at += node.data.length;
  }
  for (const { node, at } of texts) {
    const [start, end] = [Math.max(from - at, 0), Math.min(to - at, node.data.length)];
    if (start >= end) continue;
    const middle = start > 0 ? node.splitText(start) : node;
    if (end - start < middle.data.length) middle.splitText(end - start);
    const mark = document.createElement('mark');
    mark.className = names.join(' ');
    mark.dataset['thread'] = id;
    middle.replaceWith(mark);
    mark.append(middle);
  }
}

function unmark(root: HTMLElement): void {
  for (const each of root.querySelectorAll<HTMLElement>('[data-thread]')) {
    if (each.matches('mark.commented')) {
      const parent = each.parentNode;
      each.replaceWith(...each.childNodes);
      parent?.normalize();
    } else {
      each.classList.remove('commented', 'chosen');
      delete each.dataset['thread'];
    }
  }
}
