import { readFileSync, readdirSync } from 'node:fs';
import { parse } from 'svelte/compiler';
import { expect, test } from 'vitest';

const source = new URL('../src/', import.meta.url);
const spoken = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label']);

/** Words that a component says by itself. */
function words(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) for (const each of node) words(each, found);
  else if (node !== null && typeof node === 'object') {
    const { type, name, value, data } = node as { type?: string; name?: string; value?: unknown; data?: string };
    if (type === 'Text' && /\p{L}/u.test(data ?? '')) found.push((data ?? '').trim());
    else if (type === 'Attribute' && !spoken.has(name ?? '')) words(value instanceof Object && !Array.isArray(value) ? value : [], found);
    else for (const [key, child] of Object.entries(node)) if (key !== 'instance' && key !== 'module' && key !== 'css' && key !== 'options') words(child, found);
  }
  return found;
}

test('every word the page says is in the catalogue', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.svelte'));
  expect(files.length).toBeGreaterThan(10);
  const said = files.flatMap((path) => words(parse(readFileSync(new URL(path, source), 'utf8'), { modern: true }).fragment).map((word) => `${path}: ${word}`));
  expect(said).toEqual([]);
});

test('fetch and sockets are each in one place', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(ts|svelte)$/.test(path));
  const having = (pattern: RegExp) => files.filter((path) => pattern.test(readFileSync(new URL(path, source), 'utf8')));
  expect(having(/\bfetch\(/)).toEqual(['api/client.ts']);
  expect(having(/new WebSocket\(/)).toEqual(['events.ts', 'talk.ts']);
});

test('strings become HTML only where they are cleaned', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(ts|svelte)$/.test(path));
  const having = (pattern: RegExp) => files.filter((path) => pattern.test(readFileSync(new URL(path, source), 'utf8')));
  expect(having(/\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|parseFromString|srcdoc)\b|document\.write|\{@html/)).toEqual(['viewers/HtmlView.svelte']);
  // A frame without any right.
  expect(readFileSync(new URL('viewers/HtmlView.svelte', source), 'utf8')).toContain('<iframe sandbox="" srcdoc=');
  expect(having(/from 'dompurify'/)).toEqual(['editor/read/purify.ts']);
  expect(having(/purify\.sanitize\(/).sort()).toEqual(['editor/read/drawing.ts', 'editor/read/render.ts', 'viewers/HtmlView.svelte', 'viewers/NotebookView.svelte']);
  const text = readFileSync(new URL('editor/read/render.ts', source), 'utf8');
  // The answer of the cleaner, and nothing else, is what is given back.
  expect(text.match(/return [^;]*/g)?.filter((each) => /html/.test(each) && !/^return (purify\.sanitize|clean)\(/.test(each))).toEqual([]);
});
