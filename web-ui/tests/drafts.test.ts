import { ChangeSet } from '@codemirror/state';
import { describe, expect, test } from 'vitest';
import { type Draft, Drafts } from '../src/editor/drafts';
import { changesBetween, toText } from '../src/editor/rebase';

/** A browser's storage, and the pages that are open. */
function browser(room = Infinity) {
  const items = new Map<string, string>();
  const open = new Set<string>();
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    removeItem: (key: string) => void items.delete(key),
    setItem: (key: string, value: string) => {
      let size = key.length + value.length;
      for (const [other, text] of items) if (other !== key) size += other.length + text.length;
      if (size > room) throw new Error('no room');
      items.set(key, value);
    },
  };
  const page = (name: string) => {
    open.add(`codex.page.${name}`);
    return new Drafts({ storage, keys: () => [...items.keys()], locks: async () => new Set(open), page: name });
  };
  return { items, page, close: (name: string) => open.delete(`codex.page.${name}`) };
}

const draft = (base: string, text: string, etag = '"v1"'): Draft => ({
  notebook: 'lab', entry: 'e1', path: 'a.md', etag, shape: { bom: false, crlf: false },
  base: toText(base), sent: null, typed: changesBetween(base, text),
});
const textOf = ({ base, sent, typed }: Draft) => typed.apply(sent ? sent.apply(base) : base).toString();

describe('drafts', () => {
  test('a closed page’s draft is taken by the next one, once', async () => {
    const { items, page, close } = browser();
    page('one').keep(draft('a\n', 'a\nb\n'));
    const two = page('two');
    expect(await two.takeOrphans({ except: null })).toEqual([]);
    close('one');
    const [taken] = await two.takeOrphans({ except: null });
    expect(taken && textOf(taken)).toBe('a\nb\n');
    expect(await page('three').takeOrphans({ except: null })).toEqual([]);
    two.drop('lab', 'e1');
    expect(items.size).toBe(0);
  });

  test('what was sent and what was typed since then stay apart', async () => {
    const { page, close } = browser();
    const sent = changesBetween('a\n', 'a\nsent\n');
    page('one').keep({ ...draft('a\n', 'a\n'), sent, typed: changesBetween('a\nsent\n', 'a\nsent\nsince\n') });
    close('one');
    const [taken] = await page('two').takeOrphans({ notebook: 'lab', entry: 'e1' });
    expect(taken?.sent?.apply(taken.base).toString()).toBe('a\nsent\n');
    expect(taken && textOf(taken)).toBe('a\nsent\nsince\n');
  });

  test('the text it was made from is stored once for each version', async () => {
    const { items, page } = browser();
    const one = page('one');
    const base = 'x'.repeat(10_000);
    for (let n = 1; n < 20; n += 1) one.keep(draft(base, `${base}${'y'.repeat(n)}`));
    const sizes = [...items.values()].map((value) => value.length).sort((a, b) => a - b);
    expect(sizes).toHaveLength(2);
    expect(sizes[0]).toBeLessThan(300);
    one.keep(draft('newer\n', 'newer\nz\n', '"v2"'));
    expect(items.size).toBe(2);
  });

  test('without room the answer is no, and the draft before stays', async () => {
    const { page, close } = browser(1500);
    const one = page('one');
    expect(one.keep(draft('a\n', 'a\nb\n'))).toBe(true);
    expect(one.keep(draft('a\n', `a\n${'b'.repeat(2000)}\n`))).toBe(false);
    close('one');
    const [taken] = await page('two').takeOrphans({ except: null });
    expect(taken && textOf(taken)).toBe('a\nb\n');
  });

  test('a damaged draft is left alone', async () => {
    const { items, page, close } = browser();
    page('one').keep({ ...draft('a\n', 'a\nb\n'), typed: ChangeSet.empty(99) });
    items.set('codex.draft/lab/e2/gone', '{');
    close('one');
    expect(await page('two').takeOrphans({ except: null })).toEqual([]);
  });
});
