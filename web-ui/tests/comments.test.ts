/** Passages: in the file and in the editor, along with changes, in what is read; and names in what is said. */
import { ChangeSet, Text } from '@codemirror/state';
import { expect, test } from 'vitest';
import { TextBuffer } from '../src/editor/buffer';
import { decode, inEditor, inFile, shapeOf } from '../src/editor/codec';
import { along, markAt } from '../src/editor/comments';
import { find, lettersOf } from '../src/editor/read/passages';
import { fitting, pieces, typedName } from '../src/state/mentions';

test('a place in the file is the same letter in the editor, and the other way round', () => {
  for (const file of ['', 'one', 'a\nb\n', 'a\r\n\r\nbc\r\n', '\uFEFFa\r\nb', '\uFEFF\nx', 'a\r\nb\n']) {
    const shape = shapeOf(file);
    const text = decode(file, shape);
    const doc = Text.of(text.split('\n'));
    for (let pos = 0; pos <= text.length; pos += 1) {
      const at = inFile(doc, pos, shape);
      expect(inEditor(doc, at, shape)).toBe(pos);
      if (text[pos] !== undefined && text[pos] !== '\n') expect(file[at]).toBe(text[pos]);
    }
  }
});

test('a passage of a version is found in what was typed on top of it, and of no other version', () => {
  const ports = { read: () => new Promise<never>(() => {}), write: () => new Promise<never>(() => {}), apply() {}, state() {}, keep() {}, slow: '' };
  const buffer = new TextBuffer({ text: 'a\r\nglow\r\n', etag: '"v1"' }, ports);
  buffer.edited(ChangeSet.of({ from: 0, insert: 'xyz' }, 7));
  expect(buffer.here('v1', 3, 7)).toEqual({ from: 5, to: 9 });
  expect(buffer.here('v2', 3, 7)).toBeNull();
  expect(buffer.inFile(5, 9)).toEqual({ version: 'v1', start: 3, end: 7 });
  buffer.close();
});

test('a mark goes along with changes, grows with what is typed in it, and goes with its words', () => {
  const mark = { id: 'a', from: 4, to: 8 };
  const after = (from: number, to: number, insert: string) => along(mark, ChangeSet.of({ from, to, insert }, 12));
  expect(after(0, 0, 'xx')).toMatchObject({ from: 6, to: 10 });
  expect(after(6, 6, 'xx')).toMatchObject({ from: 4, to: 10 });
  expect(after(4, 4, 'xx')).toMatchObject({ from: 6, to: 10 });
  expect(after(8, 8, 'xx')).toMatchObject({ from: 4, to: 8 });
  expect(after(3, 9, '')).toBeNull();
});

test('of marks in one place the smallest is meant', () => {
  const marks = [{ id: 'long', from: 0, to: 20 }, { id: 'short', from: 4, to: 8 }];
  expect(markAt(marks, 6)?.id).toBe('short');
  expect(markAt(marks, 12)?.id).toBe('long');
  expect(markAt(marks, 30)).toBeNull();
});

test.each([
  ['It was switched off, off for long.', '**off** for', 'It was switched off, ', 'off for'],
  ['off, off, off', 'off', 'off, off, ', [10, 13]],
  ['see the protocol here', '[[Protocol|the protocol]]', 'see ', 'the protocol'],
  ['a link, and on', '[link](https://x.test/a "t"), and', 'a ', 'link, and'],
  ['naïve 漢字 text', '漢字', 'naïve ', '漢字'],
  ['nothing', 'else', '', null],
  ['nothing', '---', '', null],
])('in “%s” %j is found', (shown, source, before, expected) => {
  const found = find(shown, lettersOf(source), lettersOf(before).length);
  if (expected === null) expect(found).toBeNull();
  else if (typeof expected === 'string') expect(shown.slice(found?.from, found?.to)).toBe(expected);
  else expect(found).toEqual({ from: expected[0], to: expected[1] });
});

test('a name is being typed behind a sign that begins a word', () => {
  expect(typedName('Ask @Bo', 7)).toEqual({ from: 4, part: 'Bo' });
  expect(typedName('@', 1)).toEqual({ from: 0, part: '' });
  expect(typedName('Ask @Bo Ch', 10)).toEqual({ from: 4, part: 'Bo Ch' });
  expect(typedName('mail bo@lab', 11)).toBeNull();
  expect(typedName('Ask @Bo Chen about it', 21)).toBeNull();
  expect(typedName('@Bo\nnext', 8)).toBeNull();
});

test('names are offered by the beginning of any of their words', () => {
  const persons = ['Ana Lima', 'Bo Chen', 'Lia Bohm'].map((name) => ({ name }));
  expect(fitting(persons, 'bo').map(({ name }) => name)).toEqual(['Bo Chen', 'Lia Bohm']);
  expect(fitting(persons, '').length).toBe(3);
  expect(fitting(persons, 'x')).toEqual([]);
});

test('names stand out by the whole name or its first word, and in no longer word', () => {
  expect(pieces('Hi @Bo Chen and @ana, not @Anabel', ['Bo Chen', 'Ana Lima'])).toEqual([
    { text: 'Hi ', name: false },
    { text: '@Bo Chen', name: true },
    { text: ' and ', name: false },
    { text: '@ana', name: true },
    { text: ', not @Anabel', name: false },
  ]);
});
