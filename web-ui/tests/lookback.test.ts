/** Looking back: what is made of the daemon's answers about versions. */
import { describe, expect, test } from 'vitest';
import type { Activity, Hunk, Line } from '../src/api/lookback';
import type { SealItem, VersionRow } from '../src/api/types';
import { dayKey, dayName, exactTime, spanTime } from '../src/i18n/days';
import { days, fits, onTopOf } from '../src/lookback/happened';
import { signerName } from '../src/state/names';
import { firstLines, onTop, pairs, sealsOf, skippedBefore, versionLines, withNow } from '../src/lookback/rows';

const line = (change: Line['change'], text: string): Line => ({ change, words: [{ text, differs: change !== 'same' }], unended: false });
const texts = (hunk: Line[]) => pairs({ lines: hunk }).map(({ left, right }) => [left, right].map((each) => each?.words[0]?.text ?? null));
const row = (version: string): VersionRow => ({ version, device: 'd', device_name: null, time: '2026-01-01T00:00:00Z', did: ['edited'] });
const hunk = (old: number, lines: Line[], count = lines.length): Hunk => ({ old_start: old, old_lines: count, new_start: old, new_lines: count, lines });

describe('both sides of a change', () => {
  test('what was removed stands beside what was added in its place, and every line stands once', () => {
    expect(texts([line('same', 'a'), line('removed', 'b'), line('removed', 'c'), line('added', 'B'), line('same', 'd'), line('added', 'e')])).toEqual([
      ['a', 'a'], ['b', 'B'], ['c', null], ['d', 'd'], [null, 'e'],
    ]);
    expect(texts([line('added', 'x'), line('removed', 'y')])).toEqual([[null, 'x'], ['y', null]]);
  });

  test('lines that are not shown are counted, before the first and between two', () => {
    const [first, second] = [hunk(5, [line('same', 'a')], 3), hunk(20, [line('same', 'b')], 1)];
    expect(skippedBefore(first, undefined)).toBe(4);
    expect(skippedBefore(second, first)).toBe(12);
  });

  test('of very many lines the first are shown, and none is forgotten', () => {
    const hunks = [hunk(1, [line('added', 'a'), line('added', 'b')]), hunk(9, [line('added', 'c'), line('added', 'd')]), hunk(19, [line('added', 'e')])];
    for (const most of [0, 1, 2, 3, 4, 5, 100]) {
      const { hunks: shown, left } = firstLines(hunks, most);
      const count = shown.reduce((sum, each) => sum + each.lines.length, 0);
      expect(count).toBe(Math.min(most, 5));
      expect(count + left).toBe(5);
    }
  });
});

describe('a history', () => {
  test('says when to the second, and the year only of another one', () => {
    const now = new Date(2026, 5, 1);
    const iso = (year: number, minute: number) => new Date(year, 0, 2, 3, minute, 5).toISOString();
    expect(exactTime(iso(2026, 4), now)).toMatch(/04:05/);
    expect(exactTime(iso(2026, 4), now)).not.toContain('2026');
    expect(exactTime(iso(2025, 4), now)).toContain('2025');
    expect(spanTime(iso(2026, 4), iso(2026, 6), now)).toMatch(/:04.+:06/);
    expect(spanTime(iso(2026, 6), iso(2026, 4), now)).toBe(exactTime(iso(2026, 4), now));
    expect([exactTime('x'), spanTime('x', 'y')]).toEqual(['', '']);
  });

  test('has what somebody wrote in one go in one line, in which each version can be shown', () => {
    const at = (minute: number, over: Partial<VersionRow> = {}): VersionRow => ({ ...row(`v${minute}`), time: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(), ...over });
    const rows = [at(40), at(39), at(38), at(37, { device: 'other' }), at(30), at(20), at(19), at(18), at(17, { did: ['edited', 'renamed'] }), at(16), at(0, { did: ['created'] })];
    const shown = (open: string[] = [], chosen = 0, sealed: string[] = []) =>
      versionLines(rows, new Map(sealed.map((each) => [each, []])), new Set(open), chosen).map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(' ');
    expect(shown()).toBe('0-2 3 4 5-7 8 9 10');
    expect(shown(['v18'])).toBe('0-2 3 4 5 6 7 8 9 10');
    // What is sealed stands alone, and what is chosen is seen.
    expect(shown([], 0, ['v19'])).toBe('0-2 3 4 5 6 7 8 9 10');
    expect(shown([], 6)).toBe('0-2 3 4 5 6 7 8 9 10');
    expect(shown([], 5)).toBe('0-2 3 4 5-7 8 9 10');
  });

  test('that grew is put together without a gap or a row twice; without a common row it is read anew', () => {
    const versions = (rows: VersionRow[] | null) => rows?.map((each) => each.version).join('') ?? null;
    expect(versions(onTop([row('d'), row('c'), row('b')], [row('b'), row('a')]))).toBe('dcba');
    expect(versions(onTop([row('b'), row('a')], [row('b'), row('a')]))).toBe('ba');
    expect(versions(onTop([row('z')], [row('b')]))).toBeNull();
    expect(versions(onTop([row('z')], []))).toBe('z');
  });

  test('shows what several devices wrote at once as one newest state', () => {
    const merged = withNow([row('b'), row('c')], { version: 'b.c', modified: '2026-01-02' });
    expect(merged.map((each) => each.version)).toEqual(['b.c', 'b', 'c']);
    expect(withNow([row('b')], { version: 'b', modified: '' })).toHaveLength(1);
    expect(withNow([row('b')], null)).toHaveLength(1);
  });

  test('knows each version’s seals', () => {
    const seal = (id: string, version: string) => ({ id, version }) as SealItem;
    const found = sealsOf([seal('1', 'a'), seal('2', 'b'), seal('3', 'a')], [row('c'), row('b'), row('a')]);
    expect(found.get('a')?.map((each) => each.id)).toEqual(['1', '3']);
    expect(found.get('c')).toBeUndefined();
  });

  test('shows the seal of a state of several versions once, also when it is not the newest any more', () => {
    const seals = [{ id: '1', version: 'a.b' } as SealItem];
    const where = (...versions: string[]) => [...sealsOf(seals, versions.map(row))].map(([version]) => version);
    expect(where('a.b', 'b', 'a')).toEqual(['a.b']);
    expect(where('c', 'b', 'a')).toEqual(['b']);
  });

  test('names whoever signed by more than a name that is not theirs alone', () => {
    expect(signerName({ who: 'Ann (3fae-2dc2-00aa-91b7)', fingerprint: '3fae-2dc2-00aa-91b7' }, 'nobody')).toBe('Ann (3fae-2dc2-00aa-91b7)');
    expect(signerName({ who: null, fingerprint: '3fae-2dc2-00aa-91b7' }, 'nobody')).toBe('nobody (3fae-2dc2-00aa-91b7)');
  });
});

describe('what happened', () => {
  const done = (time: string, what: Partial<Activity> = {}): Activity => ({
    notebook: 'n', device: 'd', device_name: null, time, since: time, about: 'entry', did: ['edited'], entry_count: 1, changes: 1, words: null,
    entries: [{ entry: time, path: 'Growth/a.md', deleted: false, version: 'v' }], ...what,
  });

  test('stands in days, one after the other', () => {
    const found = days([done('2026-03-02T12:00:00'), done('2026-03-02T11:00:00'), done('2026-03-01T12:00:00')]);
    expect(found.map((day) => [day.key, day.lines.length])).toEqual([['2026-03-02', 2], ['2026-03-01', 1]]);
    const now = new Date(2026, 2, 3);
    expect([dayName('2026-03-03', now), dayName('2026-03-02', now), dayName('2026-03-01', now)]).toEqual(['Today', 'Yesterday', 'Sunday, March 1, 2026']);
    expect(dayName(dayKey('nonsense'), now)).toBe('');
  });

  test('is read again from the top: a line that has grown is there once, and nothing older goes', () => {
    const entries = [{ entry: 'e', path: 'a.md', deleted: false, version: 'v' }];
    const before = done('2026-03-02T10:00:00', { entries, since: '2026-03-02T09:50:00' });
    const grown = { ...before, time: '2026-03-02T10:10:00', changes: 2 };
    const other = done('2026-03-02T10:05:00');
    const old = done('2026-03-01T10:00:00');
    expect(onTopOf([grown, other], [other, before, old])).toEqual([grown, other, old]);
    expect(onTopOf([], [old])).toEqual([]);
  });

  test('is chosen by person, by what it is about, and by path', () => {
    const any = { devices: null, about: '', path: '' };
    const line = done('2026-03-02T10:00:00');
    expect(fits(line, any)).toBe(true);
    expect(fits(line, { ...any, devices: new Set(['x']) })).toBe(false);
    expect(fits(line, { ...any, devices: new Set(['d', 'x']), about: 'entry', path: ' growth/ ' })).toBe(true);
    expect(fits(line, { ...any, about: 'seal' })).toBe(false);
    expect(fits(done('t', { entries: [] }), { ...any, path: 'a' })).toBe(false);
  });
});
