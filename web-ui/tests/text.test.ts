import { describe, expect, test } from 'vitest';
import { frontmatterEnd } from '../src/editor/frontmatter';
import { resolvePath } from '../src/editor/paths';
import { decode, encode, shapeOf } from '../src/editor/codec';
import { markWords, tidyParts } from '../src/state/highlight';
import { fromText, guess, scalarOf, tagList } from '../src/state/property-values';

describe('parts that were found', () => {
  test('neighbours of one sort become one, empty ones go, line ends become spaces', () => {
    const parts = [
      { text: 'a\n\nb ', hit: false },
      { text: '', hit: true },
      { text: 'c', hit: false },
      { text: 'hit', hit: true },
      { text: 'ting', hit: true },
    ];
    expect(tidyParts(parts)).toEqual([{ text: 'a b c', hit: false }, { text: 'hitting', hit: true }]);
    expect(tidyParts(null)).toEqual([]);
  });

  const marked = (text: string, query: string) => markWords(text, query).map((p) => (p.hit ? `[${p.text}]` : p.text)).join('');
  test.each([
    ['Lamp and lamps', 'lamp', '[Lamp] and [lamp]s'],
    ['a.b (c)', 'a.b', '[a.b] (c)'],
    ['Notes', 'tag:x -old', 'Notes'],
    ['mercury lamp', '"mercury lamp"', '[mercury] [lamp]'],
    ['<b>', 'b', '<[b]>'],
  ])('%s / %s', (text, query, expected) => {
    expect(marked(text, query)).toBe(expected);
  });
});

test.each([
  ['---\na: 1\n---\nbody', 13],
  ['---\na: 1\n---', 12],
  ['---\n---\nbody', 8],
  ['--- \na: 1\n...\nbody', 14],
  ['---\nnever closed', 0],
  ['body\n---\n', 0],
  ['', 0],
])('where the head of %j ends', (text, expected) => {
  expect(frontmatterEnd(text)).toBe(expected);
});

test.each([
  ['a/b.md', 'c.png', 'a/c.png'],
  ['a/b.md', '../c%20d.png', 'c d.png'],
  ['a/b.md', '/x/y.md#part', 'x/y.md'],
  ['a/b.md', '../../c', null],
  ['a.md', 'https://example.org/x', null],
  ['a.md', '//example.org/x', null],
  ['a.md', 'javascript:x', null],
  ['a.md', '#part', null],
  ['a.md', '100%.png', '100%.png'],
])('from %s, %s is %s', (path, href, expected) => {
  expect(resolvePath(path, href)).toBe(expected);
});

test.each(['', 'a\nb', 'a\r\nb\r\n', 'a\r\nb\n', '\uFEFFa\n', '\uFEFF\r\n', 'a\rb'])('%j goes through the editor unchanged', (text) => {
  const shape = shapeOf(text);
  expect(encode(decode(text, shape), shape)).toBe(text);
});

describe('property values', () => {
  test('what was a number stays one when it can', () => {
    expect([fromText('3.5', 1), fromText('x', 1), fromText('', 1), fromText('007', 'a')]).toEqual([3.5, 'x', null, '007']);
    expect([guess('12'), guess('007'), guess('true'), guess('a b')]).toEqual([12, '007', true, 'a b']);
  });
  test('tags are a list or one string', () => {
    expect([tagList(['a', 'b']), tagList('a, b c'), tagList(undefined), tagList({ a: 1 })]).toEqual([['a', 'b'], ['a', 'b', 'c'], [], []]);
  });
  test('a plain scalar can be taken over, anything else is left to the editor', () => {
    expect(scalarOf('a: b c\n')).toBe('b c');
    expect(scalarOf('a: "1"\n')).toBe('1');
    expect(scalarOf('a: 1\n')).toBe(1);
    expect(scalarOf('a:\n')).toBeNull();
    expect(scalarOf("a: 'multi: ''b'' ü'\n")).toBe("multi: 'b' ü");
    expect(scalarOf('a: "x\\n\\"y\\" \\u00fc"\n')).toBe('x\n"y" ü');
    expect([scalarOf('a: [b]\n'), scalarOf('a:\n  - b\n'), scalarOf('a: b # c\n'), scalarOf('a: "\\x41"\n')]).toEqual(Array(4).fill(undefined));
  });
});
