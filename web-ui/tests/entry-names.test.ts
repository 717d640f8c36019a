/** Names of entries that are made. */
import { expect, test } from 'vitest';
import { isPath, noteFile, notOnWindows } from '../src/state/entry-names';

test('a note without an ending is Markdown, a hidden one too', () => {
  expect(['Lamp', '.hidden', 'a.csv', 'v1.2 notes', 'days/First', '.x.txt'].map(noteFile)).toEqual(['Lamp.md', '.hidden.md', 'a.csv', 'v1.2 notes.md', 'days/First.md', '.x.txt']);
});

test('a slash goes into a folder, and every part is a name', () => {
  expect(['a', 'days/First day'].map(isPath)).toEqual([true, true]);
  for (const none of ['', '/a', 'a/', 'a//b', '..', 'a/../b', './a', 'a/ ']) expect(isPath(none)).toBe(false);
});

test('what Windows cannot hold is known', () => {
  for (const bad of ['CON', 'nul.md', 'a\\b', 'name?with*bad<chars>', 'x.', 'x ', 'com1.txt', 'a:b']) expect(notOnWindows(`dir/${bad}`)).toEqual([bad]);
  for (const good of ['Console', 'a.md', '.hidden', 'com.md', 'Ümläut (1)']) expect(notOnWindows(good)).toEqual([]);
});
