/** The same place in the text as it is read: the word itself is marked as a selection. */
import type { Spot } from '../../state/heading';
import { triesOf } from '../spot';

const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

export function showSpot(root: HTMLElement, spot: Exclude<Spot, { heading: string }>): void {
  const [{ before, hit, after } = { before: '', hit: '', after: '' }] = triesOf(spot);
  // A link is read by what it shows.
  const wanted = hit.toLowerCase();
  if (wanted === '') return;
  const near = words(`${before} ${after}`);
  let best: { node: Text; at: number; score: number } | null = null;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text | null) {
    const at = node.data.toLowerCase().indexOf(wanted);
    if (at < 0) continue;
    const said = new Set(words(node.parentElement?.closest('p, li, td, th, pre, h1, h2, h3, h4, h5, h6')?.textContent ?? ''));
    const score = near.filter((word) => said.has(word)).length;
    if (!best || score > best.score) best = { node, at, score };
  }
  if (!best) return;
  best.node.parentElement?.scrollIntoView({ block: 'center' });
  getSelection()?.setBaseAndExtent(best.node, best.at, best.node, best.at + hit.length);
}
