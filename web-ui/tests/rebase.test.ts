import { ChangeSet, Text } from '@codemirror/state';
import { describe, expect, test } from 'vitest';
import { changesBetween, containsEdit, rebase } from '../src/editor/rebase';

const text = (value: string) => Text.of(value.split('\n'));

/** What the editor shows, and what is then unsent on top of the remote text, must be one and the same. */
function check(base: string, live: string, remote: string): string {
  const pending = changesBetween(base, live);
  const result = rebase(base, pending, remote);
  const shown = result.toLive.apply(text(live)).toString();
  expect(result.pending.apply(text(remote)).toString()).toBe(shown);
  return shown;
}

describe('rebase', () => {
  test.each([
    ['nothing typed: the remote text stands', 'a b c', 'a b c', 'a B c', 'a B c'],
    ['nothing remote: the typed text stands', 'a b c', 'a b c!', 'a b c', 'a b c!'],
    ['both sides are kept', 'one\ntwo\nthree\n', 'one\ntwo\nthree\nfour\n', 'ONE\ntwo\nthree\n', 'ONE\ntwo\nthree\nfour\n'],
    ['typed inside what others deleted is kept', 'keep gone keep', 'keep go-mine-ne keep', 'keep  keep', 'keep -mine- keep'],
    ['an empty base', '', 'mine', 'theirs', 'theirsmine'],
  ])('%s', (_, base, live, remote, expected) => {
    expect(check(base, live, remote)).toBe(expected);
  });

  test('the change is minimal, so that a cursor elsewhere stays', () => {
    const changes = changesBetween('alpha beta gamma', 'alpha BETA gamma');
    expect(changes.mapPos(3)).toBe(3);
    expect(changes.mapPos(16)).toBe(16);
    const touched: number[] = [];
    changes.iterChanges((from, to) => touched.push(from, to));
    expect(Math.min(...touched)).toBeGreaterThanOrEqual(6);
    expect(Math.max(...touched)).toBeLessThanOrEqual(10);
  });

  test('line ends are one character each, a lone carriage return is text', () => {
    expect(changesBetween('a\nb', 'a\n\nb').newLength).toBe(4);
    expect(changesBetween('a\nb', 'a\r\nb').apply(text('a\nb')).toString()).toBe('a\r\nb');
  });

  test('any edits, in any order, come to one text on both ways', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const edit = (value: string) => {
      let next = value;
      for (let times = 0; times < 1 + random(3); times += 1) {
        const at = random(next.length + 1);
        next = next.slice(0, at) + 'xy\nz '.slice(0, random(5)) + next.slice(Math.min(next.length, at + random(4)));
      }
      return next;
    };
    for (let run = 0; run < 500; run += 1) {
      const base = edit('the quick brown fox\njumps over the lazy dog\n');
      check(base, edit(base), edit(base));
    }
  });
});

describe('an answer that never came', () => {
  test.each([
    ['the same text', 'a', 'ab', 'ab', true],
    ['not arrived', 'a', 'ab', 'a', false],
    ['arrived, and others wrote too', 'one two', 'one two three', 'zero one two three', true],
    ['others wrote, ours is not in it', 'one two', 'one two three', 'zero one two', false],
  ])('%s', (_, base, sent, remote, expected) => {
    expect(containsEdit(base, sent, remote)).toBe(expected);
  });

  test('an empty change is no change', () => {
    expect(changesBetween('same', 'same')).toEqual(ChangeSet.empty(4));
  });
});
