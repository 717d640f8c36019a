/** What blocks, settings and new views say. */
import { describe, expect, test } from 'vitest';
import type { Json, KeySchema, Plugin } from '../src/api/plugins';
import { BlockTable, patternOf, readBlock } from '../src/plugins/blocks';
import { cdxOf, kindOf, labelOf, schemaOf, textOf, valueOf, withTitle } from '../src/plugins/fields';
import { withView } from '../src/plugins/views';

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

  test('what may be anything is a text, or JSON', () => {
    for (const [text, value] of [['small', 'small'], ['320', 320], ['[50, 10]', [50, 10]], ['50, 10', '50, 10'], ['{"status": "todo"}', { status: 'todo' }], ['true', true]] as const) {
      expect(valueOf('n', { type: 'any' }, text)).toEqual(value);
      expect(valueOf('n', { type: 'any' }, textOf({ type: 'any' }, value as Json))).toEqual(value);
    }
    expect(textOf({ type: 'any' }, '320')).toBe('"320"');
    expect(() => valueOf('n', { type: 'any' }, '{status: todo}')).toThrow(/n/);
  });

  test('a board’s columns are rows: title, and property = value', () => {
    const columns: KeySchema = { type: 'array', items: { type: 'object', properties: { id: { type: 'string' }, title: { type: 'string' }, filter: { type: 'object' } } } };
    const rows = [{ title: 'To do', filter: 'status = todo' }, { title: 'To do!', filter: 'status = doing, 2; assignee=' }, { title: ' ', filter: '' }];
    const things = [{ id: 'to-do', title: 'To do', filter: { status: 'todo' } }, { id: 'to-do-2', title: 'To do!', filter: { status: ['doing', 2], assignee: null } }];
    expect(valueOf('Columns', columns, JSON.stringify(rows))).toEqual(things);
    expect(valueOf('Columns', columns, textOf(columns, things))).toEqual(things);
    expect(valueOf('Columns', columns, JSON.stringify([{ title: '', filter: '' }]))).toBeUndefined();
    expect(() => valueOf('Columns', columns, JSON.stringify([{ title: 'A', filter: 'todo' }]))).toThrow('Columns, row 1: “todo” is no “property = value”.');
    expect(cdxOf({ title: 'B', view: 'kanban', query: {}, config: { columns: things } })).toContain('config:\n  columns:\n    - {"id":"to-do","title":"To do","filter":{"status":"todo"}}\n    - {"id"');
  });

  test('a dashboard’s views fill rows of twelve columns', () => {
    const layout: KeySchema = { type: 'array', items: { type: 'object', properties: { components: { type: 'array' } } } };
    const views = [['/A.cdx', '8'], ['/B.cdx', '4'], ['', '6'], ['/C.cdx', '12'], ['/D.cdx', '6']].map(([view, span]) => ({ view, span }));
    const rows = [['/A.cdx', 8, '/B.cdx', 4], ['/C.cdx', 12], ['/D.cdx', 6]].map((row) => ({ components: row.flatMap((view, at) => (at % 2 === 0 ? [{ type: 'mini-view', span: row[at + 1], view }] : [])) }));
    expect(valueOf('n', layout, JSON.stringify(views))).toEqual(rows);
    expect(valueOf('n', layout, textOf(layout, rows as Json))).toEqual(rows);
  });

  test('a key is called as people would', () => {
    expect(['card_fields', 'drag-drop', 'properties.due_date', 'x'].map(labelOf)).toEqual(['Card fields', 'Drag drop', 'Due date', 'X']);
  });
});

test('a view that begins with an example has the title that was typed, and the rest as it was written', () => {
  const title = 'Mine: "a" $& b';
  const line = `title: ${JSON.stringify(title)}`;
  const said = '---\ntype: view\nview_type: kanban\ntitle: >\n  Board\n  of all\nquery: { title: x }\n---\ntitle: in the text\n';
  expect(withTitle(said, title)).toBe(`---\ntype: view\nview_type: kanban\n${line}\nquery: { title: x }\n---\ntitle: in the text\n`);
  expect(withTitle('---\r\ntype: view\r\ntitle: A\r\nview_type: x\r\n---\r\n', title)).toBe(`---\r\ntype: view\r\n${line}\r\nview_type: x\r\n---\r\n`);
  expect(withTitle('---\nview_type: x\nquery:\n  title: y\n---\n', title)).toBe(`---\nview_type: x\n${line}\nquery:\n  title: y\n---\n`);
  expect(withTitle('no front', title)).toBe('no front');
});

test('of several plugins with one view the nearest to running is meant, of equal ones the last', () => {
  const has = (id: string, state: Plugin['state'], view = 'board') => ({ id, state, views: [{ id: view }] }) as unknown as Plugin;
  const meant = (...all: Plugin[]) => withView(all, 'board')?.id;
  expect(meant(has('a', 'blocked'), has('b', 'changed'), has('c', 'off'), has('d', 'blocked'))).toBe('b');
  expect(meant(has('a', 'on'), has('b', 'changed'))).toBe('a');
  expect(meant(has('a', 'off'), has('b', 'blocked'))).toBe('a');
  expect(meant(has('a', 'off'), has('b', 'off'), has('c', 'on', 'other'))).toBe('b');
  expect(meant(has('c', 'on', 'other'))).toBeUndefined();
});
