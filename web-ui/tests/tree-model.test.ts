import { describe, expect, test } from 'vitest';
import type { TreeItem } from '../src/api/types';
import { type Level, ROOT, flatten, joinPath, parentPath, reveal, spanOf } from '../src/state/tree-model';

const entry = (id: string, kind: 'text' | 'folder'): TreeItem => ({ id, name: id, path: id, kind, media_type: '', size: 0, hash: '', modified: '' });
const file = (id: string) => entry(id, 'text');
const folder = (id: string) => entry(id, 'folder');
const level = (items: TreeItem[], complete = true): Level => ({ items, cursor: complete ? null : 'x', complete });

describe('rows', () => {
  test('open folders show their entries below them, closed ones do not', () => {
    const levels = new Map([
      [ROOT, level([folder('a'), file('b')])],
      ['a', level([file('c')])],
    ]);
    const keys = (open: string[]) => flatten(levels, new Set(open)).map((row) => `${row.depth}${row.key}`);
    expect(keys([])).toEqual(['0a', '0b']);
    expect(keys(['a'])).toEqual(['0a', '1c', '0b']);
  });

  test('what has not been read yet is one row', () => {
    const levels = new Map([[ROOT, level([folder('a')], false)]]);
    expect(flatten(levels, new Set(['a'])).map((row) => row.key)).toEqual(['a', 'more:a', 'more:']);
    expect(flatten(new Map(), new Set()).map((row) => row.key)).toEqual(['more:']);
  });

  test('an open file is no folder', () => {
    expect(flatten(new Map([[ROOT, level([file('a')])]]), new Set(['a']))).toHaveLength(1);
  });

  test('100,000 entries', () => {
    const items = Array.from({ length: 100_000 }, (_, at) => file(String(at)));
    const rows = flatten(new Map([[ROOT, level(items)]]), new Set());
    expect(rows).toHaveLength(100_000);
    const span = spanOf(50_000 * 30, 900, 30, rows.length);
    expect(span).toEqual({ first: 49_992, end: 50_038 });
  });
});

describe('the window', () => {
  test.each([
    ['at the top', 0, 300, 1000, { first: 0, end: 18 }],
    ['at the end', 29_700, 300, 1000, { first: 982, end: 1000 }],
    ['shorter than the screen', 0, 300, 3, { first: 0, end: 3 }],
    ['empty', 0, 300, 0, { first: 0, end: 0 }],
    ['scrolled past an end that moved up', 29_700, 300, 10, { first: 10, end: 10 }],
    ['no height yet', 0, 0, 1000, { first: 0, end: 8 }],
  ])('%s', (_, top, height, count, expected) => {
    expect(spanOf(top, height, 30, count)).toEqual(expected);
  });

  test('revealing a row scrolls as little as can be', () => {
    expect(reveal(0, 90, 300, 30)).toBe(0);
    expect(reveal(5, 90, 300, 30)).toBe(90);
    expect(reveal(50, 90, 300, 30)).toBe(51 * 30 - 300);
  });
});

test('paths', () => {
  expect([parentPath('a/b/c'), parentPath('a'), joinPath('', 'x'), joinPath('a', 'x')]).toEqual(['a/b', '', 'x', 'a/x']);
});
