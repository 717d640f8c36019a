/** The tree and the search. */
import { expect, test } from './world';

test('a large folder: few rows are drawn, and both its ends can be reached', async ({ page, daemon }) => {
  const files: Record<string, string> = { 'z.md': 'z\n' };
  for (let n = 0; n < 1500; n += 1) files[`data/scan-${String(n).padStart(4, '0')}.txt`] = `scan ${n}\n`;
  await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  const tree = page.getByRole('tree');
  await tree.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('treeitem', { name: 'scan-0000.txt' })).toBeVisible();
  await expect
    .poll(async () => {
      await page.keyboard.press('End');
      return page.getByRole('treeitem', { name: 'scan-1499.txt' }).isVisible();
    })
    .toBe(true);
  await expect(page.getByRole('treeitem', { name: 'z.md' })).toBeVisible();
  expect(await page.getByRole('treeitem').count()).toBeLessThan(80);
  await page.keyboard.press('Home');
  await expect(page.getByRole('treeitem', { name: 'data' })).toBeVisible();
});

test('the tree follows what other programs do to the folder', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/n/lab');
  await expect(page.getByRole('treeitem', { name: 'a.md' })).toBeVisible();
  folder.write('sub/b.md', 'b\n');
  await page.getByRole('treeitem', { name: 'sub' }).click();
  await expect(page.getByRole('treeitem', { name: 'b.md' })).toBeVisible();
});

test('search as one types, with what was found marked, over all notebooks, by keyboard', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': '# Lamp\n\nThe mercury lamp needs ten minutes.\n', 'b.md': '# Cells\n' });
  await daemon.notebook({ 'other.md': 'A mercury thermometer.\n' }, 'second');
  await daemon.open(page);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('mercury');
  await expect(page.getByRole('option')).toHaveCount(2);
  await expect(page.locator('.hit mark', { hasText: /^mercury$/ })).toHaveCount(2);
  // What is written now is found now.
  folder.write('new.md', 'Mercury again.\n');
  await expect(page.getByRole('option')).toHaveCount(3);
  await page.keyboard.type(' lamp');
  await expect(page.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.locator('.cm-content')).toContainText('ten minutes');
});

test('a page at rest asks for nothing', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': 'a\n', 'folder/b.md': 'b\n' });
  for (const place of ['#/n/lab', `#/n/lab/e/${await daemon.entry('lab', 'folder')}`, '#/conflicts', '#/people', '#/add']) {
    await daemon.open(page, place);
    await page.waitForSelector('main h1');
    // Half a second without a request; it fails when that never comes.
    await page.waitForLoadState('networkidle');
  }
});
