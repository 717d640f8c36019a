/** The trash, as it was thrown away. */
import { expect, test } from 'vitest';
import type { TreeItem } from '../src/api/types';
import { thrown } from '../src/state/trash';

const gone = (path: string, kind: TreeItem['kind'], minute: number): TreeItem =>
  ({ id: path + minute, path, name: path.split('/').at(-1) ?? '', kind, modified: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(), hash: '', media_type: '', size: 0 }) as TreeItem;
const shown = (items: TreeItem[]) => thrown(items).map(({ item, inside, along }) => [item.path, inside.map(({ path }) => path), along.map(({ path }) => path)]);

test('a folder is one line with all in it, a file one with its sidecars', () => {
  expect(shown([
    gone('pic.png.json', 'text', 9), gone('pic.png', 'blob', 9), gone('.pic.png.md', 'text', 9), gone('README.md', 'text', 8), gone('README', 'text', 8),
    gone('box', 'folder', 5), gone('box/sub', 'folder', 5), gone('box/sub/b.md', 'text', 5), gone('box/a.md', 'text', 2), gone('boxes.md', 'text', 1),
  ])).toEqual([
    ['pic.png', [], ['pic.png.json', '.pic.png.md']], ['README.md', [], []], ['README', [], []],
    ['box', ['box/a.md', 'box/sub', 'box/sub/b.md'], []], ['boxes.md', [], []],
  ]);
});

test('what was deleted after a folder was made anew there is not in the folder that went before', () => {
  expect(shown([gone('box/late.md', 'text', 9), gone('box', 'folder', 5), gone('box/a.md', 'text', 5)])).toEqual([['box/late.md', [], []], ['box', ['box/a.md'], []]]);
});

test('nothing is left out', () => {
  const items = ['a', 'a/b', 'a/b/c.md', 'a.md', 'a.md.json', 'x/a.md.json'].map((path, at) => gone(path, path.includes('.') ? 'text' : 'folder', 9 - at));
  expect(thrown(items).flatMap(({ item, inside, along }) => [item, ...inside, ...along]).map(({ path }) => path).sort()).toEqual(items.map(({ path }) => path).sort());
});
