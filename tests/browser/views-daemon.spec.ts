/** For colleagues: a view of a real daemon's entries, and what is done in it on one device is seen on the other. */
import type { FrameLocator, Page } from '@playwright/test';
import { type Daemon, expect, pair, test } from './world';

const task = (title: string, more: string): string => `---\ntitle: ${title}\ntype: task\n${more}---\n# ${title}\n\nText that stays.\n`;
const cdx = (type: string, config: string, query = 'file_types: [task]'): string => `---\ntype: view\nview_type: ${type}\ntitle: The view\nquery: { ${query} }\nconfig: ${config}\n---\n`;
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const files: Record<string, string | Buffer> = {
  'a.md': task('Calibrate', 'status: todo\ndue_date: 2026-11-20\namount: 2\nlocation: 52.5, 13.4\n'),
  'b.md': task('Measure', 'status: doing\ndue_date: 2026-11-25T09:30\namount: 40\nlocation: 48.9, 2.4\n'),
  'plate.png': png,
  'Board.cdx': cdx('kanban', '{ columns: [{ id: todo, title: To do, filter: { status: todo } }, { id: doing, title: Doing, filter: { status: doing } }], card_fields: [due_date] }'),
  'Tasks.cdx': cdx('task-list', '{}'), 'Pictures.cdx': cdx('gallery', '{}', 'content_types: ["image/*"]'), 'Rollup.cdx': cdx('rollup', '{ group_by: properties.status }'),
  'Cork.cdx': cdx('corkboard', '{ grid: true }'), 'Days.cdx': cdx('calendar', '{ view: month }'), 'Table.cdx': cdx('table', '{ columns: [title, status, amount] }'), 'Map.cdx': cdx('map', '{}'),
  'Home.cdx': '---\ntype: view\nview_type: dashboard\ntitle: Home\nlayout:\n  - components:\n      - { type: mini-view, span: 6, view: Board.cdx }\n      - { type: mini-view, span: 6, view: Tasks.cdx }\n---\n',
};

async function open(page: Page, daemon: Daemon, path: string): Promise<FrameLocator> {
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
  return page.frameLocator('iframe').first();
}

test('a card moved on one device moves on the other', async ({ page, daemon, other, browser }) => {
  const [here, there] = await pair(daemon, other, files);
  const mine = await open(page, daemon, 'Board.cdx');
  const second = await browser.newPage();
  const theirs = await open(second, other, 'Board.cdx');
  await expect(theirs.getByRole('region', { name: 'To do' })).toContainText('Calibrate');
  await mine.getByRole('listitem').filter({ hasText: 'Calibrate' }).focus();
  await page.keyboard.press('Alt+ArrowRight');
  await expect(mine.getByRole('region', { name: 'Doing' })).toContainText('Calibrate');
  await expect(theirs.getByRole('region', { name: 'Doing' })).toContainText('Calibrate');
  await here.says('a.md', /status: doing[\s\S]+Text that stays\./);
  await there.says('a.md', /status: doing[\s\S]+Text that stays\./);
  await second.close();
});

test('each view shows the entries of the daemon', async ({ page, daemon }) => {
  await daemon.notebook(files);
  for (const [path, words] of [['Tasks.cdx', 'Calibrate'], ['Pictures.cdx', 'plate.png'], ['Rollup.cdx', 'doing'], ['Cork.cdx', 'Measure'], ['Days.cdx', 'Measure'], ['Table.cdx', '42'], ['Map.cdx', '2 entries']] as const) {
    const frame = await open(page, daemon, path);
    await expect(frame.locator('main')).toContainText(words);
  }
  const gallery = await open(page, daemon, 'Pictures.cdx');
  await expect(gallery.locator('img')).toHaveAttribute('src', /^data:image\/png/);
});

test('a dashboard shows other views in their places', async ({ page, daemon }) => {
  await daemon.notebook(files);
  await open(page, daemon, 'Home.cdx');
  const board = page.frameLocator('.plugin-place iframe').first();
  await expect(board.getByRole('region', { name: 'To do' })).toContainText('Calibrate');
  await expect(page.frameLocator('.plugin-place iframe').nth(1).getByRole('checkbox', { name: 'Done: Measure' })).toBeVisible();
  await board.getByRole('listitem').filter({ hasText: 'Calibrate' }).focus();
  // The frame goes with this key: the browser may never say that it was pressed.
  void page.keyboard.press('Enter').catch(() => {});
  await expect(page).toHaveURL(new RegExp(await daemon.entry('lab', 'a.md')));
});

test('what was chosen in a view is so when it is opened again, while it may keep it', async ({ page, daemon }) => {
  await daemon.notebook({ ...files, 'Other.cdx': String(files['Table.cdx']) });
  const amount = (frame: FrameLocator) => frame.getByRole('columnheader', { name: 'Amount' });
  const choose = async () => {
    const frame = await open(page, daemon, 'Table.cdx');
    await amount(frame).getByRole('button').first().click();
    await expect(amount(frame)).toHaveAttribute('aria-sort', 'ascending');
    await page.reload();
    await expect(frame.locator('main')).toContainText('42');
    return frame;
  };
  await expect(amount(await choose())).toHaveAttribute('aria-sort', 'ascending');
  await expect(amount(await open(page, daemon, 'Other.cdx'))).toHaveAttribute('aria-sort', 'none');
  const days = await open(page, daemon, 'Days.cdx');
  await days.getByRole('button', { name: 'Week' }).click();
  await page.reload();
  await expect(days.getByRole('button', { name: 'Week' })).toHaveAttribute('aria-pressed', 'true');

  await daemon.api('PUT', '/plugins/table', { permissions: ['read_files', 'modify_metadata'] });
  await expect(amount(await open(page, daemon, 'Table.cdx'))).toHaveAttribute('aria-sort', 'none');
  await expect(amount(await choose())).toHaveAttribute('aria-sort', 'none');
});

/** From the top of the page to the lower end of the frame, and of the area it is in. */
const ends = (page: Page): Promise<[frame: number, area: number]> =>
  page.evaluate(() => [document.querySelector('.plugin-frame iframe'), document.querySelector('.entry-body')].map((each) => Math.round(each?.getBoundingClientRect().bottom ?? 0)) as [number, number]);

test('a view fills the area of its page to the end, with a text above it and without', async ({ page, daemon }) => {
  const board = String(files['Board.cdx']);
  await daemon.notebook({ ...files, 'Bare.cdx': board.replace('title: The view\n', ''), 'Told.cdx': `${board}Some words above.\n\nAnd some more.\n`, 'Odd.cdx': `${board.replace('title:', 'odd: 1\ntitle:')}Words.\n`, 'Long.cdx': `${board}${'Words.\n\n'.repeat(40)}` });
  for (const [width, height] of [[1400, 900], [500, 900]] as const) {
    await page.setViewportSize({ width, height });
    for (const path of ['Bare.cdx', 'Board.cdx', 'Told.cdx', 'Odd.cdx']) {
      await expect((await open(page, daemon, path)).getByRole('region', { name: 'To do' })).toBeVisible();
      const [frame, area] = await ends(page);
      expect(frame, `${path} at ${width}`).toBe(area);
    }
  }
  // Where a text leaves it little, a view keeps a height of its own, and the area scrolls.
  await expect((await open(page, daemon, 'Long.cdx')).getByRole('region', { name: 'To do' })).toBeAttached();
  expect((await page.locator('.plugin-frame').boundingBox())?.height).toBeGreaterThan(400);
});

test('a view in a note is high enough to work in', async ({ page, daemon }) => {
  await page.setViewportSize({ width: 1400, height: 900 });
  await daemon.notebook({ ...files, 'note.md': '# Note\n\n![[Board.cdx]]\n' });
  await daemon.openEntry(page, 'lab', 'note.md');
  await expect(page.frameLocator('.cm-embed iframe').getByRole('region', { name: 'To do' })).toContainText('Calibrate');
  expect((await page.locator('.cm-embed .plugin-frame iframe').boundingBox())?.height).toBeGreaterThan(400);
});

test('in a low row of a dashboard a view with a text above keeps room of its own, and each is called by its title', async ({ page, daemon }) => {
  const layout = 'layout:\n  - height: 250\n    components:\n      - { type: mini-view, span: 8, view: lists/Table.cdx }\n      - { type: mini-view, span: 4, view: Days.cdx, title: Mine }\n';
  await daemon.notebook({ ...files, 'lists/Table.cdx': `${cdx('table', '{ columns: [title, status], odd: 1 }')}Words above.\n\n- one\n- two\n`, 'Low.cdx': `---\ntype: view\nview_type: dashboard\n${layout}---\n` });
  const low = await open(page, daemon, 'Low.cdx');
  await expect(low.locator('h2')).toHaveText(['The view', 'Mine']);
  const place = page.locator('.plugin-place').first();
  await expect(place.frameLocator('iframe').getByRole('rowheader', { name: 'Calibrate' })).toBeVisible();
  expect((await place.locator('iframe').boundingBox())?.height).toBeGreaterThan(200);
});

test('what is changed in a view is written into the file', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  const tasks = await open(page, daemon, 'Tasks.cdx');
  await tasks.getByRole('checkbox', { name: 'Done: Calibrate' }).check();
  await folder.says('a.md', /status: done/);
  const table = await open(page, daemon, 'Table.cdx');
  await table.getByRole('gridcell', { name: '40', exact: true }).click();
  await table.getByRole('spinbutton').fill('41.5');
  await page.keyboard.press('Enter');
  await folder.says('b.md', /amount: 41\.5/);
  const cork = await open(page, daemon, 'Cork.cdx');
  await cork.getByRole('listitem').filter({ hasText: 'Measure' }).press('Alt+ArrowDown');
  await folder.says('b.md', /corkboard_position:\n\s+x: \d+\n\s+y: \d+/);
});
