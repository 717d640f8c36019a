/** Looking back: what is made of the daemon's answers about versions. */
import { describe, expect, test } from 'vitest';
import type { Hunk, Line } from '../src/api/lookback';
import type { SealItem, VersionRow } from '../src/api/types';
import { firstLines, onTop, pairs, sealsOf, skippedBefore, withNow } from '../src/lookback/rows';

const line = (change: Line['change'], text: string): Line => ({ change, words: [{ text, differs: change !== 'same' }], unended: false });
const texts = (hunk: Line[]) => pairs({ lines: hunk }).map(({ left, right }) => [left, right].map((each) => each?.words[0]?.text ?? null));
const row = (version: string): VersionRow => ({ version, device: 'd', device_name: null, time: '2026-01-01T00:00:00Z', did: ['edited'] });
const hunk = (old: number, lines: Line[], count = lines.length): Hunk => ({ old_start: old, old_lines: count, new_start: old, new_lines: count, lines });

describe('both sides of a change', () => {
  test('what was removed stands beside what was added in its place, and every line stands once', () => {
    expect(texts([line('same', 'a'), line('removed', 'b'), line('removed', 'c'), line('added', 'B'), line('same', 'd'), line('added', 'e')])).toEqual([
      ['a', 'a'], ['b', 'B'], ['c', null], ['d', 'd'], [null, 'e'],
    ]);
    expect(texts([line('added', 'x'), line('removed', 'y')])).toEqual([[null, 'x'], ['y', null]]);
  });

  test('lines that are not shown are counted, before the first and between two', () => {
    const [first, second] = [hunk(5, [line('same', 'a')], 3), hunk(20, [line('same', 'b')], 1)];
    expect(skippedBefore(first, undefined)).toBe(4);
    expect(skippedBefore(second, first)).toBe(12);
  });

  test('of very many lines the first are shown, and none is forgotten', () => {
    const hunks = [hunk(1, [line('added', 'a'), line('added', 'b')]), hunk(9, [line('added', 'c'), line('added', 'd')]), hunk(19, [line('added', 'e')])];
    for (const most of [0, 1, 2, 3, 4, 5, 100]) {
      const { hunks: shown, left } = firstLines(hunks, most);
      const count = shown.reduce((sum, each) => sum + each.lines.length, 0);
      expect(count).toBe(Math.min(most, 5));
      expect(count + left).toBe(5);
    }
  });
});

describe('a history', () => {
  test('that grew is put together without a gap or a row twice; without a common row it is read anew', () => {
    const versions = (rows: VersionRow[] | null) => rows?.map((each) => each.version).join('') ?? null;
    expect(versions(onTop([row('d'), row('c'), row('b')], [row('b'), row('a')]))).toBe('dcba');
    expect(versions(onTop([row('b'), row('a')], [row('b'), row('a')]))).toBe('ba');
    expect(versions(onTop([row('z')], [row('b')]))).toBeNull();
    expect(versions(onTop([row('z')], []))).toBe('z');
  });

  test('shows what several devices wrote at once as one newest state', () => {
    const merged = withNow([row('b'), row('c')], { version: 'b.c', modified: '2026-01-02' });
    expect(merged.map((each) => each.version)).toEqual(['b.c', 'b', 'c']);
    expect(withNow([row('b')], { version: 'b', modified: '' })).toHaveLength(1);
    expect(withNow([row('b')], null)).toHaveLength(1);
  });

  test('knows each version’s seals', () => {
    const seal = (id: string, version: string) => ({ id, version }) as SealItem;
    const found = sealsOf([seal('1', 'a'), seal('2', 'b'), seal('3', 'a')]);
    expect(found.get('a')?.map((each) => each.id)).toEqual(['1', '3']);
    expect(found.get('c')).toBeUndefined();
  });
});
