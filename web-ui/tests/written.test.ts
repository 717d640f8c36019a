import { expect, test } from 'vitest';
import { num, byteSize } from '../src/i18n/format';
import { endingOf, renamed } from '../src/state/endings';
import { leafOf, readJson } from '../src/viewers/json';

test.each([
  ['12345678901234567890', 'number'], ['1.0', 'number'], ['-0', 'number'], ['6.022e+23', 'number'], ['0.1000', 'number'],
  ['"12.50"', 'string'], [String.raw`"a \"quoted\" 1.0"`, 'string'], [String.raw`"ends in a backslash \\"`, 'string'], ['true', 'boolean'], ['null', 'null'],
])('%s in JSON shows as it is written', (text, sort) => {
  expect(leafOf(readJson(` ${text} `) as string)).toEqual({ says: text, sort });
});

test('keys of JSON stay as they are, in their order', () => {
  const read = readJson('{"b": [1.50, {"2": 2}], "1": "x", "__proto__": 3}') as Record<string, unknown>;
  expect(Object.keys(read)).toEqual(['sb', 's1', 's__proto__']);
  expect(read['sb']).toEqual(['n1.50', { s2: 'n2' }]);
  expect(read['s__proto__']).toBe('n3');
});

test.each(['{1: 2}', '01', '[1.]', '{"a": ', ''])('%j is no JSON', (text) => {
  expect(() => readJson(text)).toThrow();
});

test.each([
  ['n4.md', 'N4', 'N4.md'], ['n4.md', 'N4.txt', 'N4.txt'], ['n4.md', 'version 1.2', 'version 1.2.md'], ['n4.md', 'N4.', 'N4'],
  ['Makefile', 'Makefile2', 'Makefile2'], ['.gitignore', 'ignored', 'ignored'], ['data.csv', 'of Dr. Lamb', 'of Dr. Lamb.csv'], ['a.md', '...', '...'],
])('%s renamed to “%s” is %s', (before, typed, after) => {
  expect(renamed(before, typed)).toBe(after);
});

test('what an ending is', () => {
  expect(['a.md', '.hidden', 'v1.2', 'a.tar.gz', 'a.'].map(endingOf)).toEqual(['.md', '', '', '.gz', '']);
});

test('without a browser numbers are English', () => {
  expect([num(1234567), byteSize(1500), byteSize(123_400_000)]).toEqual(['1,234,567', '1.5 KB', '123 MB']);
});
