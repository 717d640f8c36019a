/** The first run, the help, and the settings. */
import { expect, test } from './world';

test('the first run: one says who one is, and looks around in the example', async ({ page, daemon }) => {
  await daemon.open(page);
  // Whose it is comes first, whichever way one takes.
  await page.getByRole('button', { name: 'Start the example' }).click();
  await expect(page.getByRole('alert')).toContainText('Say your name first');
  await expect(page.getByLabel('Your name')).toBeFocused();
  await page.getByLabel('Full path of the folder').fill(`${daemon.root}/early`);
  await page.getByRole('button', { name: 'Make it a notebook' }).click();
  await expect(page.getByLabel('Your name')).toBeFocused();
  expect((await daemon.status()).notebooks).toEqual([]);
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('Colour 3').check({ force: true });
  await page.getByRole('button', { name: 'Start the example' }).click();
  await expect(page.getByRole('heading', { name: 'Example notebook', level: 1 })).toBeVisible();
  await expect(page.getByRole('treeitem', { name: /Experiments/ })).toBeVisible();
  await expect
    .poll(() => daemon.api<{ items: { person_name: string; colour: string }[] }>('GET', '/members').then(({ items }) => items[0]))
    .toMatchObject({ person_name: 'Ada Lovelace', colour: '#8a4fa8' });
  await page.getByRole('link', { name: 'People' }).click();
  await expect(page.getByText('Ada Lovelace')).toBeVisible();
});

test('who joins is known by the name that was given before', async ({ page, daemon, other }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  const { ticket } = await daemon.api<{ ticket: string }>('POST', '/invites', { notebook: 'lab', hours: 1, unattended: true });
  await other.open(page);
  await page.getByLabel('Your name').fill('Rosalind Franklin');
  await page.getByLabel('Ticket').fill(ticket);
  await page.getByRole('button', { name: 'Join' }).click();
  await expect
    .poll(() => daemon.api<{ items: { person_name: string }[] }>('GET', '/members').then(({ items }) => items.map((one) => one.person_name)))
    .toContain('Rosalind Franklin');
});

test('who has no name is asked also for a further notebook, and who has one is not', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  await daemon.open(page, '#/add');
  await page.getByRole('button', { name: 'Start the example' }).click();
  await expect(page.getByRole('alert')).toContainText('Say your name first');
  await daemon.api('POST', '/profile', { notebook: (await daemon.status()).notebooks[0]?.id, name: 'Ada', colour: '#8a4fa8' });
  await page.reload();
  await expect(page.getByLabel('Your name')).toHaveValue('Ada');
  await page.getByRole('button', { name: 'Start the example' }).click();
  await expect(page.getByRole('heading', { name: 'Example notebook', level: 1 })).toBeVisible();
  await expect
    .poll(() => daemon.api<{ items: { person_name: string }[] }>('GET', '/members').then(({ items }) => items.map((one) => one.person_name)))
    .toEqual(['Ada', 'Ada']);
});

test('an address that leads nowhere says so', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  await daemon.open(page, '#/n/nope');
  await expect(page.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
  await expect(page.getByText('There is no notebook “nope” on this device')).toBeVisible();
  for (const place of ['#/garbage', '#/n/lab/garbage']) {
    await page.goto(`${daemon.url}/${place}`);
    await expect(page.getByText('This address names no page')).toBeVisible();
  }
  await page.getByRole('main').getByRole('link', { name: 'lab' }).click();
  await expect(page.getByRole('heading', { name: 'lab', level: 1 })).toBeVisible();
});

test('a question mark shows the shortcuts, but not while one types', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-content').click();
  await page.keyboard.type('?');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('tree').focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Help' })).toContainText('Search all notebooks');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Alt+2');
  await expect(page.locator('.cm-content')).toBeFocused();
  await page.keyboard.press('Alt+1');
  await expect(page.getByRole('tree')).toBeFocused();
  await page.keyboard.press('Alt+n');
  await expect(page.getByRole('dialog', { name: 'New note' })).toBeVisible();
});

test('the keys of commands are chosen in the settings, and are those everywhere', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  await daemon.open(page, '#/settings');
  const tags = page.locator('button[aria-describedby=does-tags]');
  await expect(tags).toHaveText('no keys');
  await expect(tags).toHaveAccessibleDescription('Tags');
  await tags.press('Enter');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('alert')).toHaveText('Ctrl K does this already: All that can be done.');
  await page.keyboard.press('g');
  await expect(page.getByRole('alert')).toContainText('Only Ctrl or Alt');
  await page.keyboard.press('Alt+g');
  await expect(tags).toHaveText('Alt G');
  await page.reload();
  await expect(tags).toHaveText('Alt G');
  await page.keyboard.press('Alt+g');
  await expect(page.getByRole('heading', { name: 'Tags', level: 1 })).toBeVisible();
  await page.locator('main').focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Help' })).toContainText('Alt G');
  await page.keyboard.press('Escape');
  await page.goto(`${daemon.url}/#/settings`);
  await page.getByRole('button', { name: 'All as they were' }).click();
  await expect(tags).toHaveText('no keys');
});

test('the appearance that is chosen stays', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  await daemon.open(page, '#/settings');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'Dark', exact: true }).click();
  await expect.poll(ground).not.toBe(light);
  const dark = await ground();
  await page.reload();
  await expect.poll(ground).toBe(dark);
  await page.getByRole('button', { name: 'As the system' }).click();
  await expect.poll(ground).toBe(light);
});

test('a notebook is named, fetches less, pauses, leaves files out, and is forgotten with its files in place', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': '# Lamp\n', 'scratch.tmp': 'x\n' });
  await daemon.open(page, '#/settings');
  const card = page.locator('.settings .cards .card');
  await card.locator('summary').click();
  await card.getByLabel('Attachments fetched here').selectOption('below');
  await expect(card.getByLabel('Up to (MB)')).toBeVisible();
  await card.getByLabel('Up to (MB)').fill('25');
  await page.keyboard.press('Tab');
  const status = async () => (await daemon.api<{ notebooks: { fetch: string; state: string; name: string }[] }>('GET', '/status')).notebooks[0];
  await expect.poll(async () => (await status())?.fetch).toBe('below:25000000');
  await card.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(async () => (await status())?.state).toBe('paused');
  await card.getByRole('button', { name: 'Go on' }).click();
  await expect.poll(async () => (await status())?.state).toBe('ready');
  await card.getByLabel('Name on this device').fill('journal');
  await page.keyboard.press('Tab');
  await expect.poll(async () => (await status())?.name).toBe('journal');
  await expect(page.locator('.storage')).toContainText('KB');
  await card.getByRole('button', { name: 'Make a phrase' }).click();
  await expect(card.locator('.command code')).toHaveText(/^(\w+ ){11}\w+$/);
  await card.getByRole('button', { name: 'Edit .codexignore' }).click();
  await expect(page.locator('.cm-content')).toContainText('One pattern on each line');
  await page.goto(`${daemon.url}/#/settings`);
  await card.locator('summary').click();
  await card.getByRole('button', { name: 'Forget on this device' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Forget on this device' }).click();
  await expect(page.getByText('A journal that lives in plain folders').or(page.getByText('is no longer a notebook here'))).toBeVisible();
  expect(folder.read('lamp.md')).toBe('# Lamp\n');
});
