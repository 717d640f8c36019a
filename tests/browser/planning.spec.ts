/** Planning: tasks of all notebooks, templates, notes of days, jottings, favourites. */
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { type Daemon, expect, test } from './world';

/** As the page reckons: by the calendar of this machine. */
function day(by = 0): string {
  const at = new Date();
  at.setDate(at.getDate() + by);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
}

const row = (page: Page, title: string) => page.locator('.task-row', { has: page.locator('.task-title', { hasText: new RegExp(`^${title}$`) }) });
const titles = (page: Page) => page.locator('.task-title').allTextContents();
const heads = async (page: Page) => (await page.locator('.task-group').allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim());

async function sound(page: Page): Promise<void> {
  expect(await barriers(page)).toEqual([]);
}

const lab = () => ({
  'plan.md': `---\ntags: [growth]\n---\n# Plan\n\n- [ ] late @Ada due:${day(-3)}\n- [ ] now due:${day()}\n- [ ] some day @Bob #wet\n- [x] over\n`,
  'lists/other.md': `# Other\n\n1. [ ] far off due:${day(60)}\n`,
  'lists/write up.md': `---\ntitle: Write up\ntype: task\nstatus: todo\n---\n# Write up\n`,
});

async function tasks(page: Page, daemon: Daemon, query = ''): Promise<void> {
  await daemon.open(page, `#/tasks${query}`);
  await page.waitForSelector('.task-row');
}

test('tasks of all notebooks are in one list, by when they are due', async ({ page, daemon }) => {
  await daemon.notebook(lab());
  await daemon.notebook({ 'b.md': '- [ ] elsewhere\n' }, 'second');
  await tasks(page, daemon);
  expect(await heads(page)).toEqual(['Overdue 1', 'Today 1', 'Later 1', 'No date 3']);
  expect(await titles(page)).toEqual(expect.arrayContaining(['late', 'now', 'far off', 'some day #wet', 'Write up', 'elsewhere']));
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await expect(row(page, 'over')).toBeVisible();
  expect((await heads(page)).at(-1)).toBe('Done 1');
  await page.getByLabel('Grouped by').selectOption('who');
  await expect(page.locator('.task-group').first()).toContainText('Ada');
  await page.getByLabel('Grouped by').selectOption('entry');
  await expect(page.locator('.task-group a', { hasText: 'Other' })).toBeVisible();
});

test('filters are kept in the address', async ({ page, daemon }) => {
  await daemon.notebook(lab());
  await daemon.notebook({ 'b.md': '- [ ] elsewhere\n' }, 'second');
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ada Lovelace', colour: '#17665f' });
  await tasks(page, daemon);
  await page.getByLabel('Whose').selectOption('me');
  await expect(page.locator('.task-row')).toHaveCount(1);
  await expect(row(page, 'late')).toBeVisible();
  await page.reload();
  await expect(row(page, 'late')).toBeVisible();
  await expect(page.locator('.task-row')).toHaveCount(1);
  await page.getByLabel('Whose').selectOption('');
  await page.getByLabel('Text', { exact: true }).fill('o');
  await page.getByLabel('Folder or entry').fill('lists');
  await page.keyboard.press('Enter');
  await expect.poll(() => titles(page)).toEqual(['far off']);
  await expect(page).toHaveURL(/path=lists/);
  await page.getByLabel('Text', { exact: true }).fill('nothing like it');
  await page.getByRole('button', { name: 'Drop all filters' }).click();
  await expect(row(page, 'elsewhere')).toBeVisible();
  await page.getByRole('button', { name: 'Tag growth' }).first().click();
  await expect(page.locator('.task-row')).toHaveCount(3);
});

test('a tick changes one character, is undone, and says who did it', async ({ page, daemon }) => {
  const folder = await daemon.notebook(lab());
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ada', colour: '#17665f' });
  const before = folder.read('plan.md');
  await tasks(page, daemon);
  await row(page, 'now').getByRole('checkbox').click();
  await folder.says('plan.md', before.replace('- [ ] now', '- [x] now'));
  await expect(row(page, 'now')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).first().click();
  await folder.says('plan.md', before);
  await expect(row(page, 'now')).toBeVisible();
  await row(page, 'Write up').getByRole('checkbox').click();
  await folder.says('lists/write up.md', /status: done/);
  await page.getByRole('button', { name: 'Done', exact: true }).click();
  await expect(row(page, 'Write up')).toContainText('done');
  await expect(row(page, 'over')).toBeVisible();
});

test('by keyboard alone: move, tick, undo, set when and who, go to the very line', async ({ page, daemon }) => {
  const folder = await daemon.notebook(lab());
  const before = folder.read('plan.md');
  await tasks(page, daemon);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press(' ');
  await folder.says('plan.md', before.replace('- [ ] now', '- [x] now'));
  await page.keyboard.press('Control+z');
  await folder.says('plan.md', before);
  await expect(row(page, 'now')).toBeVisible();
  await page.keyboard.press('Home');
  await page.keyboard.press('e');
  await page.getByRole('dialog').getByRole('button', { name: 'Tomorrow' }).press('Enter');
  await page.getByRole('dialog').getByLabel('Who').fill('Grace Hopper');
  await page.keyboard.press('Enter');
  await folder.says('plan.md', before.replace(`- [ ] late @Ada due:${day(-3)}`, `- [ ] late @Grace-Hopper due:${day(1)}`));
  await expect(page.getByRole('grid')).toBeFocused();
  await expect(row(page, 'late')).toContainText('Tomorrow');
  await expect(page.locator('.task-row.focused')).toContainText('late');
  await page.keyboard.press('Enter');
  await expect(page.locator('.cm-activeLine')).toContainText('late');
  await page.keyboard.press('End');
  await page.keyboard.type('!');
  await folder.says('plan.md', new RegExp(`late @Grace-Hopper due:${day(1)}!`));
});

test('the line of a task is found on the reading side too, and a second look begins where one left off', async ({ page, daemon }) => {
  const filler = Array.from({ length: 120 }, (_, at) => `Line ${at}.\n\n`).join('');
  await daemon.notebook({ 'long.md': `---\ntitle: Long\n---\n${filler}- [ ] far down\n\n${filler}` });
  await daemon.openEntry(page, 'lab', 'long.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await page.goto(`${daemon.url}/#/tasks`);
  await row(page, 'far down').locator('.task-title').click();
  const box = page.locator('.prose').getByRole('checkbox');
  await expect(box).toBeFocused();
  await expect(box).toBeInViewport();
  await expect(page).not.toHaveURL(/line=/);
});

test('an address leads to a line of an entry that is open already, and the cursor is where the line ends', async ({ page, daemon }) => {
  const filler = Array.from({ length: 120 }, (_, at) => `Line ${at}.\n\n`).join('');
  await daemon.notebook({ 'long.md': `first\n${filler}far down\n\n${filler}` });
  const place = `#/n/lab/e/${await daemon.entry('lab', 'long.md')}`;
  await daemon.open(page, `${place}?line=1`);
  await expect(page.locator('.cm-activeLine')).toHaveText('first');
  await page.evaluate((hash) => (location.hash = hash), `${place}?line=242`);
  await expect(page.locator('.cm-activeLine')).toHaveText('far down');
  await expect(page.locator('.cm-activeLine')).toBeInViewport();
  await expect(page).not.toHaveURL(/line=/);
  await page.keyboard.type('!');
  await expect(page.locator('.cm-activeLine')).toHaveText('far down!');
});

test('when and who of an entry that is a task are its properties', async ({ page, daemon }) => {
  const folder = await daemon.notebook(lab());
  await tasks(page, daemon);
  await row(page, 'Write up').hover();
  await row(page, 'Write up').getByRole('button', { name: /when/ }).click();
  await page.getByRole('dialog').getByLabel('Due').fill('2030-05-01');
  await page.getByRole('dialog').getByLabel('Who').fill('Ada Lovelace');
  await page.keyboard.press('Enter');
  await folder.says('lists/write up.md', /due_date: ["']?2030-05-01/);
  await folder.says('lists/write up.md', /assignee: Ada Lovelace/);
  await expect(row(page, 'Write up')).toContainText('1 May 2030');
});

test('a line that says something else by now is not touched', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': '- [ ] boil\n' });
  await tasks(page, daemon);
  await row(page, 'boil').hover();
  await row(page, 'boil').getByRole('button', { name: /when/ }).click();
  folder.write('a.md', '- [ ] cool\n');
  await expect(row(page, 'cool')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Today' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Set' }).click();
  await expect(page.getByRole('alert')).toContainText('nothing was changed');
  await folder.says('a.md', '- [ ] cool\n');
});

test('a task is added to today’s note, or to an entry, and the list follows what others do', async ({ page, daemon }) => {
  const folder = await daemon.notebook(lab());
  await tasks(page, daemon);
  const add = page.getByLabel('Add a task');
  await add.fill('Weigh due:2026-02-31');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('“2026-02-31” is no date.');
  await expect(add).toHaveValue('Weigh due:2026-02-31');
  folder.write('wrong.md', '- [ ] from elsewhere due:2026-02-31\n');
  await expect(row(page, 'from elsewhere due:2026-02-31')).toContainText('No such day');
  folder.remove(['wrong.md']);
  await add.fill('Weigh due:tomorrow @Ada');
  await page.keyboard.press('Enter');
  await folder.says(`Daily/${day()}.md`, new RegExp(`- \\[ \\] Weigh due:${day(1)} @Ada\\n`));
  await expect(row(page, 'Weigh')).toContainText('Tomorrow');
  await page.getByLabel('Into').selectOption('entry');
  await page.getByLabel('Entry', { exact: true }).fill('nowhere');
  await add.fill('Second');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('There is no note “nowhere”');
  await expect(add).toHaveValue('Second');
  await page.getByLabel('Entry', { exact: true }).fill('lists/other.md');
  await page.keyboard.press('Enter');
  await folder.says('lists/other.md', /2\. \[ \] Second\n/);
  await expect(row(page, 'Second')).toBeVisible();
  folder.write('new.md', '- [ ] from outside\n');
  await expect(row(page, 'from outside')).toBeVisible();
  folder.remove(['new.md']);
  await expect(row(page, 'from outside')).toHaveCount(0);
});

test('a task is added to the notebook that one comes from; a box without words is a box', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': 'a\n' });
  const second = await daemon.notebook({ 'b.md': '- [ ]\n- [ ] two\n' }, 'second');
  await daemon.openEntry(page, 'second', 'b.md');
  await expect(page.locator('.cm-content').getByRole('checkbox')).toHaveCount(2);
  await page.getByRole('link', { name: 'Tasks', exact: true }).click();
  await expect(page.locator('.task-add').getByLabel('Notebook')).toHaveValue('second');
  // What the choices are about can be read.
  for (const label of ['Whose', 'Folder or entry', 'Grouped by']) await expect(page.locator('.task-filters').getByText(label, { exact: true })).toBeVisible();
  await page.getByLabel('Add a task').fill('Weigh');
  await page.keyboard.press('Enter');
  await second.says(`Daily/${day()}.md`, /- \[ \] Weigh\n/);
});

test('thousands of tasks keep few rows in the page, and the last one is reached', async ({ page, daemon }) => {
  const many = (from: number) => Array.from({ length: 500 }, (_, at) => `- [ ] n${String(from + at).padStart(4, '0')}\n`).join('');
  await daemon.notebook(Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`t${at}.md`, many(at * 500)])));
  await tasks(page, daemon);
  await expect(page.getByText('5,000 tasks')).toBeVisible();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await expect(row(page, 'n4999')).toBeVisible();
  expect(await page.getByRole('row').count()).toBeLessThan(60);
  await page.keyboard.press(' ');
  await expect(page.getByText('4,999 tasks')).toBeVisible();
  await expect(row(page, 'n4998')).toBeVisible();
});

for (const look of [{ colorScheme: 'light', width: 1400 }, { colorScheme: 'dark', width: 400 }] as const) {
  test(`axe finds nothing serious in planning, ${look.colorScheme}, ${look.width} wide`, async ({ page, daemon }) => {
    await page.emulateMedia({ colorScheme: look.colorScheme });
    await page.setViewportSize({ width: look.width, height: 850 });
    await daemon.notebook(lab());
    await tasks(page, daemon, '?status=all');
    await sound(page);
    await page.getByRole('grid').focus();
    await page.keyboard.press('e');
    await expect(page.getByRole('dialog')).toBeVisible();
    await sound(page);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.goto(`${daemon.url}/#/tasks?text=nothing`);
    await page.waitForSelector('.empty');
    await sound(page);
  });
}

test('an entry is made of a template, with its title and its day', async ({ page, daemon }) => {
  const folder = await daemon.notebook({
    'runs/a.md': 'a\n',
    '.templates/gel.md': '---\ntype: template\nname: Gel\nicon: "🧪"\ndescription: A gel and its lanes\ndefault_name: "{yyyy}-{mm}-{dd} {title}.md"\n---\n# {title}\n\nRun on {dd} {month}. {lane}\n',
  });
  await daemon.open(page, '#/n/lab');
  await page.locator('.row[title="runs"]').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'New from a template…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('radio').first()).toBeChecked();
  await expect(dialog.getByText('A gel and its lanes')).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('A title is needed');
  await dialog.getByRole('textbox', { name: 'Title' }).fill('Lane: 7/8');
  await expect(dialog.getByText(`Becomes runs/${day()} Lane- 7-8.md`)).toBeVisible();
  await expect(dialog.locator('.template-text h1')).toHaveText('Lane: 7/8');
  await sound(page);
  await page.keyboard.press('Enter');
  await folder.says(`runs/${day()} Lane- 7-8.md`, /^# Lane: 7\/8\n\nRun on \d\d \w+\. \{lane\}\n$/);
  await expect(page.locator('.cm-content')).toContainText('Lane: 7/8');
});

test('a template is found from the new note, and chosen by keyboard', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/n/lab');
  await page.keyboard.press('Alt+n');
  await page.getByRole('button', { name: 'New from a template…' }).press('Enter');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Title' }).fill('Group');
  await page.getByRole('radio', { name: /Blank note/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: /Meeting notes/ })).toBeChecked();
  await page.keyboard.press('Enter');
  await folder.says(`${day()} Group.md`, /type: meeting/);
});

test('an entry becomes a template, from which the same is made for another day', async ({ page, daemon }) => {
  const text = '---\ntitle: "PCR 7"\ndate: 2025-03-04\ntags: [pcr]\n---\n# PCR 7\n\nOf 2025-03-04, {volume} µl\n';
  const folder = await daemon.notebook({ 'PCR 7.md': text });
  await daemon.open(page, '#/n/lab');
  await page.locator('.row[title="PCR 7.md"]').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Save as a template…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('PCR');
  await dialog.getByLabel('What it is for').fill('A run with "volumes": all of it');
  await sound(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('“PCR” can be chosen as a template now.')).toBeVisible();
  await page.keyboard.press('Alt+n');
  await page.getByRole('button', { name: 'New from a template…' }).click();
  await dialog.getByRole('radio', { name: /^.*PCR.*A run with "volumes": all of it$/ }).check();
  await dialog.getByRole('textbox', { name: 'Title' }).fill('PCR 8');
  await page.keyboard.press('Enter');
  await folder.says('PCR 8.md', text.replaceAll('PCR 7', 'PCR 8').replaceAll('2025-03-04', day()));
});

test('today’s note is made when it is first opened; notes of other days are a step or a click away', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n', [`Daily/${day(-3)}.md`]: '# three days ago\n' });
  await daemon.open(page, '#/n/lab');
  await page.getByRole('button', { name: 'Calendar' }).waitFor();
  await page.keyboard.press('Alt+t');
  await folder.says(`Daily/${day()}.md`, /type: journal/);
  await expect(page.locator('.crumbs .name')).toHaveText(`${day()}.md`);
  await expect(page.getByRole('button', { name: 'The note behind' })).toBeDisabled();
  await page.getByRole('button', { name: 'The note before' }).click();
  await expect(page.locator('.cm-content')).toContainText('three days ago');
  await page.getByRole('button', { name: 'The note behind' }).click();
  await expect(page.locator('.crumbs .name')).toHaveText(`${day()}.md`);
  // Once more it is the same note.
  await page.locator('.day-today').click();
  expect((await daemon.api<{ total: number }>('POST', '/query', { notebook_ids: ['lab'], paths: ['Daily/*'] })).total).toBe(2);
});

test('the calendar shows which days have a note, and goes there by keyboard', async ({ page, daemon }) => {
  const folder = await daemon.notebook({
    '.templates/daily-journal.md': '---\ntype: template\nname: Log\ndefault_name: "Log/{yyyy}/{dd} {month}.md"\n---\n# {title}\n',
    'Log/2026/03 March.md': 'third\n',
  });
  await daemon.open(page, '#/n/lab');
  await page.getByRole('button', { name: 'Calendar' }).click();
  const calendar = page.locator('.calendar');
  await page.locator('.calendar td button[tabindex="0"]').focus();
  for (let tries = 0; tries < 400 && !(await calendar.getByText('March 2026').isVisible()); tries += 1) await page.keyboard.press('PageUp');
  await expect(calendar.getByRole('button', { name: /\b3 March 2026/ })).toHaveClass(/noted/);
  await expect(calendar.locator('.noted')).toHaveCount(1);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await expect(calendar.locator('[data-day="2026-03-08"]')).toBeFocused();
  await page.keyboard.press('Enter');
  await folder.says('Log/2026/08 March.md', '# 2026-03-08\n');
  await expect(calendar.locator('.noted')).toHaveCount(2);
  await expect(calendar.locator('.chosen')).toHaveAttribute('data-day', '2026-03-08');
  folder.remove(['Log/2026/03 March.md']);
  await expect(calendar.locator('.noted')).toHaveCount(1);
  await sound(page);
  await page.reload();
  await expect(calendar).toBeVisible();
});

test('favourites and recent entries follow renames, go with what is deleted, and come back with it', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'box/a.md': '# Alpha\n', 'b.md': 'b\n' });
  await daemon.openEntry(page, 'lab', 'box/a.md');
  const marks = (which: string) => page.locator('.marks', { hasText: which }).getByRole('listitem');
  await page.getByRole('button', { name: 'Add to the favourites of this browser' }).click();
  await expect(marks('Favourites')).toHaveText(['Alpha']);
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'box')}`);
  await page.getByRole('button', { name: 'Add to the favourites of this browser' }).click();
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'b.md')}`);
  await expect(marks('Recent')).toHaveText(['b.md', 'box', 'Alpha']);
  await expect(marks('Favourites')).toHaveText(['Alpha', 'box']);
  await sound(page);
  // The folder around it is renamed: by its id it is the same entry.
  await daemon.api('PATCH', `/notebooks/lab/entries/${await daemon.entry('lab', 'box')}`, { path: 'case' });
  await expect(marks('Favourites')).toHaveText(['Alpha', 'case']);
  await expect(marks('Favourites').first().getByRole('link')).toHaveAttribute('title', 'case/a.md');
  await page.reload();
  await expect(marks('Favourites')).toHaveText(['Alpha', 'case']);
  await marks('Favourites').first().getByRole('link').click();
  await expect(page.locator('.cm-content')).toContainText('Alpha');
  const id = await daemon.entry('lab', 'case/a.md');
  await daemon.api('DELETE', `/notebooks/lab/entries/${id}`);
  await expect(marks('Favourites')).toHaveText(['case']);
  await expect(marks('Recent')).toHaveText(['b.md', 'case']);
  await daemon.api('POST', `/notebooks/lab/entries/${id}/restore`, {});
  await folder.says('case/a.md', '# Alpha\n');
  await expect(marks('Favourites')).toHaveText(['Alpha', 'case']);
  await marks('Favourites').last().getByRole('button', { name: 'Move case up' }).click();
  await expect(marks('Favourites')).toHaveText(['case', 'Alpha']);
  await marks('Favourites').first().getByRole('button', { name: /Remove case/ }).click();
  await expect(marks('Favourites')).toHaveText(['Alpha']);
});

test('a thought is jotted down by a key, and its draft survives a closed tab', async ({ page, daemon, context }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/n/lab');
  await page.waitForSelector('.row');
  await page.keyboard.press('Alt+j');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is on your mind').fill('half a thought');
  await dialog.getByLabel('Tags').fill('#idea, lab/wet');
  await sound(page);
  // Another tab begins its own; what is left by the closed one is gone on with.
  const other = await context.newPage();
  await other.goto(`${daemon.url}/#/jot`);
  await expect(other.getByLabel('What is on your mind')).toBeFocused();
  await expect(other.getByLabel('What is on your mind')).toHaveValue('');
  await page.close();
  // The browser lets a tab's locks go a moment after it is closed.
  const held = () => other.evaluate(async () => (await navigator.locks.query()).held?.filter(({ name }) => name?.startsWith('codex.jot.')).length);
  await expect.poll(held).toBe(1);
  await other.reload();
  await expect(other.getByLabel('What is on your mind')).toHaveValue('half a thought');
  await sound(other);
  await other.getByLabel('What is on your mind').press('End');
  await other.keyboard.type(', now whole');
  await other.getByLabel('Title').fill('Thought');
  await other.getByRole('textbox', { name: 'Folder' }).fill('Ideas');
  await other.getByLabel('What is on your mind').press('Control+Enter');
  await folder.says(`Ideas/${day()}-thought.md`, /tags:\n *- idea\n *- lab\/wet\ntype: snippet\n---\n+half a thought, now whole\n$/);
  await expect(other.getByRole('listitem').filter({ hasText: 'Thought' })).toBeVisible();
  await expect(other.getByLabel('What is on your mind')).toHaveValue('');
  await expect(other.getByRole('textbox', { name: 'Folder' })).toHaveValue('Ideas');
  await other.reload();
  await expect(other.getByLabel('What is on your mind')).toHaveValue('');
});

test('what cannot be sent is kept, with the reason', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/jot');
  await page.getByLabel('What is on your mind').fill('a thought');
  await daemon.stop();
  await page.getByRole('button', { name: /Jot down/ }).click();
  await expect(page.getByRole('alert')).toContainText('does not answer');
  await expect(page.getByLabel('What is on your mind')).toHaveValue('a thought');
  await daemon.start();
  await page.getByRole('button', { name: /Jot down/ }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Jotted down as' })).toBeVisible();
  const { files } = await daemon.api<{ files: { path: string }[] }>('POST', '/query', { notebook_ids: ['lab'], file_types: ['snippet'] });
  expect(files).toHaveLength(1);
  await folder.says(files[0]?.path ?? '', /a thought\n$/);
});
