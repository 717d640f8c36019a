/** How a notebook stands is said as it is: held, read only, cut off, without an answer. */
import type { Page } from '@playwright/test';
import { expect, pair, test } from './world';

const note = '# Lamp\n\nfirst line\n';
const bar = (page: Page) => page.getByRole('contentinfo', { name: 'Status of the notebook' });
/** How much wider than the window the page is. */
const overhang = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

test('a long reason never makes the page wider than the window', async ({ page, daemon, other }) => {
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`a folder with a long name/a note with a long name ${at}.md`, `${at}\n`]));
  const [here] = await pair(daemon, other, { 'lamp.md': note, ...files });
  here.remove(Object.keys(files));
  await expect.poll(async () => (await daemon.status()).notebooks[0]?.state).toBe('held');
  await page.setViewportSize({ width: 1100, height: 800 });
  await daemon.open(page, '#/n/lab');
  const text = page.getByRole('status').filter({ hasText: 'wait for your yes or no' });
  await expect(text).toBeVisible();
  await expect(text).not.toContainText('codexd');
  await expect(bar(page)).toContainText('Held: ');
  await expect(bar(page)).not.toContainText('codexd');
  for (const width of [1280, 1100, 700, 400]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await overhang(page), `at ${width}`).toBe(0);
  }
  await bar(page).getByRole('link', { name: /Held/ }).click();
  await page.getByRole('button', { name: 'Bring the files back' }).click();
  await expect(bar(page)).toContainText('Ready');
});

test('a viewer reads: it is said at once, nothing takes letters, and what the disk alone has is named', async ({ page, daemon, other }) => {
  const [, there] = await pair(daemon, other, { 'lamp.md': note, 'other.md': 'other\n' });
  const { device } = await other.api<{ device: { id: string } }>('GET', '/status');
  await other.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-line', { hasText: 'first line' }).click();
  await page.keyboard.type('typed ');
  await there.says('lamp.md', /typed/);
  await daemon.api('POST', '/roles', { notebook: 'lab', who: device.id, role: 'viewer' });
  await expect(page.getByText('You read here: an owner has made you a viewer.')).toBeVisible();
  const before = await page.locator('.cm-content').innerText();
  await page.locator('.cm-line', { hasText: 'first line' }).click();
  await page.keyboard.type('not this');
  expect(await page.locator('.cm-content').innerText()).toBe(before);
  await expect(page.locator('.entry-tools').getByText('Read only')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Rename' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'New note' })).toHaveCount(0);
  await page.getByRole('tree').focus();
  await page.keyboard.press('Delete');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  there.write('lamp.md', 'changed on this disk\n');
  await expect(page.getByText('Its file on this device: not shared')).toBeVisible();
  // Who may write again just does.
  await daemon.api('POST', '/roles', { notebook: 'lab', who: device.id, role: 'editor' });
  await expect(page.getByRole('button', { name: 'Rename' })).toBeVisible();
});

test('what is not known any more is not shown as if it were well', async ({ page, daemon, other }) => {
  await pair(daemon, other, { 'lamp.md': note });
  const { device } = await other.api<{ device: { id: string } }>('GET', '/status');
  await other.openEntry(page, 'lab', 'lamp.md');
  await expect(bar(page)).toContainText('All changes are on another device');
  await daemon.api('POST', '/revocations', { notebook: 'lab', device: device.id });
  await expect(bar(page)).toContainText('you may have been removed');
  await expect(bar(page)).not.toContainText('All changes');
  await expect(bar(page)).not.toContainText('On 2 of 2');
  await other.stop('SIGKILL');
  await expect(bar(page)).toContainText('Not connected to the daemon');
  await expect(bar(page)).not.toContainText('Ready');
});
