/** Addresses of pages: what a link says is what the page reads from it. */
import { expect, test, vi } from 'vitest';

vi.stubGlobal('location', { hash: '' });
vi.stubGlobal('window', { addEventListener: () => {} });
const { links, parseRoute } = await import('../src/state/route.svelte');

test.each([
  [links.history('lab', 'e1'), { page: 'history', notebook: 'lab', entry: 'e1', at: null, from: null, show: 'changes' }],
  [links.history('a/b ?', 'e', { at: 'v.w', from: 'birth', show: 'version' }), { page: 'history', notebook: 'a/b ?', entry: 'e', at: 'v.w', from: 'birth', show: 'version' }],
  [links.print('lab', 'e', true), { page: 'print', notebook: 'lab', entry: 'e', now: true }],
  [links.tags(), { page: 'tags', tag: '', notebook: null }],
  [links.tags('lab/wet & dry', 'a b'), { page: 'tags', tag: 'lab/wet & dry', notebook: 'a b' }],
  [links.activity(), { page: 'activity' }],
  [links.activity('lab'), { page: 'activity', notebook: 'lab' }],
  [links.entry('lab', 'e?x'), { page: 'entry', notebook: 'lab', entry: 'e?x' }],
  ['', { page: 'home' }],
  [links.home, { page: 'home' }],
  ['#/garbage', { page: 'nowhere' }],
  ['#/n/lab/garbage', { page: 'nowhere' }],
  [links.notebook('lab'), { page: 'notebook', notebook: 'lab' }],
  [links.path('lab', 'a/what?.md'), { page: 'path', notebook: 'lab', path: 'a/what?.md' }],
])('%s', (link, route) => {
  expect(parseRoute(link)).toEqual(route);
});
