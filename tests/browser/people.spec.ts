/** People and devices: roles, revocation, the seal rule, bundles, what is kept aside. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, pair, synced, test } from './world';

const note = '# Lamp\n\nfirst line\n';
const roleOfOther = (page: Page) => page.locator('.person', { hasNotText: '(you)' }).getByRole('combobox');

test('an owner changes a role, and whoever may not any more is told why', async ({ page, browser, daemon, other }) => {
  await pair(daemon, other, { 'lamp.md': note });
  await daemon.open(page, '#/people');
  await expect(page.locator('.person')).toHaveCount(2);
  await expect(page.locator('.person', { hasNotText: '(you)' })).toContainText('Connected on this network');
  await expect(page.getByText('On 2 of 2 devices').first()).toBeVisible();
  const second = await (await browser.newContext()).newPage();
  await other.open(second, '#/people');
  await expect(second.getByText('You are editor here.')).toBeVisible();
  await roleOfOther(page).selectOption('viewer');
  await expect(second.getByText('You are viewer here.')).toBeVisible();
  await expect(second.getByText('Only owners invite').first()).toBeVisible();
  await expect(second.getByRole('combobox', { name: /Role of/ })).toHaveCount(0);
  await expect(second.getByRole('button', { name: 'Make a ticket' })).toHaveCount(0);
});

test('a revoked device is cut off, after a question that says what follows', async ({ page, browser, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  await daemon.open(page, '#/people');
  const second = await (await browser.newContext()).newPage();
  await other.open(second, '#/people');
  await page.getByRole('button', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('cut off within a second and stays out');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('.person')).toHaveCount(2);
  await page.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByText('1 person or device that no longer takes part')).toBeVisible();
  await expect(second.locator('.person').getByText('You may have been removed')).toBeVisible();
  here.write('later.md', 'later\n');
  await daemon.took(here, 'later.md');
  expect(() => there.read('later.md')).toThrow();
});

test('a seal takes as many persons as the rule says', async ({ page, daemon, other }) => {
  await pair(daemon, other, { 'lamp.md': note });
  await daemon.open(page, '#/people');
  const rule = page.locator('.card', { has: page.getByRole('heading', { name: 'How many sign' }) });
  await rule.getByLabel('Persons').fill('2');
  await rule.getByRole('button', { name: 'Save the rule' }).click();
  await expect(page.getByText('From now on seals are measured by this.')).toBeVisible();
  expect(await daemon.api('GET', '/notebooks/lab/seal-rule')).toMatchObject({ needed: 2, of: [] });
  await rule.getByLabel('Only these').check();
  await rule.getByRole('checkbox').first().check();
  await rule.getByRole('button', { name: 'Save the rule' }).click();
  await expect(rule.getByText('More persons are asked for than are named.')).toBeVisible();
});

test('an invitation is shown as text and as a QR code, for another device of oneself too', async ({ page, daemon, other }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.open(page, '#/people');
  await page.getByLabel('It is for another device of mine').check();
  await page.getByLabel('Let them in without asking me').check();
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  await expect(page.getByRole('img', { name: 'The ticket as a QR code' })).toBeVisible();
  const ticket = await page.locator('.ticket textarea').inputValue();
  await other.api('POST', '/join', { ticket, path: `${other.root}/b-lab` });
  await expect(page.locator('.person-devices li')).toHaveCount(2);
  await expect(page.locator('.person')).toHaveCount(1);
});

test('an invitation that is open is listed, and withdrawn', async ({ page, daemon, other }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.open(page, '#/people');
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  const ticket = await page.locator('.ticket textarea').inputValue();
  const given = page.locator('.given li');
  await expect(given).toContainText('as editor');
  await given.getByRole('button', { name: 'Withdraw' }).click();
  await expect(given).toHaveCount(0);
  const joined = other.api('POST', '/join', { ticket, path: `${other.root}/b-lab` });
  await expect(joined).rejects.toThrow(/422/);
});

test('a bundle carries what changed to a device that is never met', async ({ page, browser, daemon, other }, info) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  await other.stop();
  here.write('carried.md', 'carried\n');
  await daemon.took(here, 'carried.md');
  await daemon.open(page, '#/people');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download the bundle' }).click();
  const file = info.outputPath('lab.codexbundle');
  await (await download).saveAs(file);
  expect(readFileSync(file).length).toBeGreaterThan(100);
  await daemon.stop();
  await other.start();
  const second = await (await browser.newContext()).newPage();
  await other.open(second, '#/people');
  await second.getByLabel('Bundle file').setInputFiles(file);
  await expect(second.getByText(/lab: \d+ new records?/)).toBeVisible();
  await there.says('carried.md', 'carried\n');
  await second.getByLabel('Bundle file').setInputFiles(file);
  await expect(second.getByText('lab holds all of it already.')).toBeVisible();
  await second.getByLabel('Bundle file').setInputFiles({ name: 'x', mimeType: 'text/plain', buffer: Buffer.from('no bundle') });
  await expect(second.getByRole('alert').first()).toContainText('cannot import the bundle');
});

test('what a revoked device wrote is kept aside until an owner accepts it', async ({ page, daemon, other }, info) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  await daemon.stop();
  there.write('late.md', 'written late\n');
  await other.took(there, 'late.md');
  const file = info.outputPath('late.codexbundle');
  await other.api('POST', '/notebooks/lab/bundle', { path: file });
  const { device } = await other.api<{ device: { id: string } }>('GET', '/status');
  await other.stop();
  await daemon.start();
  await daemon.api('POST', '/revocations', { notebook: 'lab', device: device.id });
  await daemon.open(page, '#/people');
  await page.getByLabel('Bundle file').setInputFiles(file);
  const aside = page.locator('.card', { has: page.getByRole('heading', { name: 'Kept aside' }) });
  await expect(aside).toContainText('right had ended');
  expect(() => here.read('late.md')).toThrow();
  await aside.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click();
  await here.says('late.md', 'written late\n');
  await expect(aside).toHaveCount(0);
});

test('many deletions at once wait for a yes or a no', async ({ page, daemon, other }) => {
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`n${at}.md`, `${at}\n`]));
  const [here] = await pair(daemon, other, files);
  here.remove(Object.keys(files));
  await expect.poll(async () => (await daemon.status()).notebooks[0]?.state).toBe('held');
  await daemon.open(page, '#/people');
  const hold = page.locator('.card', { has: page.getByRole('heading', { name: 'Many deletions wait for you' }) });
  await expect(hold).toContainText('deletions at once wait for your yes or no');
  await expect(hold).not.toContainText('codexd');
  await hold.getByRole('button', { name: 'Bring the files back' }).click();
  await here.says('n59.md', '59\n');
  await expect(hold).toHaveCount(0);
  await synced(daemon);
});

test('whoever asks to be let in waits as long as it takes, also over a page that is loaded anew', async ({ page, browser, daemon, other }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.open(page, '#/people');
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  const ticket = await page.locator('.ticket textarea').inputValue();
  const second = await (await browser.newContext()).newPage();
  await other.open(second);
  await second.evaluate(() => localStorage.setItem('codex.me', JSON.stringify({ name: 'Boris', colour: '#17665f', untold: [] })));
  await other.open(second, '#/add');
  await second.getByLabel('Ticket').fill(ticket);
  await second.getByRole('button', { name: 'Join', exact: true }).click();
  const fingerprint = second.locator('.banner code');
  await expect(fingerprint).toBeVisible();
  // Who lets others in sees it from every page, with the same fingerprint.
  await expect(page.getByRole('navigation', { name: 'Main' }).getByLabel('1 asks to join')).toBeVisible();
  const asks = page.locator('section', { has: page.getByRole('heading', { name: 'Waiting to be let in' }) });
  await expect(asks.getByText('Boris')).toBeVisible();
  await expect(asks.locator('code')).toHaveText((await fingerprint.textContent()) ?? '');
  await second.reload();
  await expect(fingerprint).toBeVisible();
  await asks.getByRole('button', { name: 'Let in' }).click();
  await expect(second.getByRole('treeitem', { name: 'lamp.md' })).toBeVisible();
  await expect(page.locator('.person', { hasText: 'Boris' })).toBeVisible();
});
