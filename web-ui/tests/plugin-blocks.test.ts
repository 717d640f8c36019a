/** What blocks, settings and new views say. */
import { describe, expect, test } from 'vitest';
import type { Json, KeySchema, Plugin } from '../src/api/plugins';
import { BlockTable, patternOf, readBlock } from '../src/plugins/blocks';
import { cdxOf, kindOf, schemaOf, textOf, valueOf } from '../src/plugins/fields';

const plugin = (id: string, blocks: object[], more: object = {}): Plugin =>
  ({ id, name: id, state: 'on', permissions: [{ permission: 'render_blocks', granted: true }], blocks: blocks.map((each) => ({ name: '', url_patterns: [], auto_detect: false, config_schema: {}, script: 's', ...each })), ...more }) as unknown as Plugin;

describe('a block', () => {
  test('is lines of keys with values, typed as its schema says', () => {
    const schema = { rows: { type: 'integer' }, labels: { type: 'array', items: { type: 'string' } }, units: { type: 'string', default: 'metric' }, wide: { type: 'boolean' } };
    const { values, bad } = readBlock('# a word\nurl: https://a.example/x?y=1:2\nrows: 12\nlabels: a, b\nwide: true\ndata: [1, 2.5]\nname: "Fe: 2"\n', schema);
    expect(bad).toBeNull();
    expect({ ...values }).toEqual({ url: 'https://a.example/x?y=1:2', rows: 12, labels: ['a', 'b'], units: 'metric', wide: true, data: [1, 2.5], name: 'Fe: 2' });
    expect(readBlock('list: [x, "y z"]\nlong:\n  one\n  two\n', {}).values).toMatchObject({ list: ['x', 'y z'], long: '  one\n  two' });
  });

  test('that says what its plugin does not know says what there is', () => {
    const schema: Record<string, KeySchema> = { type: { type: 'string', enum: ['bar', 'line'] }, rows: { type: 'integer', enum: [1, 2] } };
    expect(readBlock('type: pei\ncolour: red\nrows: 2', schema).odd).toEqual([{ key: 'type', value: 'pei', known: ['bar', 'line'] }, { key: 'colour', value: null, known: ['type', 'rows'] }]);
    expect(readBlock('toString: red', schema).odd).toEqual([{ key: 'toString', value: null, known: ['type', 'rows'] }]);
    expect(readBlock('type: line', schema).odd).toEqual([]);
    // Whoever names no keys takes any.
    expect(readBlock('colour: red', {}).odd).toEqual([]);
  });

  test('that is badly written says where, and keeps the rest', () => {
    expect(readBlock('url: a\nno pair here\nb: 2', {})).toMatchObject({ bad: 2, values: { url: 'a', b: '2' } });
    expect(readBlock('rows: many', { rows: { type: 'integer' } }).values).toMatchObject({ rows: 'many' });
    expect(readBlock('rows: 1e999', { rows: { type: 'number' } }).values).toMatchObject({ rows: '1e999' });
    expect(Object.getPrototypeOf(readBlock('__proto__: {"polluted": 1}', {}).values)).toBeNull();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('is one of a plugin that runs and may draw them; the one that was loaded last', () => {
    const table = new BlockTable([plugin('a', [{ id: 'x' }, { id: 'y' }]), plugin('b', [{ id: 'x' }]), plugin('c', [{ id: 'z' }], { state: 'off' }), plugin('d', [{ id: 'w' }], { permissions: [{ permission: 'render_blocks', granted: false }] })]);
    expect([table.named('x')?.plugin.id, table.named('y')?.plugin.id, table.named('z'), table.named('w'), table.named('constructor')]).toEqual(['b', 'a', null, null, null]);
  });

  test('an address is the block whose pattern names most of it', () => {
    const table = new BlockTable([
      plugin('github', [{ id: 'issue', auto_detect: true, url_patterns: ['^https?://github\\.com/[^/]+/[^/]+/issues/\\d+'] }, { id: 'quiet', url_patterns: ['.*'] }]),
      plugin('preview', [{ id: 'link', auto_detect: true, url_patterns: ['^https?://'] }]),
    ]);
    expect(table.forAddress('https://github.com/a/b/issues/7')?.kind.id).toBe('issue');
    expect(table.forAddress('https://example.org/')?.kind.id).toBe('link');
    expect(table.forAddress('https://example.org/ and more')).toBeNull();
    expect(table.forAddress('javascript:alert(1)')).toBeNull();
    expect(table.forAddress(`https://${'a'.repeat(400)}`)).toBeNull();
  });

  test('a pattern that could keep the page busy is not tried', () => {
    for (const bad of ['(a+)+$', '(a|a)*b', '((a)+)*', '(?:x*)*', '.*.*.*.*.*x', '(a)\\1', '(?=a)b', '(?<=a)b', '(', 'x'.repeat(500), '(\\d{1,})+']) expect(patternOf(bad), bad).toBeNull();
    for (const good of ['^https?://github\\.com/([^/]+)/([^/]+)/pull/(\\d+)', 'https://a\\.b/.*', '^https://x/(a|b)/\\d+(?:#.*)?$'.replace('(?:#.*)?', ''), '[*+]{2}(ab)+']) expect(patternOf(good), good).not.toBeNull();
    const slow = patternOf('^https?://[^/]+/.*/.*/.*$');
    const start = performance.now();
    slow?.test(`https://x${'/'.repeat(240)}\n`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('a field', () => {
  test('says what its text means, or why it cannot', () => {
    expect(valueOf('n', { type: 'integer', minimum: 1, maximum: 8 }, ' 4 ')).toBe(4);
    expect(valueOf('n', { type: 'number' }, '2,5')).toBe(2.5);
    expect(valueOf('n', { type: 'string' }, '')).toBeUndefined();
    expect(valueOf('n', { enum: [1, 'two', true] }, '1')).toBe(1);
    expect(valueOf('n', { type: 'array', items: { type: 'string' } }, 'a, b,')).toEqual(['a', 'b']);
    expect(valueOf('n', { type: 'array', items: { type: 'object' } }, '[{"id":"x"}]')).toEqual([{ id: 'x' }]);
    for (const [schema, text] of [[{ type: 'integer' }, '1.5'], [{ type: 'integer', minimum: 1 }, '0'], [{ type: 'number' }, 'ten'], [{ type: 'object' }, '{a']] as const) expect(() => valueOf('n', schema, text)).toThrow(/n/);
  });

  test('shows what it means again', () => {
    const all: [KeySchema, Json][] = [[{ type: 'number' }, 2.5], [{ type: 'boolean' }, false], [{ type: 'array' }, ['a', 'b']], [{ type: 'array' }, ['a, b']], [{ type: 'object' }, { a: [1] }], [{ enum: ['x', 'y'] }, 'y']];
    for (const [schema, value] of all) expect(valueOf('n', schema, textOf(schema, value)), kindOf(schema)).toEqual(value);
    expect(kindOf(schemaOf({ name: 'u', type: 'string', description: '', required: false, secure: false, enum: [], ui: { options: ['C', 'F'] } }))).toBe('choice');
  });

  test('a new view is written so that any title and value is kept', () => {
    expect(cdxOf({ title: 'A: "b" # c', view: 'kanban', query: { file_types: ['task'] }, config: { 'odd key': { a: null } } })).toBe(
      '---\ntype: view\nview_type: kanban\ntitle: "A: \\"b\\" # c"\nquery:\n  file_types: ["task"]\nconfig:\n  "odd key": {"a":null}\n---\n',
    );
  });
});
