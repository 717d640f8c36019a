/** Days, tasks and their lines: what is reckoned without a page. */
import { describe, expect, test } from 'vitest';
import type { TaskItem, Template } from '../src/api/planning';
import type { Notice } from '../src/api/types';
import { dueWords } from '../src/i18n/day-words';
import { addDays, addMonths, dayOf, dueDay, isDay, monthGrid, nextDay, untilMidnight, weekEnd } from '../src/state/days';
import { type Draft, type JotPorts, Jotting, tagsOf } from '../src/state/jot';
import { type Mark, concerns, visited } from '../src/state/marks';
import { asTemplate, dayGlob, dayReader, filled, inOrder as templatesInOrder, nameOf, needsTitle, pathOf } from '../src/state/templates';
import { boxOf, lineOfTask, nameOnLine, plainText, withAssignee, withDue, withTask, withTaskText } from '../src/state/task-text';
import { type Wanted, EVERYTHING, fits, inOrder, isMine, queryOf, rowsOf, wantedOf, whenOf } from '../src/state/tasks';

function inZone<T>(zone: string, work: () => T): T {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

const item = (given: Partial<TaskItem>): TaskItem => ({
  id: `nb~e~${given.line ?? 0}~v`, notebook: 'nb', entry: 'e', path: 'a.md', entry_title: 'A', version: 'v', kind: 'box', line: 1, text: '', title: '', done: false, overdue: false, tags: [], ...given,
});

describe('a day', () => {
  test('is that of whoever looks', () => {
    const at = new Date('2026-11-27T23:30:00Z');
    expect(inZone('UTC', () => dayOf(at))).toBe('2026-11-27');
    expect(inZone('Asia/Tokyo', () => dayOf(at))).toBe('2026-11-28');
    expect(inZone('America/Los_Angeles', () => dayOf(at))).toBe('2026-11-27');
  });

  test('something due at a moment is due on the day that it is here; without a zone, on the day that is written', () => {
    expect(inZone('Asia/Tokyo', () => dueDay('2026-11-27T23:30:00Z'))).toBe('2026-11-28');
    expect(inZone('America/Los_Angeles', () => dueDay('2026-11-28T01:00:00+01:00'))).toBe('2026-11-27');
    for (const zone of ['Asia/Tokyo', 'America/Los_Angeles']) {
      expect(inZone(zone, () => [dueDay('2026-11-27'), dueDay('2026-11-27T23:30'), dueDay('2026-11-27 08:00')])).toEqual(Array(3).fill('2026-11-27'));
    }
  });

  test('ends at midnight, also where the clocks are changed', () => {
    expect(inZone('Europe/Berlin', () => untilMidnight(new Date('2026-03-29T00:30:00+01:00')))).toBe(22.5 * 3_600_000);
    expect(inZone('Europe/Berlin', () => untilMidnight(new Date('2026-10-25T00:30:00+02:00')))).toBe(24.5 * 3_600_000);
  });

  test('is reckoned over the ends of months, years and summers', () => {
    for (const zone of ['Europe/Berlin', 'Pacific/Apia', 'America/Sao_Paulo']) {
      inZone(zone, () => {
        expect(addDays('2026-03-28', 1)).toBe('2026-03-29');
        expect(addDays('2026-03-29', 1)).toBe('2026-03-30');
        expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
        expect(addDays('2028-03-01', -1)).toBe('2028-02-29');
        expect(weekEnd('2026-11-27')).toBe('2026-11-29');
        expect(weekEnd('2026-11-29')).toBe('2026-11-29');
        expect(addMonths('2026-01', -1)).toBe('2025-12');
      });
    }
    expect([isDay('2026-02-29'), isDay('2026-02-28'), isDay('2026-2-1'), isDay('soon')]).toEqual([false, true, false, false]);
  });

  test('a month is whole weeks from Monday to Sunday', () => {
    const { weeks } = monthGrid('2026-11');
    expect(weeks).toHaveLength(6);
    expect(weeks[0]).toEqual([null, null, null, null, null, null, '2026-11-01']);
    expect(weeks.flat().filter((day) => day !== null)).toHaveLength(30);
    expect(monthGrid('2027-02').weeks).toHaveLength(4);
  });

  test('the next one is the next with a note, or today', () => {
    const noted = new Set(['2026-11-20', '2026-11-25']);
    const next = (day: string, by: 1 | -1) => nextDay(day, by, noted, '2026-11-27');
    expect([next('2026-11-27', -1), next('2026-11-25', -1), next('2026-11-20', -1)]).toEqual(['2026-11-25', '2026-11-20', null]);
    expect([next('2026-11-20', 1), next('2026-11-25', 1), next('2026-11-27', 1)]).toEqual(['2026-11-25', '2026-11-27', null]);
  });

  test('is said as seen from today', () => {
    expect(dueWords('2026-11-27', '2026-11-27')).toBe('Today');
    expect(dueWords('2026-11-28T09:30', '2026-11-27')).toBe('Tomorrow, 09:30');
    expect(dueWords('2027-01-02', '2026-11-27')).toBe('Jan 2, 2027');
  });
});

describe('the list of tasks', () => {
  const today = '2026-11-27';

  test('groups by when, and the week ends on Sunday', () => {
    const whens = (due: string | null, done = false) => whenOf(item({ due, done }), today);
    expect([whens('2026-11-26'), whens(today), whens(`${today}T08:00`), whens('2026-11-29'), whens('2026-11-30'), whens(null), whens('2026-11-20', true)])
      .toEqual(['overdue', 'today', 'today', 'week', 'later', 'none', 'done']);
    // What was due today is overdue when midnight has passed.
    expect(whenOf(item({ due: today }), addDays(today, 1))).toBe('overdue');
  });

  test('has each task under the head of its group, what has none last', () => {
    const tasks = [item({ line: 1, due: '2026-12-24', assignee: 'Zoe' }), item({ line: 2, tags: ['b', 'a'] }), item({ line: 3, due: '2026-11-01', assignee: 'ada', entry: 'f', path: 'B.md' })];
    const heads = (by: Wanted['by']) => rowsOf(tasks, by, today).map((row) => (row.is === 'group' ? `${row.group} ${row.count}` : row.task.line));
    expect(heads('due')).toEqual(['overdue 1', 3, 'later 1', 1, 'none 1', 2]);
    expect(heads('who')).toEqual(['ada 1', 3, 'zoe 1', 1, ' 1', 2]);
    expect(heads('entry')).toEqual(['nb/e 2', 1, 2, 'nb/f 1', 3]);
    expect(heads('tag')).toEqual(['a 1', 2, 'b 1', 2, ' 2', 1, 3]);
    for (const by of ['due', 'who', 'entry', 'tag'] as const) {
      const keys = rowsOf(tasks, by, today).map(({ key }) => key);
      expect(new Set(keys).size, by).toBe(keys.length);
    }
  });

  test('is in the daemon’s order when one entry is read anew', () => {
    const tasks = [item({ line: 9, done: true }), item({ line: 2 }), item({ line: 1 }), item({ line: 5, due: '2026-12-01' }), item({ line: 4, due: '2026-11-01' })];
    expect(inOrder(tasks).map(({ line }) => line)).toEqual([4, 5, 1, 2, 9]);
  });

  test('is kept in the address as it is looked at', () => {
    const wanted: Wanted = { ...EVERYTHING, status: 'all', who: 'me', path: 'Lab & co/ä', text: 'a=b', by: 'entry' };
    expect(wantedOf(queryOf(wanted))).toEqual(wanted);
    expect(queryOf(EVERYTHING)).toBe('');
    expect(wantedOf('status=perhaps&by=size')).toEqual(EVERYTHING);
  });

  test('knows what is mine, however the name is written in a line', () => {
    for (const name of ['Ada Lovelace', 'ada-lovelace', 'AdaLovelace', 'ada_lovelace', 'Ada']) expect(isMine(name, 'Ada Lovelace'), name).toBe(true);
    for (const name of ['Lovelace', 'Adam', '', null]) expect(isMine(name, 'Ada Lovelace'), String(name)).toBe(false);
    expect(isMine('Ada', '')).toBe(false);
    expect(fits(item({ assignee: 'Bob' }), { ...EVERYTHING, who: 'me' }, ['Ada'])).toBe(false);
    expect(fits(item({}), { ...EVERYTHING, who: 'none' }, ['Ada'])).toBe(true);
    expect(fits(item({ done: true }), EVERYTHING, ['Ada'])).toBe(false);
  });
});

describe('a task in a text', () => {
  test('a box is found as the daemon finds it', () => {
    expect(boxOf('  1. [x] two words \r')).toEqual({ done: true, from: 9, text: 'two words' });
    expect(boxOf('> - [ ]   quoted')).toMatchObject({ done: false, text: 'quoted' });
    for (const line of ['- [ ]no', '[ ] no', '- [y] no', 'text - [ ] no']) expect(boxOf(line), line).toBeNull();
  });

  test('its line is where it was, or the one line that says the same, or nobody knows', () => {
    expect(lineOfTask(['- [ ] a', '- [ ] b'], 2, 'b')).toBe(1);
    expect(lineOfTask(['new', '- [ ] a', '- [x] b'], 2, 'b')).toBe(2);
    expect(lineOfTask(['new', '- [ ] b', '- [ ] b'], 1, 'b')).toBeNull();
    expect(lineOfTask(['- [ ] other'], 1, 'b')).toBeNull();
  });

  test.each([
    ['boil', '2026-12-01', 'boil due:2026-12-01'],
    ['boil due:2026-11-01 @Ada  #wet', '2026-12-01', 'boil due:2026-12-01 @Ada  #wet'],
    ['📅 2026-11-01 boil', '2026-12-01', '📅 2026-12-01 boil'],
    ['boil 📅2026-11-01T10:00', '2026-12-01', 'boil 📅2026-12-01'],
    ['boil due:soon', '2026-12-01', 'boil due:soon due:2026-12-01'],
    ['boil due:2026-11-01 @Ada', null, 'boil @Ada'],
    ['due:2026-11-01 boil 📅 2026-11-02 it', null, 'boil it'],
    ['boil', null, 'boil'],
  ])('when: %s → %s', (text, due, expected) => {
    expect(withDue(text, due)).toBe(expected);
  });

  test.each([
    ['boil', 'Ada', 'boil @Ada'],
    ['ask @Bob, then boil @Eve', 'Ada', 'ask @Ada, then boil @Eve'],
    ['boil @Bob due:2026-11-01', null, 'boil due:2026-11-01'],
    ['mail a@b.org @', 'Ada', 'mail a@b.org @ @Ada'],
    ['boil', null, 'boil'],
  ])('who: %s → %s', (text, name, expected) => {
    expect(withAssignee(text, name)).toBe(expected);
  });

  test('a name takes no space in a line', () => expect(nameOnLine(' @Ada  Lovelace ')).toBe('Ada-Lovelace'));

  test('nothing else of the text changes', () => {
    const text = '---\na: 1\n---\r\n  - [ ]  boil \t\r\n```\n- [ ] code\n';
    expect(withTaskText(text, 3, (said) => `${said}!`)).toBe('---\na: 1\n---\r\n  - [ ]  boil! \t\r\n```\n- [ ] code\n');
    expect(withTaskText(text, 0, () => 'x')).toBe(text);
  });

  test.each([
    ['in the box that waits for one', '# Day\n\n- [ ]\n\n## Done\n', '# Day\n\n- [ ] new\n\n## Done\n'],
    ['behind the last task', '- [ ] a\n  * [x] b\n\ntext\n', '- [ ] a\n  * [x] b\n  * [ ] new\n\ntext\n'],
    ['with the next number', '1. [ ] a\n', '1. [ ] a\n2. [ ] new\n'],
    ['at the end', 'text', 'text\n\n- [ ] new\n'],
    ['at the end, behind a line that is empty already', 'text\n\n', 'text\n\n- [ ] new\n'],
    ['in an empty text', '', '- [ ] new\n'],
    ['not among code', '```\n- [ ]\n- [ ] code\n```\n', '```\n- [ ]\n- [ ] code\n```\n\n- [ ] new\n'],
    ['not in the head', '---\nlist:\n  - [ ]\n---\n', '---\nlist:\n  - [ ]\n---\n\n- [ ] new\n'],
    ['with the line ends of the text', '- [ ] a\r\n', '- [ ] a\r\n- [ ] new\r\n'],
  ])('one more comes %s', (_, text, expected) => {
    expect(withTask(text, 'new')).toBe(expected);
  });

  test('is said in a list without its marks', () => {
    expect(plainText('read **this** [paper](x.pdf) about [[Note|the note]], [[Other]] and `code` 2*3*4 a_b_c')).toBe('read this paper about the note, Other and code 2*3*4 a_b_c');
  });
});

describe('a template', () => {
  const made = (given: Partial<Template>): Template => ({ id: 'x', name: 'Gel', content: '', ...given });

  test('is shown as the daemon fills it', () => {
    // The daemon’s own test of this (`fill.rs`).
    const text = '{yyyy}/{YYYY} {yy} {mm}{MM} {dd}{DD} {month} {mon} {Mon} {title} {other} {{ today }} { {';
    expect(filled(text, '2026-02-09', 'T')).toBe('2026/2026 26 0202 0909 February Feb Feb T {other} {{ today }} { {');
    expect(nameOf('{yyyy} {title}.md', '2026-02-09', '../a/b: c?.')).toBe('2026 -a-b- c-.md');
    expect(filled('{title}', '2026-02-09', '$& {dd}')).toBe('$& {dd}');
  });

  test('of a note comes before those of views', () => {
    const all = [made({ id: 'v', default_name: '{title}.cdx' }), made({ id: 'a', file_extension: 'cdx' }), made({ id: 'n' }), made({ id: 'm', default_name: 'x.md' })];
    expect(templatesInOrder(all).map(({ id }) => id)).toEqual(['n', 'm', 'v', 'a']);
  });

  test('says where an entry made of it will be', () => {
    expect(pathOf(made({ default_name: 'Daily/{yyyy}-{mm}-{dd}.md' }), 'a/b', '2026-02-09', '')).toBe('a/b/Daily/2026-02-09.md');
    expect(pathOf(made({ default_name: '{title}.csv' }), '', '2026-02-09', '')).toBe('Gel.csv');
    expect([needsTitle(made({ default_name: 'x.md' })), needsTitle(made({}))]).toEqual([false, true]);
  });

  test('made of an entry keeps all but its title and its day, its own head too', () => {
    const text = '---\ntitle: PCR 7\ndate: 2025-03-04\n---\n# PCR 7\n';
    const { path, content } = asTemplate(text, 'runs/PCR 7.md', { name: 'PCR "quick"', description: '', icon: '🧪' }, { title: 'PCR 7', day: '2025-03-04' });
    expect(path).toBe('.templates/pcr-quick.md');
    expect(content).toBe('---\ntype: template\nname: "PCR \\"quick\\""\nicon: "🧪"\nfile_extension: ".md"\ndefault_name: "{title}.md"\n---\n\n---\ntitle: {title}\ndate: {yyyy}-{mm}-{dd}\n---\n# {title}\n');
    expect(asTemplate(text, 'a.csv', { name: 'x', description: '', icon: '' }, null).content.endsWith(`default_name: "{title}.csv"\n---\n\n${text}`)).toBe(true);
  });

  test.each([
    ['Daily/{yyyy}-{mm}-{dd}.md', 'Daily/2026-12-01.md', '2026-12-01'],
    ['Daily/{yyyy}-{mm}-{dd}.md', 'Other/2026-12-01.md', null],
    ['{yyyy}/{mm}/{yyyy}-{mm}-{dd} log.md', '2026/12/2026-12-01 log.md', '2026-12-01'],
    ['{yyyy}/{mm}/{yyyy}-{mm}-{dd} log.md', '2026/11/2026-12-01 log.md', null],
    ['Log ({dd} {month} {YYYY}).md', 'Log (01 December 2026).md', '2026-12-01'],
    ['{dd}{mon}{yy}.md', '01Dec26.md', '2026-12-01'],
    ['{title}.md', '2026-12-01.md', '2026-12-01'],
  ])('of days, %s: %s is of %s', (pattern, path, day) => {
    expect(dayReader(pattern)?.(path)).toBe(day);
  });

  test('of weeks tells no days', () => expect(dayReader('{yyyy}-{mm}.md')).toBeNull());
  test('is looked for by a glob', () => expect(dayGlob('Log [a]/{yyyy}-{mm} ({dd}).md')).toBe('Log ?a?/*-* (*).md'));
});

describe('marks', () => {
  const mark = (entry: string, path = `${entry}.md`): Mark => ({ notebook: 'nb', entry, path, title: '', kind: 'text' });

  test('what was opened last comes first, once, and the list has an end', () => {
    const recent = visited([mark('a'), mark('b')], mark('b', 'new.md'));
    expect(recent.map(({ path }) => path)).toEqual(['new.md', 'a.md']);
    let long: Mark[] = [];
    for (let at = 0; at < 100; at += 1) long = visited(long, mark(String(at)));
    expect(long).toHaveLength(30);
  });

  test('are looked at again when something happens to them or around them', () => {
    const notice = (given: Partial<Notice>): Notice => ({ number: 1, type: 'entry.moved', notebook: 'nb', ...given });
    const one = mark('a', 'box/deep/a.md');
    expect(concerns(notice({ entry: 'a', path: 'x.md' }), one)).toBe(true);
    expect(concerns(notice({ entry: 'f', path: 'case', old_path: 'box' }), one)).toBe(true);
    expect(concerns(notice({ entry: 'f', path: 'bo', old_path: 'box/de' }), one)).toBe(false);
    expect(concerns(notice({ entry: 'a', notebook: 'other' }), one)).toBe(false);
    expect(concerns(notice({ entry: 'a', type: 'peer' }), one)).toBe(false);
  });
});

describe('a jotting', () => {
  /** A browser with its storage and its locks. */
  function browser() {
    const kept = new Map<string, string>();
    const held = new Set<string>();
    let ids = 0;
    const ports: JotPorts = {
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) },
      keys: () => [...kept.keys()],
      hold: async (name) => {
        if (held.has(name)) return null;
        held.add(name);
        return () => void held.delete(name);
      },
      id: () => String((ids += 1)),
    };
    return { ports, kept, held };
  }
  const saying = (content: string, draft: Draft): Draft => ({ ...draft, content });

  test('that was left is gone on with, once, and by no form while another one is at it', async () => {
    const { ports } = browser();
    const first = await Jotting.open(ports, 'nb');
    first.keep(saying('a thought', first.draft));
    const second = await Jotting.open(ports, 'nb');
    expect(second.draft.content).toBe('');
    second.keep(saying('another', second.draft));
    first.close();
    const third = await Jotting.open(ports, 'nb');
    expect(third.draft.content).toBe('a thought');
    second.close();
    expect((await Jotting.open(ports, 'nb')).draft.content).toBe('another');
    expect((await Jotting.open(ports, 'nb')).draft.content).toBe('');
  });

  test('that the daemon has is not offered again; the next goes where it went', async () => {
    const { ports, kept } = browser();
    const one = await Jotting.open(ports, 'nb');
    one.keep({ ...one.draft, content: 'x', folder: 'Thoughts' });
    one.done({ ...one.draft, content: 'x', folder: 'Thoughts' });
    one.close();
    expect([...kept.keys()]).toEqual(['codex.jotted']);
    expect((await Jotting.open(ports, 'nb')).draft).toEqual({ content: '', title: '', tags: '', notebook: 'nb', folder: 'Thoughts' });
    expect((await Jotting.open(ports, 'other')).draft).toMatchObject({ notebook: 'other', folder: '' });
  });

  test('that cannot be kept says so, and what lies there broken is left alone', async () => {
    const { ports, kept } = browser();
    kept.set('codex.jot.0', '{"content": 7').set('codex.jot.00', '[]');
    ports.storage.setItem = () => {
      throw new Error('full');
    };
    const one = await Jotting.open(ports, 'nb');
    expect(one.draft.content).toBe('');
    expect(one.keep(saying('x', one.draft))).toBe(false);
    expect(kept.get('codex.jot.0')).toBe('{"content": 7');
  });

  test('has tags as they are written', () => expect(tagsOf(' #a, b  a #lab/wet ')).toEqual(['a', 'b', 'lab/wet']));
});
