/** Reading and writing: nothing typed is lost or doubled, whatever happens to the daemon, the page or the file. */
import { cursorAfter, expect, test } from './world';

const note = '---\ntitle: Lamp\nstatus: open\n---\n# Lamp\n\nfirst line\nsecond line\n';

test('the file holds exactly what was there and what was typed', async ({ page, daemon }) => {
  const bytes = '\uFEFF---\r\ntitle:  "Lamp" # kept\r\n---\r\nfirst\tline  \r\nlast line';
  const folder = await daemon.notebook({ 'lamp.md': bytes });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'last line');
  await page.keyboard.type(', typed');
  await page.keyboard.press('Enter');
  await page.keyboard.type('end');
  await folder.says('lamp.md', `${bytes}, typed\r\nend`);
  await expect(page.locator('.save.saved')).toBeVisible();
});

test('another program’s edit appears without a reload, and the cursor stays', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.evaluate(() => ((globalThis as { same?: boolean }).same = true));
  await cursorAfter(page, 'first line');
  await page.keyboard.type(' one');
  await folder.says('lamp.md', note.replace('first line', 'first line one'));
  folder.write('lamp.md', folder.read('lamp.md').replace('# Lamp', '# Lamp, by another program\n\nnew above'));
  await expect(page.locator('.cm-content')).toContainText('new above');
  await page.keyboard.type(' two');
  await folder.says('lamp.md', note.replace('# Lamp', '# Lamp, by another program\n\nnew above').replace('first line', 'first line one two'));
  expect(await page.evaluate(() => (globalThis as { same?: boolean }).same)).toBe(true);
});

/** losses.md L31 */
test('typing goes on while others write into the same text', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'second line');
  let typed = '';
  for (let round = 0; round < 8; round += 1) {
    const word = ` word${round}`;
    await page.keyboard.type(word, { delay: 5 });
    typed += word;
    folder.write('lamp.md', folder.read('lamp.md').replace('# Lamp', `# Lamp ${round}`));
  }
  await folder.says('lamp.md', new RegExp(`^second line${typed}$`, 'm'));
  await expect(page.locator('.cm-line', { hasText: 'Lamp 7' })).toHaveText(/^Lamp 7/);
  expect(folder.read('lamp.md').match(/# Lamp( \d)+\n/g)).toHaveLength(1);
});

/** losses.md L34 */
test('the daemon is killed while somebody types: a sign, and nothing is lost', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await page.keyboard.type(' before');
  await daemon.stop('SIGKILL');
  await page.keyboard.type(' while');
  await expect(page.locator('.save.failing')).toBeVisible({ timeout: 2000 });
  await expect(page.getByText('kept in this browser')).toBeVisible();
  await page.keyboard.type(' away');
  // Another program is not stopped by that.
  folder.write('lamp.md', folder.read('lamp.md').replace('second line', 'second line, by hand'));
  await daemon.start();
  await page.keyboard.type(' again');
  const expected = note.replace('first line', 'first line before while away again').replace('second line', 'second line, by hand');
  await folder.says('lamp.md', expected);
  await expect(page.locator('.save.saved')).toBeVisible();
  await expect(page.locator('.cm-content')).toContainText('second line, by hand');
  await daemon.idle();
  expect(folder.read('lamp.md')).toBe(expected);
});

/** losses.md L32, L34: the save is under way when the daemon stops answering, and the page is closed. */
test('a page that is closed while nothing answers leaves its text to the next one', async ({ page, context, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note, 'other.md': 'other\n' });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  daemon.freeze();
  await page.keyboard.type(' kept');
  await expect(page.locator('.save.failing')).toBeVisible({ timeout: 2000 });
  await page.keyboard.type(' and more');
  const place = page.url();
  await page.close({ runBeforeUnload: false });
  await daemon.stop('SIGKILL');
  await daemon.start();
  const next = await context.newPage();
  await next.goto(place);
  const expected = note.replace('first line', 'first line kept and more');
  await folder.says('lamp.md', expected);
  await expect(next.locator('.save.saved')).toBeVisible();
  await expect(next.locator('.cm-content')).toContainText('first line kept and more');
  await daemon.idle();
  expect(folder.read('lamp.md')).toBe(expected);
});

/** losses.md L30 */
test('a tab that was asleep does not save over newer text', async ({ page, context, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const other = await context.newPage();
  await daemon.openEntry(other, 'lab', 'lamp.md');
  await context.setOffline(true);
  await cursorAfter(other, 'second line');
  await other.keyboard.type(' from the stale tab');
  await expect(other.locator('.save.failing')).toBeVisible({ timeout: 2000 });
  folder.write('lamp.md', note.replace('first line', 'first line, newer'));
  await daemon.took(folder, 'lamp.md');
  await context.setOffline(false);
  const expected = note.replace('first line', 'first line, newer').replace('second line', 'second line from the stale tab');
  await folder.says('lamp.md', expected);
  await expect(page.locator('.cm-content')).toContainText('from the stale tab');
  await expect(other.locator('.cm-content')).toContainText('first line, newer');
});

test('text typed into an entry that is deleted meanwhile brings it back', async ({ page, context, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await context.setOffline(true);
  await cursorAfter(page, 'first line');
  await page.keyboard.type(' lives');
  await daemon.api('DELETE', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}`);
  await daemon.idle();
  await context.setOffline(false);
  await folder.says('lamp.md', note.replace('first line', 'first line lives'));
  await expect(page.locator('.cm-content')).toContainText('first line lives');
});

test('a property set beside the text stands in the text, and the other way round', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const status = page.getByRole('textbox', { name: 'status' });
  await status.fill('done');
  await status.press('Enter');
  await folder.says('lamp.md', note.replace('status: open', 'status: done'));
  folder.write('lamp.md', folder.read('lamp.md').replace('status: done', 'status: by hand'));
  await expect(status).toHaveValue('by hand');
  await page.getByLabel('Add tag').fill('optics');
  await page.getByLabel('Add tag').press('Enter');
  await folder.says('lamp.md', /^tags:[\s\S]*optics/m);
});

test('made, renamed, deleted and brought back by keyboard alone; the tree follows', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/n/lab');
  await page.getByRole('main').getByRole('button', { name: 'New note' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.type('Plan');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Plan.md' })).toBeVisible();
  await folder.says('Plan.md', /Plan/);
  await page.getByRole('tree').focus();
  await page.keyboard.press('F2');
  await page.keyboard.type('Plan of work');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Plan of work.md' })).toBeVisible();
  await folder.says('Plan of work.md', /Plan/);
  await page.getByRole('tree').focus();
  await page.keyboard.press('Delete');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Tab');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Plan of work.md' })).toHaveCount(0);
  await page.goBack();
  await page.getByRole('button', { name: 'Bring it back' }).press('Enter');
  await expect(page.getByRole('treeitem', { name: 'Plan of work.md' })).toBeVisible();
});

test('no number of a table is cut in two, in either mode: the table scrolls', async ({ page, daemon }) => {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const columns = Array.from({ length: 12 }, (_, at) => at);
  await daemon.notebook({ 'wide.md': `top\n\n${[row(columns.map((at) => `c${at}`)), row(columns.map(() => '---')), row(columns.map((at) => `10.${at}1`))].join('\n')}\n` });
  await page.setViewportSize({ width: 400, height: 800 });
  await daemon.openEntry(page, 'lab', 'wide.md');
  const lines = (within: string) => page.locator(`${within} td`).evaluateAll((cells) => cells.map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return range.getClientRects().length;
  }));
  await expect(page.locator('.cm-block-table td')).toHaveCount(12);
  expect(await lines('.cm-block-table')).toEqual(columns.map(() => 1));
  await page.getByRole('button', { name: 'Read' }).click();
  await expect(page.locator('.prose td')).toHaveCount(12);
  expect(await lines('.prose')).toEqual(columns.map(() => 1));
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
});

test('tasks below tasks stand below them on the reading side', async ({ page, daemon }) => {
  await daemon.notebook({ 'tasks.md': 'before\n\n- [ ] parent\n  - [ ] child\n    - [x] grandchild\n  - point\n- [ ] second\n' });
  await daemon.openEntry(page, 'lab', 'tasks.md');
  await page.getByRole('button', { name: 'Read' }).click();
  const boxes = page.locator('.prose input.task');
  await expect(boxes).toHaveCount(4);
  const [parent = 0, child = 0, grandchild = 0, second = 0] = await boxes.evaluateAll((all) => all.map((box) => box.getBoundingClientRect().left));
  expect(child - parent).toBeGreaterThan(12);
  expect(grandchild - child).toBeCloseTo(child - parent, 0);
  expect(second).toBe(parent);
  const text = await page.locator('.prose > p').evaluate((p) => p.getBoundingClientRect().left);
  expect(Math.abs(parent - text)).toBeLessThan(8);
});

test('a bar typed into a full row of a table is a letter of its cell, and Tab goes on', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 't.md': 'top\n\n| a | b |\n| --- | --- |\n| one | two |\n| 3\n\nend\n' });
  await daemon.openEntry(page, 'lab', 't.md');
  await page.getByRole('button', { name: 'Show the text as it is written' }).click();
  await page.locator('.cm-line', { hasText: '| one | two |' }).click();
  await page.keyboard.press('Home');
  for (let at = 0; at < '| one'.length; at += 1) await page.keyboard.press('ArrowRight');
  await page.keyboard.type('|x');
  await page.keyboard.press('Tab');
  await page.keyboard.type('second');
  await folder.says('t.md', 'top\n\n| a | b |\n| --- | --- |\n| one\\|x | second |\n| 3\n\nend\n');
  // A row that is being written takes the bars that it needs.
  await cursorAfter(page, '| 3');
  await page.keyboard.type(' | 4 |');
  await folder.says('t.md', /\n\| 3 \| 4 \|\n/);
});

test('the search panel of the editor speaks and looks as the page does', async ({ page, daemon }) => {
  await daemon.notebook({ 't.md': 'lamp and lamp\n' });
  await daemon.openEntry(page, 'lab', 't.md');
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+f');
  const panel = page.locator('.cm-search');
  await expect(panel.getByRole('button', { name: 'Next' })).toBeVisible();
  await expect(panel.getByLabel('Whole words')).toBeVisible();
  await expect(panel.getByPlaceholder('Replace with')).toBeVisible();
  await page.keyboard.type('lamp');
  await page.keyboard.press('Enter');
  await expect(page.locator('.cm-searchMatch-selected')).toHaveCount(1);
  const font = (selector: string) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).fontFamily);
  expect(await font('.cm-search button')).toBe(await font('.crumbs'));
  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
});
