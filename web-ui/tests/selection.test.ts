import { describe, expect, test } from 'vitest';
import { batches } from '../src/state/dropped';
import { NONE, only, outermost, pruned, rangeTo, toggled } from '../src/state/selection';

const order = ['a', 'b', 'c', 'd', 'e'];
const keys = (selection: { keys: ReadonlySet<string> }) => [...selection.keys].join('');

describe('a selection', () => {
  test('a range goes from the anchor, either way, and moves with its end', () => {
    const down = rangeTo(only('b'), 'd', order);
    expect(keys(down)).toBe('bcd');
    expect(keys(rangeTo(down, 'a', order))).toBe('ab');
    expect(keys(rangeTo(NONE, 'c', order))).toBe('c');
  });

  test('an entry is added and taken out, and is where the next range begins', () => {
    const two = toggled(only('a'), 'd');
    expect(keys(two)).toBe('ad');
    expect(keys(rangeTo(two, 'e', order))).toBe('de');
    expect(keys(toggled(two, 'a'))).toBe('d');
  });

  test('what is gone is selected no more', () => {
    expect(keys(pruned(rangeTo(only('a'), 'c', order), (key) => key !== 'b'))).toBe('ac');
  });

  test('what lies in a folder that is meant is not meant twice', () => {
    const all = ['lab', 'lab/a', 'lab/b/c', 'labels', 'x/y'].map((path) => ({ path }));
    expect(outermost(all).map(({ path }) => path)).toEqual(['lab', 'labels', 'x/y']);
  });
});

test('files are sent in parts of so many, and of so many bytes', () => {
  const file = (size: number) => ({ path: 'x', file: { size } as File });
  const sizes = (all: ReturnType<typeof batches>) => all.map((batch) => batch.length);
  expect(sizes(batches([file(1), file(1), file(1)], 2, 100))).toEqual([2, 1]);
  expect(sizes(batches([file(60), file(60), file(10), file(500), file(1)], 9, 100))).toEqual([1, 2, 1, 1]);
});
