/** Tags as a tree, and what becomes of them when one gets another name. */
import { expect, test } from 'vitest';
import { renamedTag, renamedValue, tagAt, tagFault, tagLines, tagPath, tagQuery, tagTree } from '../src/state/tags';

const rows = [
  { tag: 'lab/wet', count: 5 },
  { tag: 'zoo', count: 3 },
  { tag: 'Lab/Wet', count: 1 },
  { tag: 'lab/wet/pcr', count: 1 },
  { tag: 'a//b', count: 1 },
];
const nodes = tagTree(rows);
const shown = (open: string[], filter = '') => tagLines(nodes, new Set(open), filter).map(({ node, depth }) => `${'  '.repeat(depth)}${node.name}`);

test('tags with slashes are below one another, and what is spelled in two ways is one', () => {
  expect(shown([])).toEqual(['a//b', 'lab', 'zoo']);
  expect(shown(['lab', 'lab/wet'])).toEqual(['a//b', 'lab', '  wet', '    pcr', 'zoo']);
  expect(tagAt(nodes, 'LAB/wet')).toMatchObject({ tag: 'lab/wet', own: 6, most: 7, ways: 3 });
  expect(tagAt(nodes, 'lab')).toMatchObject({ tag: 'lab', own: 0, most: 7, ways: 3 });
  expect(tagAt(nodes, 'zoo')).toMatchObject({ own: 3, most: 3, ways: 1 });
  expect(tagAt(nodes, 'wet')).toBeNull();
  expect(tagPath('lab/wet/pcr')).toEqual(['lab', 'lab/wet', 'lab/wet/pcr']);
});

test('a filter shows what holds it, and the way there', () => {
  expect(shown([], 'PCR')).toEqual(['lab', '  wet', '    pcr']);
  expect(shown([], '#wet')).toEqual(['lab', '  wet', '    pcr']);
  expect(shown([], 'oo')).toEqual(['zoo']);
  expect(shown([], 'nowhere')).toEqual([]);
});

test('a tag with a space is quoted in the search', () => {
  expect([tagQuery('lab/wet'), tagQuery('cold room')]).toEqual(['tag:lab/wet', 'tag:"cold room"']);
});

test('what is below a tag that is renamed moves along, and nothing else', () => {
  const become = (tag: string) => renamedTag(tag, 'lab/wet', 'bench');
  expect(['lab/wet', 'LAB/WET/pcr', 'lab', 'lab/wetter', 'x/lab/wet'].map(become)).toEqual(['bench', 'bench/pcr', 'lab', 'lab/wetter', 'x/lab/wet']);
});

test('the property keeps its form, and each tag is there once', () => {
  expect(renamedValue(['a', 'lab/wet', 7, 'bench'], 'lab/wet', 'bench')).toEqual(['a', 'bench', 7]);
  expect(renamedValue('#lab/wet, other words', 'lab/wet', 'bench')).toBe('bench, other words');
  const list = ['a', 'a'];
  expect(renamedValue(list, 'b', 'c')).toBe(list);
  expect(renamedValue('a,a', 'b', 'c')).toBe('a,a');
  expect(renamedValue(undefined, 'b', 'c')).toBeUndefined();
});

test('a name that would not come back as one tag is refused', () => {
  expect(['', 'a,b', 'a"', '#a', 'a/', '/a', 'a//b', 'a/ b', 'a b'].map(tagFault)).toEqual(['empty', 'comma', 'comma', 'comma', 'part', 'part', 'part', null, null]);
});
