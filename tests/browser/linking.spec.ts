/** Links: where an entry is linked from and to, what moves do to them, the graph. */
import type { Page } from '@playwright/test';
import { expect, test } from './world';

const row = (page: Page, name: string) => page.locator(`.row[title="${name}"]`);
const linked = {
  'protocols/buffer.md': '# Tris\n\nFor the [[lamp]].\n',
  'lamp.md': '# Lamp\n\nfirst\n\nSee [[buffer]] and [cells](box/cells.md).\n\nAgain [[buffer|the buffer]], and [[missing note]].\n',
  'box/cells.md': '# Cells\n\nWashed in [Tris](../protocols/buffer.md).\n',
  'alone.md': '# Alone\n\nTris is said here.\n',
};

test('links to an entry are shown with their lines, and lead there; those that lead nowhere become notes', async ({ page, daemon }) => {
  const folder = await daemon.notebook(linked);
  await daemon.openEntry(page, 'lab', 'protocols/buffer.md');
  await page.getByRole('button', { name: 'Links', exact: true }).click();
  const panel = page.getByRole('complementary', { name: 'Links' });
  await expect(panel.locator('.link-line')).toHaveCount(3);
  await expect(panel).toContainText('Again [[buffer|the buffer]]');
  await panel.getByRole('button', { name: 'Look for “Tris”' }).click();
  await expect(panel.getByRole('link', { name: 'Alone' })).toBeVisible();
  // What others write now is there now.
  folder.write('new.md', 'New: [[buffer]]\n');
  await expect(panel.locator('.link-line').filter({ hasText: 'New:' })).toBeVisible();
  folder.write('new.md', 'Newer: [[buffer]]\n');
  await expect(panel.locator('.link-line').filter({ hasText: 'Newer:' })).toBeVisible();
  await panel.getByRole('link', { name: 'Again' }).click();
  await expect(page.locator('.cm-line', { hasText: 'Again' })).toBeInViewport();
  await expect(page.locator('.cm-content')).toBeFocused();
  await page.getByRole('button', { name: 'Links', exact: true }).click();
  await panel.getByRole('button', { name: 'Create missing note' }).click();
  await folder.says('missing note.md', '# missing note\n\n');
});

test('a rename shows what becomes of links before it is done, and is taken back with them', async ({ page, daemon }) => {
  const folder = await daemon.notebook(linked);
  await daemon.openEntry(page, 'lab', 'protocols/buffer.md');
  await page.getByRole('button', { name: 'Rename' }).first().click();
  const dialog = page.getByRole('dialog');
  await page.keyboard.type('stock');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('3 links in 2 entries')).toBeVisible();
  await expect(dialog.locator('.link-preview li', { hasText: 'line 5' }).first()).toContainText('buffer → stock');
  // Nothing has been done yet.
  expect(folder.read('protocols/buffer.md')).toBe(linked['protocols/buffer.md']);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await folder.says('lamp.md', linked['lamp.md'].replaceAll('[[buffer', '[[stock'));
  await folder.says('box/cells.md', /\.\.\/protocols\/stock\.md/);
  // What is written since stays.
  folder.write('box/cells.md', `${folder.read('box/cells.md')}\nlater\n`);
  await daemon.took(folder, 'box/cells.md');
  await page.getByRole('button', { name: 'Undo' }).click();
  await folder.says('protocols/buffer.md', linked['protocols/buffer.md']);
  await folder.says('lamp.md', linked['lamp.md']);
  await folder.says('box/cells.md', `${linked['box/cells.md']}\nlater\n`);
});

test('a drag in the tree asks when links would change, and not when none would', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ ...linked, 'free.md': 'free\n' });
  await daemon.open(page, '#/n/lab');
  await row(page, 'free.md').dragTo(row(page, 'box'));
  await folder.says('box/free.md', 'free\n');
  await expect(page.getByText('1 entry moved to box.')).toBeVisible();
  await expect(row(page, 'free.md')).toHaveCount(0);
  await row(page, 'lamp.md').dragTo(row(page, 'box'));
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('box/cells.md → cells.md');
  expect(folder.read('lamp.md')).toBe(linked['lamp.md']);
  await dialog.getByRole('button', { name: 'Move' }).click();
  await folder.says('box/lamp.md', /\[cells\]\(cells\.md\)/);
  // As they are written, where somebody wants that.
  await row(page, 'box').click();
  await row(page, 'box/cells.md').click();
  await page.getByRole('tree').focus();
  await page.keyboard.press('Shift+M');
  await page.keyboard.type('away');
  await page.keyboard.press('Enter');
  await dialog.getByLabel('Leave them as they are written').check();
  await dialog.getByRole('button', { name: 'Move' }).click();
  await folder.says('away/cells.md', linked['box/cells.md']);
  expect(folder.read('box/lamp.md')).toContain('[cells](cells.md)');
});

test('several that link to each other move together: no link changes, and all is as before when it is taken back', async ({ page, daemon }) => {
  const files = { 'a.md': '[b](b.md)\n', 'b.md': '[a](a.md)\n', 'c.md': '[x](a.md)\n', 'd.md': '[b](b.md)\n' };
  const folder = await daemon.notebook({ ...files, 'dest/z.md': '[a](../a.md)\n' });
  await daemon.open(page, '#/n/lab');
  await row(page, 'a.md').click();
  await row(page, 'd.md').click({ modifiers: ['Shift'] });
  await row(page, 'b.md').dragTo(row(page, 'dest'));
  const dialog = page.getByRole('dialog');
  await expect(dialog.locator('.link-preview li li')).toHaveText(['line 1 ../a.md → a.md']);
  await dialog.getByRole('button', { name: 'Move' }).click();
  await expect(page.getByText('4 entries moved to dest. 1 link was changed with it.')).toBeVisible();
  for (const [path, text] of Object.entries(files)) await folder.says(`dest/${path}`, text);
  await folder.says('dest/z.md', '[a](a.md)\n');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('It is back where it was')).toBeVisible();
  await daemon.idle();
  for (const [path, text] of Object.entries(files)) await folder.says(path, text);
  await folder.says('dest/z.md', '[a](../a.md)\n');
});

test('the graph is a picture and a list that say the same, up to three steps', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': '[[b]]\n', 'b.md': '[[c]]\n', 'c.md': '[[d]]\n', 'd.md': '# Delta\n', 'z.md': 'z\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await page.keyboard.press('Alt+L');
  await page.getByRole('button', { name: 'Graph' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.locator('.graph-list a')).toHaveText(['b.md']);
  await expect(dialog.locator('svg .node')).toHaveCount(2);
  await dialog.getByRole('button', { name: '3 steps' }).press('Enter');
  await expect(dialog.locator('.graph-list a')).toHaveText(['b.md', 'c.md', 'Delta']);
  await expect(dialog.locator('svg .node')).toHaveCount(4);
  await expect(dialog.locator('svg line')).toHaveCount(3);
  await dialog.getByRole('link', { name: 'Delta' }).press('Enter');
  await expect(page.locator('.crumbs [aria-current]')).toHaveText('d.md');
});
