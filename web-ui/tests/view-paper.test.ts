import { expect, test } from 'vitest';
import type { FileRow } from '../src/api/types';
import { cellOf, columnsOf } from '../src/plugins/paper';

const file = (properties: Record<string, unknown>): FileRow => ({
  author: '', created: '2026-03-01T00:00:00Z', hash: '', id: '1', kind: 'text', media_type: 'text/markdown', modified: '2026-03-02T00:00:00Z', name: 'a.md',
  notebook: 'n', path: 'notes/a.md', properties: properties as never, size: 2048, tags: ['red', 'blue'], title: 'A',
});
const names = (config: object, files: FileRow[] = []) => columnsOf(config as never, files).map(({ name, title }) => `${name}=${title}`);

test('a view on paper has the columns that it names, or what its entries have most', () => {
  expect(names({ columns: ['title', 'due_date', { property: 'yield', title: 'Yield, %' }, { field: 'tags' }] })).toEqual(['due_date=Due date', 'yield=Yield, %', 'tags=Tags']);
  // A board's columns are none of a table.
  expect(names({ columns: [{ id: 'todo', title: 'To do', filter: {} }], card_fields: ['priority'] })).toEqual(['priority=Priority']);
  expect(names({}, [file({ a: 1, b: 2 }), file({ b: 3 })])).toEqual(['b=B', 'a=A']);
  expect(names({ columns: 7, card_fields: [null, {}] })).toEqual([]);
});

test('a cell has the entry’s own property before what its file says, and nothing of what is no property', () => {
  const one = file({ size: 'large', list: [1, [true]], deep: { a: 1 }, off: false });
  expect(['size', 'list', 'deep', 'off', 'tags', 'path', 'missing', 'constructor', 'toString'].map((name) => cellOf(one, name))).toEqual(['large', '1, yes', '{"a":1}', 'no', 'red, blue', 'notes/a.md', '', '', '']);
  expect(cellOf(file({ size: null }), 'size')).toBe('2.0 KB');
});
