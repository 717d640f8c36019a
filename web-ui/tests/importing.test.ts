/** Importers: which are offered for a file, and what one would make. */
import { expect, test } from 'vitest';
import type { Plugin } from '../src/api/plugins';
import { chosenOf, endings, offered, planned } from '../src/plugins/importing';

const plugin = (id: string, state: Plugin['state'], ...importers: [string, string[]][]) =>
  ({ id, name: id, state, importers: importers.map(([name, extensions]) => ({ id: name, name, description: '', extensions })) }) as unknown as Plugin;
const keys = (name: string, ...plugins: Plugin[]) => {
  const { fitting, others } = offered(plugins, name);
  return [fitting.map(({ key }) => key), others.map(({ key }) => key)];
};

test('an importer is offered for the endings it names, in whatever case, the longest first', () => {
  const tables = plugin('tables', 'on', ['csv', ['.csv', 'TSV']], ['deep', ['.run.csv']]);
  expect(keys('a.CSV', tables)).toEqual([['tables/csv'], ['tables/deep']]);
  expect(keys('a.tsv', tables)).toEqual([['tables/csv'], ['tables/deep']]);
  expect(keys('a.run.csv', tables)).toEqual([['tables/deep', 'tables/csv'], []]);
  expect(keys('csv', tables)).toEqual([[], ['tables/csv', 'tables/deep']]);
});

test('what runs stands first; what does not run is named only where it is meant for the file', () => {
  const off = plugin('off', 'off', ['bib', ['.bib']]);
  const on = plugin('on', 'on', ['bib', ['.bib']], ['all', []]);
  expect(keys('a.bib', off, on)).toEqual([['on/bib', 'off/bib'], ['on/all']]);
  expect(keys('a.xyz', off, on)).toEqual([[], ['on/bib', 'on/all']]);
  expect(endings([off, plugin('x', 'on', ['a', ['.RIS', 'bib', '.bib']])])).toEqual(['.bib', '.ris']);
});

test('an importer that was picked stays while it is there; else the most fitting one is taken, and none for a file of nobody', () => {
  const all = [plugin('on', 'on', ['bib', ['.bib']], ['all', []])];
  expect(chosenOf(offered(all, 'a.bib'), '')?.key).toBe('on/bib');
  expect(chosenOf(offered(all, 'a.bib'), 'on/all')?.key).toBe('on/all');
  expect(chosenOf(offered(all, 'a.bib'), 'gone/x')?.key).toBe('on/bib');
  expect(chosenOf(offered(all, 'a.xyz'), '')).toBeUndefined();
});

test('an entry is shown with its title, else its name; values as one reads them, what is not set left out', () => {
  const properties = { title: 'On light', authors: ['Ada', 'Bo'], year: 1905, doi: null, open: true, at: { x: 1 } };
  expect(planned({ path: 'a/b.md', text: 'T', properties } as never)).toEqual({
    path: 'a/b.md', title: 'On light', text: 'T',
    properties: [['title', 'On light'], ['authors', 'Ada, Bo'], ['year', '1905'], ['open', 'true'], ['at', '{"x":1}']],
  });
  expect(planned({ path: 'a/b.md' })).toEqual({ path: 'a/b.md', title: 'b.md', text: '', properties: [] });
  expect(planned({ path: 'b.md', properties: { title: '  ' } } as never).title).toBe('b.md');
});
