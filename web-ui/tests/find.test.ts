/** Finding: commands and their keys, letters in names. */
import { describe, expect, test, vi } from 'vitest';
import { markdownKeys } from '../src/editor/keys';
import { find } from '../src/i18n/en-find';
import { COMMANDS, commands, fits } from '../src/state/commands';
import { keysText, ownKeys, pressed } from '../src/state/own-keys.svelte';
import { isElsewhere } from '../src/state/highlight';
import { spotIn } from '../src/editor/spot';
import { marked, patternsOf, rank } from '../src/state/fuzzy';

import { learnt, offersFor, pieceAt, taken } from '../src/state/operators';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}, code = '') => ({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe('commands', () => {
  test('no two have the same keys, and each says what it does', () => {
    const keys = Object.values(COMMANDS).filter((each) => each !== '');
    expect(new Set(keys).size).toBe(keys.length);
    expect(Object.keys(find.commands).sort()).toEqual(Object.keys(COMMANDS).sort());
    expect(keysText('Mod+Shift+F')).toBe('Ctrl Shift F');
  });

  test('the keys of texts are not those of the page, but for a link where something is selected', () => {
    const page = new Set(Object.values(COMMANDS).map((keys) => keys.toLowerCase().replaceAll('+', '-')));
    expect(markdownKeys.map(({ key }) => key?.toLowerCase()).filter((key) => page.has(key ?? ''))).toEqual(['mod-k']);
  });

  test('those that somebody chooses are theirs, unless they are another’s, the browser’s, or a text’s', () => {
    expect(pressed(press('k', { ctrlKey: true, shiftKey: true }))).toBe('Mod+Shift+K');
    expect(pressed(press('Dead', { altKey: true }, 'KeyN'))).toBe('Alt+N');
    expect(pressed(press('?', { shiftKey: true }))).toBe('?');
    for (const none of [press('k'), press('Control', { ctrlKey: true }), press('F5'), press('Enter', { ctrlKey: true }), press('K', { shiftKey: true })]) expect(pressed(none)).toBeNull();
    expect(ownKeys.fault('tasks', 'Mod+K', [])).toEqual({ why: 'taken', by: 'commands' });
    expect(ownKeys.fault('tasks', 'Mod+Shift+T', [])).toEqual({ why: 'browser' });
    expect(ownKeys.fault('tasks', 'Mod+B', ['mod-b'])).toEqual({ why: 'text' });
    ownKeys.set('tasks', 'Mod+J');
    ownKeys.set('commands', '');
    expect([commands.keysOf('tasks'), commands.keysOf('commands'), ownKeys.fault('people', 'Mod+K', [])]).toEqual(['Mod+J', '', null]);
    expect(ownKeys.all()).not.toContain('Mod+K');
    ownKeys.set('tasks', COMMANDS.tasks);
    expect(ownKeys.any).toBe(true);
    ownKeys.reset();
    expect([ownKeys.any, ownKeys.of('commands')]).toEqual([false, 'Mod+K']);
  });

  test('keys fit exactly', () => {
    expect(fits('Mod+K', press('k', { ctrlKey: true }))).toBe(true);
    expect(fits('Mod+K', press('K', { metaKey: true }))).toBe(true);
    expect(fits('Mod+K', press('k', { ctrlKey: true, shiftKey: true }))).toBe(false);
    expect(fits('Mod+K', press('k'))).toBe(false);
    // What Alt and N write differs; where the key is does not.
    expect(fits('Alt+N', press('Dead', { altKey: true }, 'KeyN'))).toBe(true);
    expect(fits('Alt+1', press('¡', { altKey: true }, 'Digit1'))).toBe(true);
    expect(fits('?', press('?', { shiftKey: true }))).toBe(true);
    expect(fits('', press('a'))).toBe(false);
  });
});

describe('names', () => {
  const names = ['protocols/tris buffer.md', 'protocols/buffer.md', 'results/2026/bradford curve.md', 'box/butter knife effort.md'];
  const found = (letters: string, more?: (name: string) => number) => rank(letters, names, [(name) => name], more).map(({ item }) => item);

  test('that have the letters are found, the closest first', () => {
    expect(found('buffer').slice(0, 2).toSorted()).toEqual(['protocols/buffer.md', 'protocols/tris buffer.md']);
    expect(found('buffer').at(-1)).not.toBe('protocols/buffer.md');
    expect(found('brdfrd')).toEqual(['results/2026/bradford curve.md']);
    expect(found('curve 2026')).toEqual(['results/2026/bradford curve.md']);
    expect(found('xyz')).toEqual([]);
    expect(found(' ')).toEqual(names);
  });

  test('that were opened lately come before their equals, not before better ones', () => {
    const twins = ['a/note one.md', 'b/note one.md'];
    expect(rank('note', twins, [(name) => name], (name) => (name.startsWith('b') ? 1 : 0))[0]?.item).toBe('b/note one.md');
    expect(found('bradford', (name) => (name.startsWith('box') ? 1 : 0))[0]).toBe('results/2026/bradford curve.md');
  });

  test('show which letters were found', () => {
    expect(marked('abcd', [1, 2])).toEqual([{ text: 'a', hit: false }, { text: 'bc', hit: true }, { text: 'd', hit: false }]);
    expect(rank('buf', ['Buffer'], [(name) => name])[0]?.names).toEqual([[{ text: 'Buf', hit: true }, { text: 'fer', hit: false }]]);
  });

  test('are asked for by patterns that no letter breaks', () => {
    expect(patternsOf('')).toEqual([]);
    expect(patternsOf('ab')).toEqual(['**/*[aA]*[bB]*', '**/*[aA][bB]*/**']);
    expect(patternsOf('a b')).toContain('**/*[bB]*/**/*[aA]*');
    expect(patternsOf('[*{')[0]).toBe('**/*[[]*[*]*[{]*');
  });
});

describe('a search line', () => {
  const known = learnt(
    [
      { path: 'wet/pcr/a.md', properties: { status: 'in progress', type: 'protocol', tags: ['x'], n: 3 }, tags: ['x'] },
      { path: 'wet/b.md', properties: { status: 'done', type: ['protocol', 'draft'], deep: { a: 1 } }, tags: [] },
    ],
    ['wet/pcr', 'dry'],
  );
  const offers = (line: string, caret = line.length) => offersFor(pieceAt(line, caret), known).map(({ text }) => text);

  test('offers operators and properties, then what there is of each', () => {
    expect(offers('sta')).toEqual(['status:']);
    expect(offers('buffer -ty')).toEqual(['-type:']);
    expect(offers('status:')).toEqual(['status:"in progress"', 'status:done']);
    expect(offers('status:"in p')).toEqual(['status:"in progress"']);
    expect(offers('tag:pcr')).toEqual(['tag:wet/pcr']);
    expect(offers('in:')).toEqual(['in:wet', 'in:wet/pcr']);
    expect(offers('type:protocol')).toEqual([]);
    expect(offers('deep:')).toEqual([]);
    expect(offers('')).toEqual([]);
    expect(offers('sta tag:d', 3)).toEqual(['status:']);
  });

  test('takes an offer in the place of its piece alone', () => {
    const line = 'a tag:d z';
    const piece = pieceAt(line, 7);
    expect(taken(line, piece, { text: 'tag:dry', done: true })).toEqual({ line: 'a tag:dry z', caret: 10 });
    expect(taken('sta', pieceAt('sta', 3), { text: 'status:', done: false })).toEqual({ line: 'status:', caret: 7 });
  });
});

describe('the place in a text', () => {
  const text = '# Lamp\n\nlamp one\n\nThe mercury lamp\nneeds [[Buffer]] (10 min).\n\n## Last part\n';
  const at = (spot: Parameters<typeof spotIn>[1]) => {
    const found = spotIn(text, spot);
    return found && [text.slice(0, found.from).split('\n').length, text.slice(found.from, found.to)];
  };
  test('is where a search found it, not where the word stands first', () => {
    expect(at({ found: [{ text: '… The mercury ', hit: false }, { text: 'lamp', hit: true }, { text: ' needs [[Buffer]] (10', hit: false }] })).toEqual([5, 'lamp']);
    // By now the text around it is another one.
    expect(at({ found: [{ text: 'gone ', hit: false }, { text: 'MERCURY', hit: true }] })).toEqual([5, 'mercury']);
    expect(at({ found: [{ text: 'gone', hit: true }] })).toBeNull();
    expect(at({ found: [] })).toBeNull();
  });
  test('is a line with what stands in it, or a heading', () => {
    expect(at({ line: 6, says: '[[Buffer]]' })).toEqual([6, '[[Buffer]]']);
    expect(at({ line: 6, says: 'gone' })).toEqual([6, '']);
    expect(at({ line: 99, says: '' })).toEqual([9, '']);
    expect(at({ heading: 'last-part' })).toEqual([8, '']);
    expect(at({ heading: 'none' })).toBeNull();
  });
});

describe('addresses', () => {
  test('of a search say the same when they are read', async () => {
    vi.stubGlobal('location', { hash: '' });
    vi.stubGlobal('window', { addEventListener: () => {} });
    const { links, parseRoute } = await import('../src/state/route.svelte');
    for (const query of ['', 'buffer', '"a/b" tag:x/y -not & more = 100 % ?#', 'ü 🧪']) {
      expect(parseRoute(links.search(query, 'lab'))).toEqual({ page: 'search', query, notebook: 'lab' });
    }
    expect(parseRoute(links.search('a'))).toEqual({ page: 'search', query: 'a', notebook: null });
    expect(parseRoute('#/search')).toEqual({ page: 'search', query: '', notebook: null });
  });
});

test('why a hit is one: where nothing that is shown says it, its tags or properties do', () => {
  const hit = (title: string, text: string, isHit = false) => ({ title, path: 'dir/a.md', snippet: [{ text, hit: isHit }] });
  expect(isElsewhere(hit('Animals', 'A lion'), 'zoo')).toBe(true);
  expect(isElsewhere(hit('Animals', 'A lion'), 'tag:zoo')).toBe(true);
  expect(isElsewhere(hit('Animals', 'lion', true), 'lion tag:zoo')).toBe(false);
  expect(isElsewhere(hit('Animals', 'A lion'), 'anim')).toBe(false);
  expect(isElsewhere(hit('Animals', 'A lion'), 'path:dir type:md')).toBe(false);
});
