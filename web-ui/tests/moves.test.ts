import { describe, expect, it } from 'vitest';
import type { LinkChanges } from '../src/api/types';
import { allBack, inTurn, together } from '../src/state/link-changes';

const of = (entry: string, links: [number, string, string][]): LinkChanges['entries'][number] =>
  ({ entry, path: `${entry}.md`, title: entry, links: links.map(([line, from, to]) => ({ line, from, to })) });
const moves = ['a', 'b', 'c'].map((id) => ({ id, from: `${id}.md`, to: `dest/${id}.md` }));

describe('what several moves do to links', () => {
  it('is nothing where both ends move to the same folder', () => {
    const a = { entries: [of('a', [[1, 'b.md', '../b.md']]), of('b', [[1, 'a.md', 'dest/a.md']])], kept: [] };
    const b = { entries: [of('a', [[1, 'b.md', 'dest/b.md']]), of('b', [[1, 'a.md', '../a.md']])], kept: [] };
    expect(together(moves, [a, b]).entries).toEqual([]);
  });

  it('is one change of each link, seen from where the entry goes to where its target goes', () => {
    const apart = [{ id: 'a', from: 'a.md', to: 'x/a.md' }, { id: 'b', from: 'b.md', to: 'my notes/b.md' }];
    const a = { entries: [of('a', [[1, 'b.md', '../b.md'], [2, 'z.md', '../z.md']])], kept: [] };
    const b = { entries: [of('a', [[1, 'b.md', 'my%20notes/b.md']]), of('z', [[4, 'b.md', 'my%20notes/b.md']])], kept: [] };
    const expected = [of('a', [[1, 'b.md', '../my%20notes/b.md'], [2, 'z.md', '../z.md']]), of('z', [[4, 'b.md', 'my%20notes/b.md']])];
    expect(together(apart, [a, b]).entries).toEqual(expected);
    expect(together(apart.toReversed(), [b, a]).entries.toSorted((one, two) => (one.entry < two.entry ? -1 : 1))).toEqual(expected);
  });

  it('names what cannot be changed once', () => {
    const kept = [{ entry: 'a', path: 'a.md', line: 1, target: 'b', reason: 'locked' }];
    expect(together(moves, [{ entries: [], kept }, { entries: [], kept }]).kept).toEqual(kept);
  });

  it('is counted by what it comes to when it was done in turn', () => {
    const first = { entries: [of('a', [[1, 'b.md', '../b.md'], [2, 'b.md', '../b.md']]), of('c', [[1, 'a.md', 'dest/a.md']])], kept: [] };
    const then = { entries: [of('a', [[1, '../b.md', 'b.md'], [2, '../b.md', 'b.md']])], kept: [] };
    expect(inTurn([first, then]).entries).toEqual([of('c', [[1, 'a.md', 'dest/a.md']])]);
  });
});

describe('several moves taken back', () => {
  it('go back the last one first, and each text to before the first in one edit', () => {
    const undos = [
      { entry: 'a', path: 'a.md', texts: [{ entry: 'a', before: 'a0', after: 'a1' }, { entry: 'b', before: 'b0', after: 'b1' }] },
      { entry: 'b', path: 'b.md', texts: [{ entry: 'a', before: 'a1', after: 'a2' }] },
    ];
    expect(allBack(undos)).toEqual([
      { entry: 'b', path: 'b.md', texts: [{ entry: 'a', before: 'a0', after: 'a2' }, { entry: 'b', before: 'b0', after: 'b1' }] },
      { entry: 'a', path: 'a.md', texts: [] },
    ]);
  });

  it('leave what somebody wrote between two of them', () => {
    const undos = [
      { entry: 'a', path: 'a.md', texts: [{ entry: 'a', before: 'a0', after: 'a1' }] },
      { entry: 'b', path: 'b.md', texts: [{ entry: 'a', before: 'a2', after: 'a3' }] },
    ];
    expect(allBack(undos)[0]?.texts).toEqual([{ entry: 'a', before: 'a2', after: 'a3' }, { entry: 'a', before: 'a0', after: 'a1' }]);
  });
});
