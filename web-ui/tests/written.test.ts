import { expect, test } from 'vitest';
import { num, byteSize } from '../src/i18n/format';
import { endingOf, renamed } from '../src/state/endings';
import { isFull } from '../src/editor/tables-keys';
import { badDue } from '../src/state/task-text';
import { leafOf, readJson } from '../src/viewers/json';
import { pictureOf, readPage } from '../src/viewers/tiff';
import { tiff } from '../../tests/browser/samples';

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

test.each([
  ['| a | b |', true], ['| a |', false], ['| a | b', false], ['a | b', false], [String.raw`| a \| b |`, false], [String.raw`| a \| b | c |`, true],
])('whether the row %s has all its cells', (row, full) => {
  expect(isFull(row, '| --- | --- |')).toBe(full);
});

test.each([
  ['call her due:2026-02-31', '2026-02-31'], ['due:2026-02-28', null], ['📅2026-13-01 x', '2026-13-01'], ['due: soon', null], ['overdue:9', null], ['due:friday', 'friday'],
])('%s says no day: %s', (text, wrong) => {
  expect(badDue(text)).toBe(wrong);
});

test('a TIFF picture of more than 8 bits goes from its least to its most, and each page is found', async () => {
  const file = tiff(3, 2, 16, [100, 200, 300, 400, 500, 1100], 2);
  const page = await readPage(file, 0, () => 'too many');
  if (page.is !== 'drawn') throw new Error(page.why);
  expect([page.picture.width, page.picture.height, page.picture.bits, page.picture.range, page.more]).toEqual([3, 2, 16, [100, 1100], true]);
  expect([...page.picture.pixels.slice(0, 4), ...page.picture.pixels.slice(20)]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
  expect((await readPage(file, 1, () => 'too many')).more).toBe(false);
  await expect(readPage(file, 2, () => 'too many')).rejects.toThrow();
});

test('of a TIFF picture that cannot be drawn the size and the reason are known', async () => {
  const known = await readPage(tiff(3, 2, 8, [0, 1, 2, 3, 4, 5], 1, 7), 0, () => 'too many');
  expect(known).toMatchObject({ is: 'known', width: 3, height: 2, why: expect.stringContaining('ompression') as string });
});

test('colours and palettes of a TIFF picture', () => {
  const page = { width: 1, height: 1, bitsPerSample: 8, samplesPerPixel: 4, alpha: true, palette: undefined, data: new Uint8Array([1, 2, 3, 128]) };
  expect([...pictureOf(page).pixels]).toEqual([1, 2, 3, 128]);
  expect([...pictureOf({ ...page, samplesPerPixel: 1, alpha: false, palette: [[0, 0, 0], [65535, 257, 0]], data: new Uint8Array([1]) }).pixels]).toEqual([255, 1, 0, 255]);
});
