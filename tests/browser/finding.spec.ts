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
  const hits = page.getByRole('listbox', { name: 'Search' }).getByRole('option');
  await page.keyboard.press('Control+Shift+F');
  await page.keyboard.type('mercury');
  await expect(hits).toHaveCount(2);
  await expect(page.locator('.hit mark', { hasText: /^mercury$/ })).toHaveCount(2);
  // What is written now is found now.
  folder.write('new.md', 'Mercury again.\n');
  await expect(hits).toHaveCount(3);
  await page.keyboard.type(' lamp');
  await expect(hits).toHaveCount(1);
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

test('an entry of any notebook is reached by some letters of its name, what was opened lately first', async ({ page, daemon }) => {
  await daemon.notebook({ 'protocols/tris buffer.md': '# Tris buffer\n', 'a.md': '# Alpha\n', 'b.md': '# Beta\n' });
  await daemon.notebook({ 'deep/down/bradford.md': '# Protein assay\n\nsays much\n' }, 'second');
  await daemon.openEntry(page, 'lab', 'a.md');
  await daemon.openEntry(page, 'lab', 'b.md');
  // From within the text too.
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+o');
  const box = page.getByRole('combobox', { name: 'Go to an entry' });
  await expect(box).toBeFocused();
  // Where one comes from is not offered; where one was before, first.
  await expect(page.getByRole('option').first()).toContainText('Alpha');
  await page.keyboard.type('brdfrd');
  await expect(page.getByRole('option').first()).toContainText('second / deep/down/bradford.md');
  await expect(page.locator('.pick').first().locator('mark').first()).toBeVisible();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('assay prot');
  await expect(page.getByRole('option').first()).toContainText('Protein assay');
  expect(await box.getAttribute('aria-activedescendant')).toBe('pick-0');
  await page.keyboard.press('Enter');
  await expect(page.locator('.cm-content')).toContainText('says much');
});

test('a name that is none yet becomes a note by a key', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'a\n' });
  await daemon.open(page, '#/n/lab');
  await page.keyboard.press('Control+o');
  await expect(page.getByRole('combobox', { name: 'Go to an entry' })).toBeFocused();
  await page.keyboard.type('days/First day');
  await page.keyboard.press('Shift+Enter');
  await folder.says('days/First day.md', '# First day\n\n');
  await expect(page.locator('.cm-content')).toContainText('First day');
});

test('all that can be done is found by a few letters, and done', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': '# A\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  const choose = async (letters: string, name: string) => {
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('combobox', { name: 'What to do' })).toBeFocused();
    await page.keyboard.type(letters);
    await expect(page.getByRole('option', { selected: true })).toContainText(name);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog', { name: 'What to do' })).toHaveCount(0);
  };
  await choose('dark', 'Appearance: dark');
  await expect(page.locator('html')).toHaveAttribute('data-appearance', 'dark');
  await choose('seals', 'Seals of this entry');
  await expect(page.locator('.seals')).toBeVisible();
  await choose('rename', 'Rename this entry');
  await page.keyboard.type('b');
  await page.keyboard.press('Enter');
  await folder.says('b.md', '# A\n');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await choose('settings', 'Settings');
  await expect(page.locator('main h1')).toHaveText('Settings');
  // What belongs to an entry is not offered where there is none.
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: 'What to do' })).toBeFocused();
  await page.keyboard.type('seals of this');
  await expect(page.getByRole('option', { name: /^Seals/ })).toHaveCount(0);
  await expect(page.getByRole('option').last()).toContainText('Search all notebooks for “seals of this”');
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog')).toHaveCount(0);
  // The keys that it shows are those that do it.
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Help' })).toContainText('Ctrl Shift F');
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog')).toHaveCount(0);
  await page.keyboard.press('Control+Shift+F');
  await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused();
});

test('the search page: its address keeps the query, results of all notebooks lead to the place in the text', async ({ page, daemon }) => {
  const filler = Array.from({ length: 120 }, (_, at) => `Line ${at} says nothing.`).join('\n\n');
  await daemon.notebook({
    'a.md': `---\ntags: [optics/uv]\nstatus: in progress\n---\n# Alpha\n\nlamp\n\n${filler}\n\nThe mercury lamp is here.\n`,
    'b.md': '# Beta\n\nA mercury drop.\n',
    'run.ipynb': JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{ cell_type: 'markdown', metadata: {}, source: ['mercury in a cell'] }] }),
  });
  await daemon.notebook({ 'c.md': 'A mercury thermometer.\n' }, 'second');
  await daemon.open(page, '#/search');
  const line = page.getByRole('combobox', { name: 'What to search for' });
  await expect(line).toBeFocused();
  await page.keyboard.type('mercury');
  await expect(page.locator('.founds li')).toHaveCount(4);
  await expect(page.locator('.found-text mark').first()).toHaveText('mercury');
  expect(page.url()).toContain('#/search?q=mercury');
  await page.getByLabel('Where to search').selectOption('second');
  await expect(page.locator('.founds li')).toHaveCount(1);
  await page.reload();
  await expect(line).toHaveValue('mercury');
  await expect(page.locator('.founds li')).toHaveCount(1);
  // A line is completed from what there is.
  await page.getByLabel('Where to search').selectOption('');
  await line.fill('mercury sta');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(line).toHaveValue('mercury status:');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(line).toHaveValue('mercury status:"in progress" ');
  await expect(page.locator('.founds li')).toHaveCount(1);
  await expect(page.locator('.found-title')).toHaveText('Alpha');
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('.found-title').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('.cm-line', { hasText: 'The mercury lamp is here.' })).toBeInViewport();
  await expect.poll(() => page.evaluate(() => getSelection()?.toString())).toBe('mercury');
  await page.goBack();
  await expect(line).toHaveValue('mercury status:"in progress"');
});

test('any line is a question; what is mistyped is answered with what might be meant; results come page by page', async ({ page, daemon }) => {
  await daemon.notebook(Object.fromEntries(Array.from({ length: 45 }, (_, at) => [`n${at}.md`, `Fluorescence number ${at}\n`])));
  await daemon.open(page, '#/search?q=flourescence');
  await page.getByRole('button', { name: 'fluorescence' }).click();
  await expect(page.getByText('45 results')).toBeVisible();
  await expect(page.locator('.founds li')).toHaveCount(20);
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.locator('.founds li')).toHaveCount(40);
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.locator('.founds li')).toHaveCount(45);
  const line = page.getByRole('combobox', { name: 'What to search for' });
  for (const odd of ['"', '-', ':', 'tag:', '(((', '* OR NOT', '%', '\\', 'modified:>soon', '💥']) {
    await line.fill(odd);
    await expect(page.locator('.finding [role=status]')).not.toHaveText('Searching…');
    await expect(page.locator('.finding [role=alert]')).toHaveCount(0);
  }
});

test('tags as a tree: chosen, filtered and renamed by keyboard, and taken back', async ({ page, daemon }) => {
  const tagged = (tags: string, title: string) => `---\ntags:${tags.startsWith('\n') ? '' : ' '}${tags}\n---\n# ${title}\n`;
  const folder = await daemon.notebook({
    'a.md': tagged('[lab/wet, zoo]', 'Alpha'), 'b.md': tagged('[lab/wet, lab/dry]', 'Beta'), 'sub/c.md': tagged('lab/wet/pcr, other', 'Gamma'), 'd.md': '# Delta\n',
  });
  await daemon.notebook({ 'e.md': tagged('[Lab/Wet]', 'Elsewhere') }, 'second');
  await daemon.open(page, '#/n/lab');
  await page.getByRole('link', { name: 'Tags', exact: true }).click();
  const tree = page.getByRole('tree', { name: 'All tags' });
  const row = (name: string) => tree.getByRole('treeitem', { name });
  const found = page.locator('.found-title');
  await expect(tree.getByRole('treeitem')).toHaveText(['lab 4', 'other 1', 'zoo 1']);
  await expect(page.getByRole('searchbox', { name: 'Filter tags' })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  // An entry that has two of them counts once.
  await expect(tree.getByRole('treeitem')).toHaveText(['lab 4', 'dry 1', 'wet 4', 'other 1', 'zoo 1']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(found).toHaveCount(4);
  await expect(page).toHaveURL(/#\/tags\?tag=lab%2Fwet$/);
  await page.getByLabel('Where to search').selectOption('lab');
  await expect(found).toHaveCount(3);
  await expect(page.locator('.found-path', { hasText: 'lab / sub/c.md' })).toBeVisible();
  await tree.focus();
  await page.keyboard.press('F2');
  const dialog = page.getByRole('dialog', { name: 'Rename the tag “lab/wet”' });
  await dialog.getByLabel('New name').fill('bench');
  await expect(dialog.getByRole('region', { name: 'What becomes of tags' })).toContainText('lab/wet/pcr → bench/pcr');
  await expect(dialog).toContainText('It is changed in 3 entries:');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Rename', exact: true }).click();
  await folder.says('a.md', tagged('\n- bench\n- zoo', 'Alpha'));
  await folder.says('b.md', tagged('\n- bench\n- lab/dry', 'Beta'));
  // What was a line with commas stays one.
  await folder.says('sub/c.md', tagged('bench/pcr, other', 'Gamma'));
  await expect(dialog).toHaveCount(0);
  await expect(row('bench')).toHaveAttribute('aria-selected', 'true');
  // Elsewhere it is what it was.
  await page.getByLabel('Where to search').selectOption('');
  await expect(row('lab')).toContainText('2');
  await page.getByRole('button', { name: 'Undo' }).click();
  await folder.says('a.md', /- lab\/wet\n- zoo\n/);
  await folder.says('sub/c.md', tagged('lab/wet/pcr, other', 'Gamma'));
  await page.getByRole('searchbox', { name: 'Filter tags' }).fill('pcr');
  await expect(tree.getByRole('treeitem')).toHaveText(['lab 4', 'wet 4', 'pcr 1']);
  await page.getByRole('link', { name: 'In the search' }).click();
  await expect(page.getByRole('combobox', { name: 'What to search for' })).toHaveValue('tag:lab/wet');
  // From an entry's own tag.
  await daemon.openEntry(page, 'lab', 'a.md');
  await page.locator('.chip a', { hasText: 'zoo' }).click();
  await expect(found).toHaveText(['Alpha']);
});

test('however fast a tag’s new name is typed, what changes is shown first; what is closed halfway is taken back, and takes nobody away', async ({ page, daemon }) => {
  const text = (at: number) => `---\ntags: [old]\n---\n# N${at}\n`;
  const numbers = [0, 1, 2, 3, 4, 5];
  const folder = await daemon.notebook(Object.fromEntries(numbers.map((at) => [`n${at}.md`, text(at)])));
  await daemon.open(page, '#/tags?tag=old');
  let changes = 0;
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/entries/*', async (route) => {
    if (route.request().method() === 'PATCH' && (changes += 1) === 3) await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Rename…' }).click();
  const dialog = page.getByRole('dialog');
  await page.keyboard.insertText('new');
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('It is changed in 6 entries:');
  await expect(dialog.getByRole('button', { name: 'Rename', exact: true })).toBeEnabled();
  expect(changes).toBe(0);
  await page.keyboard.press('Enter');
  await expect.poll(() => changes).toBe(3);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await page.getByRole('treeitem', { name: 'n5.md' }).click();
  await expect(page.locator('.cm-content')).toContainText('N5');
  release();
  await expect(page.getByText('The tags are what they were.')).toBeVisible();
  for (const at of numbers) await folder.says(`n${at}.md`, /tags:\s*(\[|- )old/);
  await expect(page.locator('.crumbs [aria-current]')).toHaveText('n5.md');
});

test('the search box says what might be meant and why a hit is one, and is empty afterwards', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': 'Fluorescence of the lamp\n', 'b.md': '---\ntags: [zoo]\n---\n# Animals\n\nA lion.\n' });
  await daemon.open(page, '#/n/lab');
  const box = page.getByRole('combobox', { name: 'Search' });
  await box.fill('flourescence');
  await expect(page.locator('.results .meant')).toHaveText(/Did you mean fluorescence ?\?/);
  await page.keyboard.press('Enter');
  await expect(box).toHaveValue('fluorescence');
  await expect(page.locator('.hit')).toHaveCount(1);
  await expect(page.locator('.hit')).not.toContainText('Found in its tags');
  await box.fill('zoo');
  await expect(page.locator('.hit')).toContainText('Found in its tags or properties');
  await page.keyboard.press('Enter');
  await expect(page.locator('.crumbs [aria-current]')).toHaveText('b.md');
  await expect(box).toHaveValue('');
});
