/** Every page, panel and dialog of finding, planning, talking and looking back, one after another, in a notebook that is in use. */
import type { Page } from '@playwright/test';
import { growth, svg } from './samples';
import { type Daemon, expect } from './world';

/** By the calendar of this machine, as the page reckons. */
export function day(by: number): string {
  const at = new Date();
  at.setDate(at.getDate() + by);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
}

const strain = `---
title: Strain 14, growth at 30 °C
tags: [growth, e-coli/mg1655, plate reader]
status: running
due: ${day(3)}
od600: 0.42
shaken: true
operator: Rosalind Franklin
protocol: "[[Gel]]"
wells: {A1: blank, A2: wild type}
---
# Strain 14, growth at 30 °C

The lag phase is longer than that of the wild type; see [[Growth curve]] and [[Gel|the gel]], and [[Lag phase by temperature]].

- [ ] Measure OD600 again due:${day(-2)} @Ada
- [ ] Plate 1:1000 due:${day(0)} @Rosalind
- [x] Freeze a glycerol stock

| hour | OD600 |
| ---- | ----- |
| 0 | 0.012 |
| 4 | 0.42 |
`;

const files = {
  'Welcome.md': '---\ntitle: Welcome\ntags: [start]\n---\n# Welcome\n\nA journal in plain folders. Begin with [[Growth curve]].\n',
  'Growth/growth.csv': growth(96),
  'Growth/plate.svg': svg('teal', 640, 420),
  'Growth/Growth curve.md': '---\nstatus: open\ntags: [growth]\n---\n# Growth curve\n\n![[plate.svg]]\n\nOf [[Strain 14]], poured after [[Gel]]. OD600 is read every quarter of an hour.\n',
  'Growth/Strain 14.md': strain,
  'Growth/Strain 15 with a name that is much longer than any list, tree or tab will ever have room for.md': '# Strain 15 with a name that is much longer than any list, tree or tab will ever have room for\n\nAs [[Strain 14]], but at 37 °C. OD600 is higher.\n\n- [ ] Look whether the lid of the plate lets enough oxygen through while it is shaken at 800 rpm over the whole night due:2030-01-01 @Rosalind-Franklin\n',
  'Protocols/Gel.md': `---\ntags: [gel]\nstatus: done\n---\n# Gel\n\n- [ ] Order agarose due:${day(1)}\n- [ ] Calibrate the camera\n- [ ] Write up for the meeting due:${day(30)} @Ada\n\nSee [[Welcome]].\n`,
  'Book the confocal.md': `---\ntitle: Book the confocal\ntype: task\nstatus: todo\ndue_date: ${day(0)}\nassignee: Ada Lovelace\n---\n`,
  '.templates/electrophoresis.md': '---\ntype: template\nname: Gel\ndescription: Lanes, ladder, result\n---\n# {title}\n\n| lane | sample |\n|---|---|\n| 1 | ladder |\n| 2 | |\n\n## Result\n',
  ...Object.fromEntries([-1, -2, -5].map((by) => [`Daily/${day(by)}.md`, `# ${day(by)}\n`])),
};

/** Names, comments and a changed text besides the files. */
export async function inUse(daemon: Daemon): Promise<void> {
  const folder = await daemon.notebook(files);
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ada Lovelace', colour: '#17665f' });
  const comments = `/notebooks/lab/entries/${await daemon.entry('lab', 'Growth/Strain 14.md')}/comments`;
  const { id } = await daemon.api<{ id: string }>('POST', comments, { text: 'Longer by how much? @Ada Lovelace', quote: 'The lag phase is longer' });
  await daemon.api('POST', `${comments}/${id}/replies`, { text: 'Forty minutes, in *both* wells.' });
  await daemon.api('POST', comments, { text: 'Ready for the meeting on Monday.' });
  folder.write('Growth/Strain 14.md', strain.replace('status: running', 'status: done').replace('longer than that', 'forty minutes longer than that'));
  await daemon.took(folder, 'Growth/Strain 14.md');
}

/** What is seen at each: the name tells what it is. */
export type See = (name: string) => Promise<void>;

const close = async (page: Page) => {
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog')).toHaveCount(0);
};

export async function tour(page: Page, daemon: Daemon, see: See): Promise<void> {
  const to = (place: string) => page.goto(`${daemon.url}/${place}`);
  const dialog = page.getByRole('dialog');
  page.setDefaultTimeout(20_000);
  const entry = `#/n/lab/e/${await daemon.entry('lab', 'Growth/Strain 14.md')}`;
  await daemon.open(page, entry);
  await page.getByRole('region', { name: 'Properties' }).getByLabel('od600', { exact: true }).waitFor();
  await page.locator('.cm-content .commented').first().waitFor();
  await see('properties');
  await page.getByRole('region', { name: 'Properties' }).getByRole('button', { name: 'Add property' }).click();
  await page.getByRole('option').first().waitFor();
  await see('new-property');
  // First the list closes, then the form.
  await page.keyboard.press('Escape');
  await expect(page.getByRole('option')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(page.locator('.add-property')).toHaveCount(0);
  await page.getByRole('region', { name: 'Properties' }).getByRole('button', { name: /^status: / }).click();
  await page.getByRole('menu').waitFor();
  await see('property-type');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('menu')).toHaveCount(0);
  await page.getByRole('button', { name: /^Comments: / }).click();
  await page.locator('.threads .thread').first().waitFor();
  await page.getByRole('button', { name: 'Reply' }).first().click();
  await see('comments-panel');
  await page.keyboard.press('Alt+l');
  await page.locator('.link-line').first().waitFor();
  await see('links');
  await page.getByRole('button', { name: 'Graph' }).click();
  await page.locator('.graph-list a').first().waitFor();
  await page.getByRole('button', { name: '3 steps' }).click();
  await see('graph');
  await close(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('option').first().waitFor();
  await see('palette');
  await close(page);
  await page.keyboard.press('Control+o');
  await expect(page.getByRole('combobox', { name: 'Go to an entry' })).toBeFocused();
  await page.keyboard.type('str');
  await page.locator('.pick mark').first().waitFor();
  await see('switcher');
  await close(page);
  // On a narrow page the panel lies above the entry.
  await page.keyboard.press('Alt+l');
  await expect(page.getByRole('complementary', { name: 'Links' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Rename' }).first().click();
  await expect(dialog.getByRole('textbox')).toBeFocused();
  await page.keyboard.type('Strain 14b');
  await page.keyboard.press('Enter');
  await dialog.locator('.link-preview li').first().waitFor();
  await see('rename');
  await close(page);
  await to('#/search?q=OD600');
  await page.locator('.founds li').first().waitFor();
  await see('search');
  await page.getByRole('combobox', { name: 'What to search for' }).fill('OD600 sta');
  await page.getByRole('option').first().waitFor();
  await see('search-completed');
  await to('#/search?q=nothinglikeit');
  await expect(page.locator('.finding [role=status]')).toContainText('nothinglikeit');
  await see('search-nothing');
  await to('#/tasks?status=all');
  await page.locator('.task-row').first().waitFor();
  await see('tasks');
  await page.getByRole('grid').focus();
  await page.keyboard.press('e');
  await dialog.waitFor();
  await see('task-when');
  await close(page);
  await to('#/tasks?text=nothinglikeit');
  await page.locator('.empty').waitFor();
  await see('tasks-nothing');
  await page.keyboard.press('Alt+n');
  await dialog.getByRole('button', { name: 'New from a template…' }).click();
  await dialog.getByRole('radio', { name: /Gel/ }).check();
  await dialog.getByRole('textbox', { name: 'Title' }).fill('Gel 9');
  await dialog.locator('.template-text h1').waitFor();
  await see('templates');
  await close(page);
  await page.keyboard.press('Alt+j');
  await expect(dialog.getByLabel('What is on your mind')).toBeFocused();
  await see('jot-dialog');
  await close(page);
  await to('#/jot');
  await page.getByLabel('What is on your mind').fill('The growth stops when the lid is closed: oxygen?');
  await see('jot');
  await to('#/comments');
  await page.locator('.talk .card').first().waitFor();
  await see('comments');
  await to(`#/n/lab/e/${await daemon.entry('lab', `Daily/${day(-1)}.md`)}`);
  await page.locator('.cm-content').waitFor();
  const menu = page.getByRole('button', { name: 'Notebooks and entries' });
  if (await menu.isVisible()) await menu.click();
  const calendar = page.getByRole('button', { name: 'Calendar' });
  if ((await calendar.getAttribute('aria-pressed')) !== 'true') await calendar.click();
  await page.locator('.calendar .noted').first().waitFor();
  await see('days');
  await to(`${entry}/history`);
  await page.locator('.changes-text ins').first().waitFor();
  await see('history');
  await to('#/activity');
  await page.locator('.happened').first().waitFor();
  await see('activity');
  await to('#/people');
  await page.getByText('Ada Lovelace').first().waitFor();
  await see('people');
  await to('#/settings');
  await page.locator('.settings .cards summary').click();
  await page.locator('.storage').waitFor();
  await see('settings');
}

/** The same places where nothing is yet. */
export async function emptyTour(page: Page, daemon: Daemon, see: See): Promise<void> {
  const heads = { search: 'Search', tasks: 'Tasks', jot: 'Jot', comments: 'Comments', activity: 'Activity', conflicts: 'Conflicts', people: 'People and devices', 'n/lab': 'lab', 'n/lab/trash': 'Trash' };
  for (const [place, head] of Object.entries(heads)) {
    await page.goto(`${daemon.url}/#/${place}`);
    await expect(page.locator('main h1')).toHaveText(head);
    await page.waitForLoadState('networkidle');
    await see(`${place.split('/').at(-1)}-empty`);
  }
}
