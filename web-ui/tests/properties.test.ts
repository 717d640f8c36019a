/** Property values: which field they get, what may be typed there, and that nothing turns into something else. */
import { expect, test } from 'vitest';
import type { PropertyType, PropertyValue } from '../src/api/types';
import { type Field, type Wrong, fieldOf, isMisfit, listOf, read, sourceAt, textOf } from '../src/state/property-values';

test.each<[PropertyValue, PropertyType, Field, boolean]>([
  ['open', 'text', 'text', false],
  [3.5, 'number', 'number', false],
  ['3 or 4', 'number', 'number', true],
  [null, 'number', 'number', false],
  [12345678901234567890, 'number', 'source', false],
  ['2026-01-31', 'date', 'date', false],
  ['2026-02-30', 'date', 'text', true],
  ['soon', 'date', 'text', true],
  ['2026-01-31T14:00', 'date-time', 'date-time', false],
  ['2026-01-31T14:00:00+01:00', 'date-time', 'moment', false],
  ['noon', 'date-time', 'text', true],
  [true, 'checkbox', 'checkbox', false],
  [true, 'text', 'checkbox', false],
  ['maybe', 'checkbox', 'text', true],
  [null, 'checkbox', 'checkbox', false],
  ['[[Lamp]]', 'link', 'link', false],
  ['Lamp', 'link', 'text', true],
  ['a', 'list', 'chips', false],
  [['a', 1], 'text', 'chips', false],
  [['a', { b: 1 }], 'list', 'source', false],
  [{ a: 1 }, 'text', 'source', false],
  ['one\ntwo', 'select', 'lines', false],
  ['Ana', 'person', 'person', false],
])('%j as %s is shown in the field “%s”', (value, type, field, misfit) => {
  expect(fieldOf(value, type)).toBe(field);
  if (field !== 'source') expect(isMisfit(value, type)).toBe(misfit);
});

test.each<[string, Field, PropertyValue | undefined, PropertyValue]>([
  ['3.50', 'number', 1, 3.5],
  [' -2e3 ', 'number', 1, -2000],
  ['', 'number', 1, null],
  ['2026-02-28', 'date', null, '2026-02-28'],
  ['2026-02-28T10:00', 'date-time', '2026-02-27T09:00:00', '2026-02-28T10:00:00'],
  ['2026-02-28T10:00', 'date-time', null, '2026-02-28T10:00'],
  ['Lamp', 'link', null, '[[Lamp]]'],
  ['[[Lamp|the lamp]]', 'link', null, '[[Lamp|the lamp]]'],
  ['5', 'text', '4', '5'],
  ['5', 'text', 4, 5],
  ['a, b,', 'chips', undefined, ['a', 'b']],
  ['Yes', 'checkbox', undefined, true],
])('“%s” typed in “%s” is %j before and %j after', (text, field, before, value) => {
  expect(read(text, field, before)).toEqual({ value });
});

test.each<[string, Field, Wrong]>([
  ['forty', 'number', 'number'],
  ['3,5', 'number', 'comma'],
  ['1 000', 'number', 'number'],
  ['0x10', 'number', 'number'],
  ['Infinity', 'number', 'number'],
  ['1e999', 'number', 'number'],
  ['1234567890123456.7', 'number', 'digits'],
  ['2026-02-30', 'date', 'date'],
  ['2026-02-28', 'date-time', 'date-time'],
  ['2026-02-28T25:00', 'moment', 'date-time'],
  ['a [b] c', 'link', 'link'],
  ['perhaps', 'checkbox', 'checkbox'],
])('“%s” is refused in “%s”', (text, field, wrong) => {
  expect(read(text, field, undefined)).toEqual({ wrong });
});

test('what is shown in a field and not changed is what it was', () => {
  const values: [PropertyValue, PropertyType][] = [[3.5, 'number'], ['2026-01-31', 'date'], ['2026-01-31T14:00:00', 'date-time'], ['[[a|b]]', 'link'], ['x', 'text'], [7, 'text'], [null, 'number']];
  for (const [value, type] of values) {
    const field = fieldOf(value, type);
    expect(read(textOf(value, field), field, value)).toEqual({ value });
  }
});

test('items of a list stay what they were; a new one among numbers is a number', () => {
  expect(listOf(['1', 'a', 'new'], [1, 'a', true])).toEqual([1, 'a', 'new']);
  expect(listOf(['1', '1'], [1, '1'])).toEqual([1, '1']);
  expect(listOf(['1', '2', '3'], [1, 2])).toEqual([1, 2, 3]);
  expect(listOf(['1', 'x'], [1])).toEqual([1, 'x']);
  expect(listOf(['1'], undefined)).toEqual(['1']);
});

test('the source of a key is its line and what is indented under it', () => {
  const text = '---\na: 1\nnested: # why\n  b: 2\n\n  c: 3\nlist:\n- {x: 1}\n- y\n"quoted": 5\nlast: {a: 1}\n---\nnested: in the body\n';
  const source = (key: string) => {
    const at = sourceAt(text, key);
    return at && text.slice(at.from, at.to);
  };
  expect(source('nested')).toBe('nested: # why\n  b: 2\n\n  c: 3');
  expect(source('list')).toBe('list:\n- {x: 1}\n- y');
  expect(source('quoted')).toBe('"quoted": 5');
  expect(source('last')).toBe('last: {a: 1}');
  expect(source('b')).toBeNull();
  expect(source('none')).toBeNull();
  expect(sourceAt('no head', 'a')).toBeNull();
});
