/** docs/plugins.md names everything that scripts are given, and nothing else. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { VARIABLES } from '../src/plugins/variables';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const docs = read('docs/plugins.md');
const types = ts.createSourceFile('codex.d.ts', read('plugins/sdk/codex.d.ts'), ts.ScriptTarget.Latest, true);

function membersOf(name: string): string[] {
  const found = types.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === name);
  if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`there is no ${name}`);
  return found.members.map((each) => each.name?.getText() ?? '');
}
const named = (before: string) => new Set([...docs.matchAll(new RegExp(`\\b${before}\\.([a-zA-Z]+)`, 'g'))].map(([, name]) => name ?? ''));

for (const [name, before, more] of [['Codex', 'codex', ['importer', 'exporter', 'transformer', 'd', 'js']], ['CodexView', 'view', []]] as const) {
  test(`every name of \`${before}\` is written down, and no other`, () => {
    const all = membersOf(name);
    const said = named(before);
    expect(all.filter((each) => !said.has(each))).toEqual([]);
    expect([...said].filter((each) => !all.includes(each) && !(more as readonly string[]).includes(each))).toEqual([]);
  });
}

test('every key of a file is written down', () => {
  const [, list = ''] = /A file has ([^.]+)\./.exec(docs) ?? [];
  expect([...list.matchAll(/`(\w+)`/g)].map(([, key]) => key)).toEqual(membersOf('CodexFile'));
});

test('every variable of themes that a frame gets is written down, and no other', () => {
  expect([...new Set(docs.match(/^ {4}--.*$/gm)?.join(' ').match(/--[\w-]+/g))].sort()).toEqual(Object.keys(VARIABLES).sort());
});
