/** Files of other programs, made into entries on the page. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { type Daemon, expect, test } from './world';

const BIB = `@article{curie1898,
  title = {Sur une substance nouvelle radio-active},
  author = {Curie, Marie and Curie, Pierre},
  year = {1898}, journal = {Comptes rendus},
  doi = {10.1000/curie}, keywords = {polonium, pitchblende}
}
@book{noether1921, title = {Idealtheorie in {R}ingbereichen}, author = {Noether, Emmy}, year = 1921 }
`;

function written(daemon: Daemon, name: string, text: string): string {
  const path = join(daemon.root, name);
  writeFileSync(path, text);
  return path;
}

async function choose(page: Page, path: string): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: /Choose (a|another) file…/ }).click();
  await (await chooser).setFiles(path);
}

async function sound(page: Page): Promise<void> {
  expect(await barriers(page, { all: true })).toEqual([]);
}

test('a bibliography is shown before it is made, and becomes entries with properties in the chosen folder', async ({ page, daemon }) => {
  const files = await daemon.notebook({ 'papers/curie1898.md': '# Mine\n' });
  await daemon.open(page, '#/n/lab');
  // From the folder's menu, by keyboard.
  await page.getByRole('treeitem', { name: /papers/ }).click();
  await page.getByRole('tree').press('ContextMenu');
  await page.getByRole('menuitem', { name: 'Import a file…' }).press('Enter');
  await expect(page.getByRole('heading', { name: 'Import a file' })).toBeVisible();
  await sound(page);
  await choose(page, written(daemon, 'radium.bib', BIB));
  await expect(page.getByRole('heading', { name: '2 entries would be made' })).toBeVisible();
  await expect(page.getByLabel('Importer')).toHaveValue('bibliography/bibliography');
  await expect(page.getByLabel(/^Folder/)).toHaveValue('papers');
  const first = page.locator('.import-list > li').first();
  await expect(first).toContainText('Sur une substance nouvelle radio-active');
  await expect(first.locator('dd', { hasText: 'Marie Curie, Pierre Curie' })).toBeVisible();
  // The record is there as it was written; its text scrolls by keys too.
  const text = first.getByRole('region', { name: 'Text of curie1898.md' });
  await expect(text).toContainText('doi = {10.1000/curie}, keywords = {polonium, pitchblende}');
  await text.focus();
  await page.keyboard.press('End');
  await expect.poll(() => text.evaluate((element) => element.scrollTop)).toBeGreaterThan(0);
  await sound(page);
  // Nothing was made so far.
  expect(files.read('papers/curie1898.md')).toBe('# Mine\n');
  await page.getByRole('button', { name: 'Import 2 entries' }).click();
  await expect(page.getByRole('heading', { name: '2 entries were made' })).toBeFocused();
  await sound(page);
  // What was there stays: the new one has a number, and the list says so.
  const list = page.getByRole('region', { name: '2 entries were made' });
  await expect(list.getByRole('link', { name: /papers\/curie1898-1\.md/ })).toBeVisible();
  expect(files.read('papers/curie1898.md')).toBe('# Mine\n');
  await files.says('papers/noether1921.md', /year: 1921/);
  await list.getByRole('link', { name: /radio-active/ }).click();
  await expect(page.locator('.crumbs .name')).toHaveText('curie1898-1.md');
  await files.says('papers/curie1898-1.md', /authors:\n- Marie Curie\n- Pierre Curie/);
});

test('what is wrong with a file is said in the code’s own words, and another file is read', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n' });
  await daemon.open(page, '#/n/lab');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused();
  await page.keyboard.type('Import a file');
  await page.keyboard.press('Enter');
  await choose(page, written(daemon, 'broken.bib', '@article{a,\n  title = {Never closed\n'));
  await expect(page.getByRole('alert')).toContainText('broken.bib');
  await expect(page.getByRole('alert')).toContainText('a “}” is missing');
  await expect(page.getByRole('button', { name: /^Import \d/ })).toHaveCount(0);
  await sound(page);
  await choose(page, written(daemon, 'run.csv', 'Instrument: Clario\nOperator: mk\n\nTime,OD\ns,AU\n0,0.05\n60,0.09\n120,0.2\n'));
  await expect(page.getByRole('heading', { name: '2 entries would be made' })).toBeVisible();
  await expect(page.locator('.import-list dd', { hasText: 'Clario' })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  // A folder that cannot be one is said when it is to be made, and everything stays as it was typed.
  await page.getByLabel(/^Folder/).fill('a/../b');
  await page.getByRole('button', { name: 'Import 2 entries' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByLabel(/^Folder/).fill('runs');
  await page.getByRole('button', { name: 'Import 2 entries' }).click();
  await expect(page.getByRole('link', { name: /runs\/run\.md/ })).toBeVisible();
  await expect(page.getByRole('link', { name: /runs\/run data\.csv/ })).toBeVisible();
});

test('a file whose importer is not enabled says so, and is read once it is', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n' });
  await daemon.api('PUT', '/plugins/bibliography', { enabled: false });
  await daemon.open(page, '#/settings/plugins');
  await page.getByRole('link', { name: 'Import a file…' }).first().click();
  // Dropped, not chosen.
  const transfer = await page.evaluateHandle((text) => {
    const given = new DataTransfer();
    given.items.add(new File([text], 'radium.bib'));
    return given;
  }, BIB);
  await page.locator('.import').dispatchEvent('drop', { dataTransfer: transfer });
  await expect(page.getByText('which is not enabled here')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Plugins…' })).toHaveAttribute('href', '#/settings/plugins');
  await sound(page);
  await page.getByRole('button', { name: 'Enable…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByRole('heading', { name: '2 entries would be made' })).toBeVisible();
});

test('for a file that no importer is for, one can be chosen all the same', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n' });
  await daemon.open(page, '#/import?in=lab');
  await choose(page, written(daemon, 'export.xyz', BIB));
  await expect(page.getByText('No importer on this device is for .xyz files.')).toBeVisible();
  await page.getByLabel('Importer').selectOption({ label: 'BibTeX or RIS' });
  await expect(page.getByRole('heading', { name: '2 entries would be made' })).toBeVisible();
});
