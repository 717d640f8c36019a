/** Two daemons. */
import { cursorAfter, expect, pair, synced, test } from './world';

const note = '---\nstatus: open\n---\n# Lamp\n\nfirst line\nsecond line\n';

test('what is typed on one page appears on the other, and on both disks', async ({ page, browser, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  const second = await (await browser.newContext()).newPage();
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await other.openEntry(second, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await page.keyboard.type(' from here');
  await expect(second.locator('.cm-content')).toContainText('first line from here');
  await cursorAfter(second, 'second line');
  await second.keyboard.type(' from there');
  await expect(page.locator('.cm-content')).toContainText('second line from there');
  const expected = note.replace('first line', 'first line from here').replace('second line', 'second line from there');
  await here.says('lamp.md', expected);
  await there.says('lamp.md', expected);
  await expect(page.getByText('On 2 of 2 devices').first()).toBeVisible();
});

test('invite on one page, join on the other', async ({ page, browser, daemon, other }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.open(page, '#/people');
  await page.getByLabel('What they may do').selectOption('viewer');
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  const ticket = await page.locator('.ticket textarea').inputValue();
  const second = await (await browser.newContext()).newPage();
  await other.open(second);
  await second.getByLabel('Your name').fill('Second');
  await second.getByLabel('Ticket').fill(ticket);
  await second.getByLabel('Folder on this device').fill(`${other.root}/b-lab`);
  await second.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByText('wants to join lab as viewer')).toBeVisible();
  await page.getByRole('button', { name: 'Let in' }).click();
  await expect(second.getByRole('treeitem', { name: 'lamp.md' })).toBeVisible();
  await expect(second.getByText('On 2 of 2 devices').first()).toBeVisible();
  await expect(page.getByText('Holds everything')).toBeVisible();
});

test('what cannot be merged is shown with both versions, and is decided on the page', async ({ page, daemon, other }) => {
  const png = (color: string) => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="${color}"/></svg>`);
  const [here, there] = await pair(daemon, other, { 'lamp.md': note, 'data.bin': Buffer.from([0, 1]), 'x.svg': png('red') });
  await other.stop();
  here.write('lamp.md', note.replace('open', 'done'));
  here.write('data.bin', Buffer.from([0, 2]));
  await daemon.took(here, 'lamp.md', 'data.bin');
  there.write('lamp.md', note.replace('open', 'waiting'));
  there.write('data.bin', Buffer.from([0, 3, 3]));
  await other.start();
  await synced(daemon);
  await synced(other);
  await daemon.open(page);
  await page.getByRole('link', { name: /Conflicts/ }).click();
  await expect(page.locator('.card')).toHaveCount(2);
  const property = page.locator('.card', { hasText: 'lamp.md' });
  await expect(property).toContainText('done');
  await expect(property).toContainText('waiting');
  const bytes = page.locator('.card', { hasText: 'data.bin' });
  await expect(bytes.locator('.side')).toHaveCount(2);
  await expect(bytes).toContainText('2 B');
  await expect(bytes).toContainText('3 B');
  const shown = /status: (\w+)/.exec(here.read('lamp.md'))?.[1];
  await property.getByRole('button', { name: 'Use this' }).click();
  await expect(page.locator('.card')).toHaveCount(1);
  const chosen = shown === 'done' ? 'waiting' : 'done';
  await here.says('lamp.md', note.replace('open', chosen));
  await there.says('lamp.md', note.replace('open', chosen));
  await bytes.getByRole('button', { name: 'Keep both' }).click();
  await expect(page.locator('.card')).toHaveCount(0);
});
