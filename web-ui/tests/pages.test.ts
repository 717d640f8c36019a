/** What the pages make of what the daemon tells: persons, folders, files. */
import { describe, expect, test } from 'vitest';
import type { TreeItem } from '../src/api/types';
import { inOrder, viewOf } from '../src/state/folder-view';
import { BYTES, hexRow, offsetOf, place, scrollFor } from '../src/viewers/hex';
import { viewerOf } from '../src/viewers/kinds';
import { readNotebook } from '../src/viewers/notebook';
import { chosenRows, hasNames, numberColumns, numberOf, parseTable } from '../src/viewers/table';

describe('a folder', () => {
  const item = (name: string, size: number, modified: string, kind: 'text' | 'folder' = 'text'): TreeItem => ({ id: name, name, path: name, kind, media_type: '', size, hash: '', modified });
  const items = [item('b.md', 1, '2026-03-01'), item('a.csv', 9, '2026-01-01'), item('z', 0, '2020-01-01', 'folder'), item('n10.md', 5, '2026-02-01'), item('n9.md', 5, '2026-02-01')];
  const names = (sort: 'name' | 'date' | 'type' | 'size', down: boolean) => inOrder(items, { sort, down }).map((each) => each.name);

  test('shows itself as its properties say, and as a list when they say nothing that is known', () => {
    expect(viewOf({ view_mode: 'Grid', sort_by: 'date', sort_direction: 'descending' })).toEqual({ mode: 'grid', sort: 'date', down: true });
    expect(viewOf({ view_mode: 'carousel', sort_by: 7 })).toEqual({ mode: 'list', sort: 'name', down: false });
  });

  test('is sorted with folders first, numbers in names as numbers', () => {
    expect(names('name', false)).toEqual(['z', 'a.csv', 'b.md', 'n9.md', 'n10.md']);
    expect(names('date', true)).toEqual(['z', 'b.md', 'n10.md', 'n9.md', 'a.csv']);
    expect(names('size', false)).toEqual(['z', 'b.md', 'n9.md', 'n10.md', 'a.csv']);
    expect(names('type', false)[1]).toBe('a.csv');
  });
});

test('each kind of file has its viewer, by name and type alone', () => {
  const of = (path: string, kind: 'text' | 'blob' | 'folder' | 'symlink', media_type = 'application/octet-stream') => viewerOf({ path, kind, media_type });
  expect(of('a.csv', 'text', 'text/csv')).toBe('table');
  expect(of('a.TSV', 'blob')).toBe('table');
  expect(of('run.ipynb', 'text')).toBe('notebook');
  expect(of('a.pdf', 'blob', 'application/pdf')).toBe('pdf');
  // Also one whose bytes happen to be all text.
  expect(of('a.pdf', 'text', 'application/pdf')).toBe('pdf');
  expect(of('a.png', 'blob', 'image/png')).toBe('image');
  expect(of('a.svg', 'text', 'image/svg+xml')).toBe('image');
  expect(of('a.tiff', 'blob', 'image/tiff')).toBe('tiff');
  expect(of('a.html', 'text', 'text/html')).toBe('html');
  expect(of('a.xml', 'text', 'text/xml')).toBe('code');
  expect(of('a.mp3', 'blob', 'audio/mpeg')).toBe('audio');
  expect(of('a.md', 'text', 'text/markdown')).toBeNull();
  expect(of('a.txt', 'text', 'text/plain')).toBeNull();
  expect(of('x', 'folder')).toBeNull();
  expect(of('a.png', 'symlink')).toBeNull();
});

describe('a table', () => {
  test('its separator, quotes and names are found', () => {
    expect(parseTable('a;b\n1;"x;y"\n', false, true)).toEqual({ names: ['a', 'b'], rows: [['1', 'x;y']], uneven: 0 });
    expect(parseTable('1\t2\n3\n', true, false)).toMatchObject({ names: ['', ''], uneven: 1 });
    expect(hasNames('time,od\n0,1\n', false)).toBe(true);
    expect(hasNames('0,1\n2,3\n', false)).toBe(false);
  });

  test('numbers are read as people write them', () => {
    for (const [text, value] of [['1.5', 1.5], ['-1,5', -1.5], ['2e-3', 0.002], ['12 %', 12], ['', null], ['1,234,5', null], ['ten', null], ['0x10', null]] as const) {
      expect(numberOf(text), text).toBe(value);
    }
  });

  test('is sorted by number, words after numbers, nothing last either way, and filtered', () => {
    const table = parseTable('v\n10\n9\nx\n""\n-1\n', false, true);
    const sorted = (down: boolean) => chosenRows(table, '', { column: 0, down }).map((at) => table.rows[at]?.[0]);
    expect(sorted(false)).toEqual(['-1', '9', '10', 'x']);
    expect(sorted(true)).toEqual(['10', '9', '-1', 'x']);
    expect(chosenRows(table, '1', null)).toHaveLength(2);
    expect(numberColumns(table)).toEqual([0]);
  });
});

describe('bytes', () => {
  test('every row of a file of any size can be scrolled to', () => {
    for (const count of [1, 40, 100_000, 10_000_000, 2 ** 31]) {
      for (const at of [0, Math.floor(count / 3), count - 1]) {
        const height = 400;
        const top = scrollFor(at, height, 22, count);
        const whole = place(0, height, 22, count).total;
        const { first, end } = place(Math.min(top, Math.max(0, whole - height)), height, 22, count);
        expect(first <= at && at < end, `${at} of ${count}: ${first}..${end}`).toBe(true);
        expect(end - first).toBeLessThan(80);
      }
    }
  });

  test('are shown in hex and as text, and offsets are read either way', () => {
    expect(hexRow(new Uint8Array([0, 65, 255]))).toEqual({ hex: '00 41 ff', text: '·A·' });
    expect(hexRow(new Uint8Array(BYTES)).hex).toHaveLength(48);
    expect([offsetOf('0x1F'), offsetOf('1 000'), offsetOf('-1'), offsetOf('ab')]).toEqual([31, 1000, null, null]);
  });
});

describe('a notebook file', () => {
  test('is cells with outputs; a picture that is none is not one', () => {
    const data = (value: Record<string, unknown>) => JSON.stringify({ cells: [{ cell_type: 'code', source: ['a\n', 'b'], execution_count: 3, outputs: [{ output_type: 'display_data', data: value }] }] });
    expect(readNotebook(data({ 'image/png': 'aGk=\n' })).cells).toEqual([{ is: 'code', text: 'a\nb', count: '3', outputs: [{ is: 'image', url: 'data:image/png;base64,aGk=' }] }]);
    expect(readNotebook(data({ 'image/png': '"onerror=', 'text/plain': ['x'] })).cells[0]).toMatchObject({ outputs: [{ is: 'text', text: 'x' }] });
    expect(readNotebook(data({ 'application/javascript': 'alert(1)' })).cells[0]).toMatchObject({ outputs: [{ is: 'unknown', type: 'application/javascript' }] });
  });

  test('what is none says so', () => {
    for (const text of ['', '[]', '{"cells": 7}', '{"nbformat": 3, "worksheets": []}', 'null']) expect(() => readNotebook(text), text).toThrow();
  });
});

