/** Where in a text a link or a search leads. Pure. */
import type { Spot } from '../state/heading';
import { headingAt, headingsOf } from './paths';

const AROUND = 24;
const pattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+');

/** Stretches that may be meant, the likeliest first: what was found with what is around it, then alone. */
export function triesOf(spot: Exclude<Spot, { heading: string }>): { before: string; hit: string; after: string }[] {
  if ('line' in spot) return [{ before: '', hit: spot.says, after: '' }];
  const at = spot.found.findIndex((part) => part.hit && part.text.trim() !== '');
  if (at < 0) return [];
  const bare = (text: string | undefined) => (text ?? '').replaceAll('…', '');
  const hit = bare(spot.found[at]?.text).trim();
  const before = bare(spot.found[at - 1]?.text).slice(-AROUND);
  const after = bare(spot.found[at + 1]?.text).slice(0, AROUND);
  return [{ before, hit, after }, { before, hit, after: '' }, { before: '', hit, after }, { before: '', hit, after: '' }];
}

export function spotIn(text: string, spot: Spot): { from: number; to: number } | null {
  if ('heading' in spot) {
    const from = headingAt(headingsOf(text), spot.heading)?.from;
    return from === undefined ? null : { from, to: from };
  }
  if ('line' in spot) {
    const lines = text.split('\n');
    const line = Math.min(spot.line, lines.length) - 1;
    const start = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
    const own = lines[line] ?? '';
    // Of a line alone: where one goes on writing in it.
    const at = spot.says === '' ? own.length : own.indexOf(spot.says);
    return at < 0 ? { from: start, to: start } : { from: start + at, to: start + at + spot.says.length };
  }
  for (const { before, hit, after } of triesOf(spot)) {
    const found = new RegExp(`(${pattern(before)})(${pattern(hit)})${pattern(after)}`, 'iu').exec(text);
    if (found) {
      const from = found.index + (found[1] ?? '').length;
      return { from, to: from + (found[2] ?? '').length };
    }
  }
  return null;
}
