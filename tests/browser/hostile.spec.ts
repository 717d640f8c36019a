/** Views that mean harm: the page stays quick, and each is stopped and named, and can be started again. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { add, install } from './plugin-folders';
import { type Daemon, expect, test } from './world';

const inside = (page: Page) => page.frameLocator('.plugin-frame iframe');
const stopped = (page: Page) => page.locator('.plugin-card[role=alert]');

async function show(page: Page, daemon: Daemon, id: string, port?: number): Promise<void> {
  await daemon.notebook({ 'Bad.cdx': `---\ntype: view\nview_type: ${id}\n---\n`, 'note.md': '# Note\n' });
  const copy = join(daemon.root, `hostile-${id}`);
  cpSync(join(import.meta.dirname, '../../plugins/tests/hostile', id), copy, { recursive: true });
  const script = join(copy, 'view.js');
  if (port !== undefined) writeFileSync(script, readFileSync(script, 'utf8').replace('PORT', String(port)));
  await add(daemon, copy);
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Bad.cdx')}`);
}

/** From here on the page notes how long it could not do anything, ms. */
const watch = (page: Page) => page.evaluate(() => {
  const seen = window as unknown as { longest: number };
  seen.longest = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    seen.longest = Math.max(seen.longest, now - last);
    last = now;
  }, 10);
});
const longest = (page: Page) => page.evaluate(() => (window as unknown as { longest: number }).longest);

/** Types as somebody does who does not look: a frame that goes with a key in it never says that it took it. */
async function typeOn(page: Page, text: string): Promise<void> {
  const keyboard = await page.context().newCDPSession(page);
  for (const key of text) {
    for (const type of ['keyDown', 'keyUp'] as const) void keyboard.send('Input.dispatchKeyEvent', { type, key, ...(type === 'keyDown' ? { text: key } : {}) }).catch(() => {});
    await page.waitForTimeout(30);
  }
}

/** Below it nobody notices more than a stumble. */
const STUMBLE_MS = 1500;

const views: [string, string, RegExp][] = [
  ['endless', 'Endless', /stopped answering/],
  ['flood', 'Flood', /more messages than a page can take/],
  ['past-the-port', 'Past the port', /more messages than a page can take/],
  ['heavy', 'Heavy', /more messages than a page can take/],
  ['questions', 'Questions', /more messages than a page can take/],
];
for (const [id, name, words] of views) {
  test(`${id}: the page answers all the while, stops it, names it and can start it again`, async ({ page, daemon }) => {
    await show(page, daemon, id);
    await expect(inside(page).getByRole('button', { name: 'Go' })).toBeVisible();
    await watch(page);
    await inside(page).getByRole('button', { name: 'Go' }).click();
    // What is typed on the page is there at once, whatever goes on.
    const search = page.getByRole('combobox', { name: 'Search' });
    await search.click();
    await page.keyboard.type('note');
    await expect(search).toHaveValue('note');
    await expect(stopped(page)).toContainText(`“${name}”`);
    await expect(stopped(page)).toContainText(words);
    await expect(page.locator('iframe')).toHaveCount(0);
    expect(await longest(page)).toBeLessThan(STUMBLE_MS);
    await stopped(page).getByRole('button', { name: 'Start it again' }).click();
    await expect(inside(page).getByRole('button', { name: 'Go' })).toBeVisible();
  });
}

test('redraws: a view that draws itself without end leaves the page to the others, and is named with the way to stop it', async ({ page, daemon }) => {
  await show(page, daemon, 'redraws');
  await expect(inside(page).getByRole('button', { name: 'Go' })).toBeVisible();
  await watch(page);
  await inside(page).getByRole('button', { name: 'Go' }).click();
  const search = page.getByRole('combobox', { name: 'Search' });
  await search.click();
  await page.keyboard.type('note');
  await expect(search).toHaveValue('note');
  // Eight late answers of ten, a second apart.
  await expect(page.getByText('“Redraws” is busy without a pause')).toBeVisible({ timeout: 40_000 });
  await page.getByRole('button', { name: 'Stop it' }).click();
  await expect(stopped(page)).toContainText('“Redraws” is stopped.');
  await expect(page.locator('iframe')).toHaveCount(0);
  await page.getByRole('treeitem', { name: 'note.md' }).click();
  await expect(page.locator('.cm-content')).toContainText('Note');
  expect(await longest(page)).toBeLessThan(STUMBLE_MS);
});

test('takes-keys: who types is not robbed for long, a key counts that was pressed, and nobody is led away who did nothing', async ({ page, daemon }) => {
  await show(page, daemon, 'takes-keys');
  await expect(inside(page).getByText('Ready')).toBeVisible();
  // It said that a key was pressed, and wanted to lead away, when nobody had touched it.
  await expect(page.getByText('“Takes keys” wants to open another entry.')).toBeVisible();
  const { items } = await daemon.api<{ items: { path: string }[] }>('GET', '/notebooks/lab/entries');
  expect(items.map(({ path }) => path).sort()).toEqual(['Bad.cdx', 'note.md']);
  await inside(page).getByRole('button', { name: 'Go' }).click();
  const search = page.getByRole('combobox', { name: 'Search' });
  await search.click();
  await typeOn(page, 'hunter2secret');
  await expect(stopped(page)).toContainText('“Takes keys” took the keyboard from you again and again');
  await expect.poll(async () => (await search.inputValue()).length).toBeGreaterThanOrEqual(10);
});

test('places: a view that puts others in ever new places leaves the page quick, and is stopped and named', async ({ page, daemon }) => {
  await show(page, daemon, 'places');
  await expect(inside(page).getByRole('button', { name: 'Go' })).toBeVisible();
  await watch(page);
  await inside(page).getByRole('button', { name: 'Go' }).click();
  await expect(stopped(page)).toContainText('“Places” sent more messages than a page can take');
  expect(await longest(page)).toBeLessThan(STUMBLE_MS);
});

test('a theme that hides its text has no say in what a plugin asks for', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n' });
  const css = '.theme-hides { --color-background: #ffffff; --color-text: #fefefe; --color-text-secondary: #fefefe; }\n.theme-hides dialog li { color: #fefefe; }\n';
  await install(daemon, { id: 'hides', type: 'theme', theme: { display_name: 'Hides', category: 'light', className: 'theme-hides', stylesheet: 'hides.css' } }, { 'hides.css': css });
  await daemon.api('PUT', '/appearance', { theme: 'hides' });
  await daemon.open(page, '#/settings/plugins');
  await page.locator('li, article, section').filter({ hasText: 'weather-api' }).last().getByRole('button', { name: 'Enable…' }).click();
  const asked = page.getByRole('dialog').locator('li').first();
  await expect(asked).toBeVisible();
  await expect(asked).not.toHaveCSS('color', 'rgb(254, 254, 254)');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('heading', { name: 'Plugins', exact: true })).toHaveCSS('color', 'rgb(254, 254, 254)');
});

test('ways-out: nothing that a view makes opens a connection', async ({ page, daemon, complaints }) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  await show(page, daemon, 'ways-out', (server.address() as AddressInfo).port);
  const said = JSON.parse((await inside(page).locator('pre').textContent()) ?? '{}') as Record<string, string>;
  expect(Object.entries(said).filter(([, what]) => what !== 'refused')).toEqual([]);
  expect(Object.keys(said)).toHaveLength(24);
  expect(connections).toBe(0);
  await new Promise((done) => server.close(done));
  complaints.splice(0);
});
