/** The tree: several at once, by mouse and by keyboard; files from the desktop; the trash. */
import type { Page } from '@playwright/test';
import { expect, test } from './world';

const row = (page: Page, name: string) => page.locator(`.row[title="${name}"]`);
const files = { 'a.md': 'a\n', 'b.md': 'b\n', 'c.md': 'c\n', 'd.md': 'd\n', 'box/in.md': 'in\n' };

test('several entries are selected, moved by drag, deleted, and brought back', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  await row(page, 'a.md').click({ modifiers: ['ControlOrMeta'] });
  await row(page, 'c.md').click({ modifiers: ['ControlOrMeta'] });
  await expect(page.getByText('2 entries selected')).toBeVisible();
  await row(page, 'a.md').dragTo(row(page, 'box'));
  await folder.says('box/a.md', 'a\n');
  await folder.says('box/c.md', 'c\n');
  // On the page too: what is between the two that are clicked next belongs to the selection.
  await expect(row(page, 'a.md')).toHaveCount(0);
  await expect(row(page, 'c.md')).toHaveCount(0);
  await row(page, 'b.md').click();
  await row(page, 'd.md').click({ modifiers: ['Shift'] });
  await page.keyboard.press('Delete');
  await expect(page.getByRole('dialog')).toContainText('Delete 2 entries?');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, 'b.md')).toHaveCount(0);
  // The move before it can be undone too.
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await folder.says('b.md', 'b\n');
  await folder.says('d.md', 'd\n');
});

test('a folder with all in it comes back from the trash', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  await row(page, 'box').click({ button: 'right' });
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, 'box')).toHaveCount(0);
  await page.getByRole('link', { name: 'Trash' }).click();
  await page.locator('.trash li', { has: page.locator('.trash-name', { hasText: /^box$/ }) }).getByRole('button', { name: 'Bring back' }).click();
  await expect(page.getByText('“box” is back.')).toBeVisible();
  await folder.says('box/in.md', 'in\n');
  await expect(page.getByText('The trash is empty')).toBeVisible();
  // There is nothing to be undone any more.
  await expect(page.getByText('“box” is in the trash.')).toHaveCount(0);
});

test('the trash has a folder with what was in it, and a file with its properties', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'box/in.md': 'in\n', 'box/deep/low.md': 'low\n', 'pic.png': Buffer.from([1, 2, 3]), 'pic.png.json': '{"caption":"a lamp"}\n' });
  for (const path of ['box', 'pic.png']) await daemon.api('DELETE', `/notebooks/lab/entries/${await daemon.entry('lab', path)}`);
  await daemon.open(page, '#/n/lab/trash');
  const lines = page.locator('.trash > li');
  await expect(lines).toHaveCount(2);
  await expect(lines.filter({ hasText: 'pic.png' })).toContainText('with its properties');
  await lines.filter({ hasText: 'pic.png' }).getByRole('button', { name: 'Bring back' }).click();
  await folder.says('pic.png.json', '{"caption":"a lamp"}\n');
  await expect(page.getByText('“pic.png” is back.')).toBeVisible();
  await expect(lines).toHaveCount(1);
  await page.getByRole('button', { name: 'with 3 entries that were in it' }).press('Enter');
  await expect(lines.locator('.trash-name')).toHaveText(['box', 'deep', 'low.md', 'in.md']);
  await page.getByRole('searchbox', { name: 'Filter by name' }).fill('low');
  await lines.filter({ hasText: 'low.md' }).getByRole('button', { name: 'Bring back' }).click();
  await folder.says('box/deep/low.md', 'low\n');
});

test('everything is done by keyboard alone', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  await page.getByRole('tree').focus();
  await page.keyboard.press('Home');
  await page.keyboard.type('a');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(page.getByText('3 entries selected')).toBeVisible();
  await page.keyboard.press('Control+x');
  await page.keyboard.press('Home');
  await page.keyboard.press('Control+v');
  await folder.says('box/b.md', 'b\n');
  await folder.says('box/c.md', 'c\n');
  await page.keyboard.press('Shift+F10');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('tree')).toBeFocused();
  await page.keyboard.press('End');
  await page.keyboard.press('Shift+M');
  await page.keyboard.type('box/deep');
  await page.keyboard.press('Enter');
  await folder.says('box/deep/d.md', 'd\n');
  await expect(page.getByRole('tree')).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('treeitem', { selected: true })).toHaveCount(0);
});

test('files and folders from the desktop are added where they are dropped, and by choosing', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  await row(page, 'box').waitFor();
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['dropped\n'], 'dropped.md'));
    transfer.items.add(new File([new Uint8Array([0, 1, 2])], 'bytes.bin'));
    return transfer;
  });
  await row(page, 'box').dispatchEvent('dragover', { dataTransfer: dropped });
  await expect(page.getByText('Drop to add in box')).toBeVisible();
  await row(page, 'box').dispatchEvent('drop', { dataTransfer: dropped });
  await folder.says('box/dropped.md', 'dropped\n');
  await expect(page.getByText('2 files added in box.')).toBeVisible();
  await page.locator('input[type=file][multiple]').setInputFiles([{ name: 'chosen.md', mimeType: 'text/markdown', buffer: Buffer.from('chosen\n') }]);
  await expect.poll(() => daemon.api<{ items: { path: string }[] }>('GET', '/search?q=chosen').then((found) => found.items.length)).toBe(1);
});

test('files that are dropped on a folder go there, whatever is shown by the time they are read', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ ...files, 'rack/in.md': 'in\n' });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'box')}`);
  const list = page.locator('main .folder');
  await expect(list).toContainText('in.md');
  const dropped = await page.evaluateHandle(() => {
    // A disk that is slow to give the file.
    const file = new File(['dropped\n'], 'dropped.md');
    const entry = { isFile: true, name: file.name, file: (done: (file: File) => void) => Object.assign(window, { read: () => done(file) }) };
    Object.assign(DataTransferItem.prototype, { webkitGetAsEntry: () => entry });
    const transfer = new DataTransfer();
    transfer.items.add(file);
    return transfer;
  });
  await list.dispatchEvent('drop', { dataTransfer: dropped });
  await row(page, 'rack').click();
  await expect(page.locator('.crumbs .name')).toHaveText('rack');
  await expect(list).toContainText('in.md');
  await page.evaluate(() => (window as unknown as { read: () => void }).read());
  await folder.says('box/dropped.md', 'dropped\n');
});

test('a long tree keeps few rows in the page, and its end is reached', async ({ page, daemon }) => {
  await daemon.notebook(Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`n${String(at).padStart(4, '0')}.md`, `${at}\n`])));
  await daemon.open(page, '#/n/lab');
  await row(page, 'n0000.md').waitFor();
  await page.getByRole('tree').focus();
  await page.keyboard.press('End');
  await expect.poll(async () => {
    await page.keyboard.press('End');
    return row(page, 'n2999.md').isVisible();
  }).toBe(true);
  expect(await page.getByRole('treeitem').count()).toBeLessThan(80);
});

test('a folder shows itself as its .metadata says, and what is chosen is written there', async ({ page, daemon }) => {
  const folder = await daemon.notebook({
    'box/.metadata': '---\nview_mode: grid\nsort_by: size\nsort_direction: desc\n---\n',
    'box/a.md': 'a\n', 'box/large.md': '# Large\n\nsays much more\n', 'box/p.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
  });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'box')}`);
  await expect(page.locator('.tiles li')).toHaveCount(3);
  await expect(page.locator('.tiles li').first()).toContainText('p.svg');
  await expect(page.locator('.tiles li').last()).toContainText('a.md');
  await page.getByRole('button', { name: 'In full' }).click();
  await expect(page.locator('.whole .prose h1')).toHaveText('Large');
  await folder.says('box/.metadata', /view_mode: rendered/);
  await page.getByRole('button', { name: 'Compact' }).click();
  await expect(page.locator('.listing.compact li')).toHaveCount(3);
  await page.getByLabel('Sort by').selectOption('name');
  await folder.says('box/.metadata', /sort_by: name/);
});

test('so does the notebook at its top', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n', 'b.md': '# Bee\n\nmore\n' });
  await daemon.open(page, '#/n/lab');
  await page.getByRole('button', { name: 'In full' }).click();
  await expect(page.locator('.whole .prose h1')).toHaveText('Bee');
  await folder.says('.metadata', '---\nview_mode: rendered\n---\n');
  folder.write('.metadata', '---\nview_mode: compact\nsort_direction: desc\n---\n');
  await expect(page.locator('.listing.compact li').first()).toContainText('b.md');
});

test('a renamed file keeps its ending, and loses it only to a dot at the end', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'n4.md': 'four\n', 'n5.md': 'five\n' });
  await daemon.open(page, '#/n/lab');
  await row(page, 'n4.md').waitFor();
  await page.getByRole('tree').focus();
  await page.keyboard.press('F2');
  const dialog = page.getByRole('dialog');
  const name = dialog.getByLabel('Name');
  // Its ending is not selected: what is typed leaves it alone.
  await expect.poll(() => name.evaluate((input: HTMLInputElement) => input.value.slice(input.selectionStart ?? 0, input.selectionEnd ?? 0))).toBe('n4');
  await page.keyboard.type('N4');
  await page.keyboard.press('Enter');
  await folder.says('N4.md', 'four\n');
  await expect(row(page, 'N4.md')).toBeVisible();
  await page.getByRole('tree').focus();
  await page.keyboard.press('F2');
  await name.fill('lamp');
  await expect(dialog.getByText('It stays a .md file')).toBeVisible();
  await page.keyboard.press('Enter');
  await folder.says('lamp.md', 'four\n');
  await expect(row(page, 'lamp.md')).toBeVisible();
  await page.getByRole('tree').focus();
  await page.keyboard.press('F2');
  await name.fill('lamp.');
  await expect(dialog.getByText('It is no longer a .md file then')).toBeVisible();
  await page.keyboard.press('Enter');
  await folder.says('lamp', 'four\n');
});

test('a new note’s name may hold folders; what Windows cannot hold, and what is taken, is said', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  const dialog = page.getByRole('dialog');
  const make = async (name: string) => {
    await page.getByRole('button', { name: 'New note' }).first().click();
    await dialog.getByLabel('Name').fill(name);
  };
  await make('days/First day');
  await page.keyboard.press('Enter');
  await folder.says('days/First day.md', '# First day\n\n');
  await expect(page.locator('.crumbs [aria-current]')).toHaveText('First day.md');
  await make('../out');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('nothing may be missing beside a “/”');
  await dialog.getByLabel('Name').fill('what?');
  await expect(dialog.getByRole('status')).toContainText('Windows cannot hold a file called “what?”');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.goto(`${daemon.url}/#/n/lab`);
  await page.getByRole('main').getByRole('button', { name: 'New note' }).click();
  await dialog.getByLabel('Name').fill('a');
  await page.keyboard.press('Enter');
  await expect(page.getByText('“a.md” was there already: this one is called “a-1.md”.')).toBeVisible();
});

test('files and folders are chosen from the list of commands by Enter', async ({ page, daemon }) => {
  await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  const chosen: boolean[] = [];
  page.on('filechooser', (chooser) => void chooser.element().evaluate((input) => (input as HTMLInputElement).webkitdirectory).then((whole) => chosen.push(whole)));
  for (const [command, whole] of [['Add files', false], ['Add a folder', true]] as const) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'What to do' }).fill(command);
    await expect(page.locator('.pick.active')).toContainText(command);
    await page.keyboard.press('Enter');
    await expect.poll(() => chosen.at(-1)).toBe(whole);
  }
  expect(chosen).toEqual([false, true]);
});

test('what a list says of a folder follows what is put into it', async ({ page, daemon }) => {
  const folder = await daemon.notebook(files);
  await daemon.open(page, '#/n/lab');
  const line = page.locator('main .listing li', { hasText: 'box' });
  await expect(line).toContainText('1 entry');
  folder.write('box/second.md', 'second\n');
  await expect(line).toContainText('2 entries');
  folder.remove(['box/second.md', 'box/in.md']);
  await expect(line).toContainText('0 entries');
});

test('in a low window the tree has most of the room, and the open entry is in sight', async ({ page, daemon }) => {
  const names = Array.from({ length: 60 }, (_, at) => `n${String(at).padStart(2, '0')}.md`);
  await daemon.notebook(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
  const ids = await Promise.all(names.map((name) => daemon.entry('lab', name)));
  await page.setViewportSize({ width: 1280, height: 860 });
  await daemon.open(page, '#/n/lab');
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7]) {
    await page.goto(`${daemon.url}/#/n/lab/e/${ids[at]}`);
    await expect(page.locator('.marks.recent a[aria-current]')).toHaveAttribute('title', names[at] ?? '');
  }
  expect(await page.locator('.marks.recent li:visible').count()).toBeLessThan(6);
  expect(await page.getByRole('tree').evaluate((tree) => tree.clientHeight / 30)).toBeGreaterThan(14);
  // Begun anew: what comes later above the tree does not push it out of sight.
  for (const at of [15, 16, 17, 18]) {
    await page.goto(`${daemon.url}/#/n/lab/e/${ids[at]}`);
    await page.reload();
    await expect(page.locator('.marks.recent')).toBeVisible();
    await expect(row(page, names[at] ?? '')).toBeInViewport({ ratio: 1 });
  }
});
