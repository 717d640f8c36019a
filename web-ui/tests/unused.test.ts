/** What is written is used: words, exports, classes. */
import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';

const source = new URL('../src/', import.meta.url);
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(ts|svelte)$/.test(path) && path !== 'api/schema.ts');
/** What a comment says is no use of it. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|<!--[\s\S]*?-->/gm, '');
const texts = new Map(files.map((path) => [path, code(readFileSync(new URL(path, source), 'utf8'))]));
const tests = readdirSync(new URL('./', import.meta.url)).map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'));
const parsed = (path: string) => ts.createSourceFile(path, texts.get(path) ?? '', ts.ScriptTarget.Latest, true);
const word = (name: string) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`);

/** `{…} as Record<…>` and the like: looked up by a value, so that all of it is said. */
function bare(node: ts.Expression | undefined): { object: ts.ObjectLiteralExpression | null; looked: boolean } {
  let looked = false;
  let now = node;
  while (now && (ts.isAsExpression(now) || ts.isSatisfiesExpression(now))) {
    looked = true;
    now = now.expression;
  }
  return { object: now && ts.isObjectLiteralExpression(now) ? now : null, looked };
}

interface Said {
  path: string;
  key: string;
  within: string;
  source: string;
}

function keysOf(file: string): Said[] {
  const found: Said[] = [];
  const walk = (object: ts.ObjectLiteralExpression, path: string, within: string) => {
    for (const each of object.properties) {
      if (!ts.isPropertyAssignment(each)) continue;
      const key = ts.isIdentifier(each.name) || ts.isStringLiteral(each.name) ? each.name.text : each.name.getText();
      found.push({ path: `${path}.${key}`, key, within, source: each.getText() });
      const { object: inner, looked } = bare(each.initializer);
      if (inner && !looked) walk(inner, `${path}.${key}`, key);
    }
  };
  parsed(file).forEachChild((node) => {
    if (!ts.isVariableStatement(node)) return;
    for (const { name, initializer } of node.declarationList.declarations) {
      const { object } = bare(initializer);
      if (object) walk(object, name.getText(), name.getText());
    }
  });
  return found;
}

/** Those who can say a catalogue's words: they take them from it, or from one that hands them on. */
function speakers(catalogue: string): string[] {
  const name = catalogue.replace('.ts', '');
  const from = [name, ...(['i18n/en', 'i18n/all'].filter((each) => texts.get(`${each}.ts`)?.includes(`'./${name.slice(5)}'`)))];
  if (from.includes('i18n/en')) from.push('i18n/all');
  return files.filter((file) => file === catalogue || from.some((each) => texts.get(file)?.includes(`${each}'`) || (file.startsWith('i18n/') && texts.get(file)?.includes(`'./${each.slice(5)}'`))));
}

test('every word of the catalogue is said somewhere', () => {
  const silent: string[] = [];
  for (const catalogue of files.filter((file) => file.startsWith('i18n/en'))) {
    const heard = speakers(catalogue);
    for (const { path, key, within, source: own } of keysOf(catalogue)) {
      const said = heard.some((file) => {
        const text = (texts.get(file) ?? '').replace(own, '');
        return new RegExp(`\\.${key}(?![\\w-])`).test(text) || new RegExp(`\\{[^{}]*(?<![\\w-])${key}(?![\\w-])[^{}]*\\}\\s*=`).test(text) || new RegExp(`(?<!\\w)${within}\\[`).test(text);
      });
      if (!said) silent.push(`${catalogue}: ${path}`);
    }
  }
  expect(silent).toEqual([]);
});

test('what is exported is used elsewhere', () => {
  const unused: string[] = [];
  for (const file of files.filter((each) => each.endsWith('.ts') && each !== 'editor/html.ts')) {
    parsed(file).forEachChild((node) => {
      if (!ts.canHaveModifiers(node) || !ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return;
      // What a function takes or answers may be named for whoever reads.
      if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
      const names = ts.isVariableStatement(node)
        ? node.declarationList.declarations.map(({ name }) => name.getText())
        : ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) ? [node.name?.text ?? ''] : [];
      for (const name of names) {
        const others = [...texts].filter(([path]) => path !== file).map(([, text]) => text);
        if (![...others, ...tests].some((text) => word(name).test(text))) unused.push(`${file}: ${name}`);
      }
    });
  }
  expect(unused).toEqual([]);
});

test('every class of the style sheets is given to something', () => {
  const all = [...texts.values()].join('\n');
  /** `mode-{shown}` and `callout-${sort}`. */
  const begins = new Set([...all.matchAll(/([\w-]+-)\$?\{/g)].map(([, begin]) => begin));
  /** CodeMirror, uPlot and pdf.js give these. */
  const others = /^(cm|u)-|^markedContent$/;
  const unused: string[] = [];
  for (const file of readdirSync(new URL('styles/', source))) {
    const sheet = readFileSync(new URL(`styles/${file}`, source), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    // What stands in braces is no selector, or is one of the next ones.
    const names = [...sheet.replace(/\{[^{}]*\}/g, ' ').matchAll(/\.(-?[a-zA-Z_][\w-]*)/g)].map(([, name]) => name ?? '');
    for (const name of new Set(names)) {
      if (!others.test(name) && !word(name).test(all) && ![...begins].some((begin) => begin !== undefined && name.startsWith(begin))) unused.push(`${file}: ${name}`);
    }
  }
  expect(unused).toEqual([]);
});
