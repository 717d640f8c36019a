/** The conflict inbox: what was before, both sides, each decision, and the way back. */
import { type Daemon, type Folder, expect, pair, synced, test } from './world';

const note = '---\nstatus: open\n---\n# Lamp\n';

async function apart(daemon: Daemon, other: Daemon): Promise<[Folder, Folder]> {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note, 'data.bin': Buffer.from([0, 1]) });
  await other.stop();
  here.write('lamp.md', note.replace('open', 'done'));
  here.write('data.bin', Buffer.from([0, 2]));
  await daemon.took(here, 'lamp.md', 'data.bin');
  there.write('lamp.md', note.replace('open', 'waiting'));
  there.write('data.bin', Buffer.from([0, 3, 3]));
  await other.start();
  await synced(daemon);
  await synced(other);
  return [here, there];
}

test('a property is set by hand, and the decision is taken back', async ({ page, daemon, other }) => {
  const [here, there] = await apart(daemon, other);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'lamp.md' });
  await expect(card).toContainText('Before both');
  await expect(card.locator('.sides code').first()).toHaveText('open');
  const shown = /status: (\w+)/.exec(here.read('lamp.md'))?.[1] ?? '';
  await card.getByLabel('Another value for status').fill('shelved');
  await card.getByRole('button', { name: 'Set' }).click();
  await here.says('lamp.md', note.replace('open', 'shelved'));
  await there.says('lamp.md', note.replace('open', 'shelved'));
  await expect(card).toHaveCount(0);
  // Later too, and by another page.
  await page.reload();
  await page.getByRole('button', { name: 'Take back' }).click();
  await here.says('lamp.md', note.replace('open', shown));
  await expect(card.locator('.sides code').nth(1)).toHaveText(shown);
  await expect(page.getByRole('button', { name: 'Take back' })).toHaveCount(0);
  await page.reload();
  await expect(card).toBeVisible();
  // What is decided again is decided.
  await card.getByRole('button', { name: `Keep “${shown}”` }).click();
  await expect(card).toHaveCount(0);
  await page.getByRole('button', { name: 'Take back' }).click();
  await expect(card).toBeVisible();
  // And what somebody sets elsewhere is decided by that.
  here.write('lamp.md', note.replace('open', 'elsewhere'));
  await daemon.took(here, 'lamp.md');
  await page.reload();
  await expect(page.locator('.decided').or(page.locator('.empty, .cards')).first()).toBeVisible();
  await expect(card).toHaveCount(0);
});

test('of two versions of an attachment one is kept, and the other comes back', async ({ page, daemon, other }) => {
  const [here] = await apart(daemon, other);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'data.bin' });
  await expect(card.locator('.side')).toHaveCount(2);
  const before = here.read('data.bin');
  await card.getByRole('button', { name: 'Keep the other' }).click();
  await expect(card).toHaveCount(0);
  await expect.poll(() => here.read('data.bin')).not.toBe(before);
  const copies = async () => (await daemon.api<{ items: { name: string }[] }>('GET', '/notebooks/lab/entries')).items.filter((item) => item.name.startsWith('data')).length;
  await expect.poll(copies).toBe(1);
  await page.getByRole('button', { name: 'Take back' }).click();
  await expect.poll(copies).toBe(2);
  await expect.poll(() => here.read('data.bin')).toBe(before);
  await expect(card.locator('.side')).toHaveCount(2);
});

test('what shows is kept, and the other lies in the trash', async ({ page, daemon, other }) => {
  const [here] = await apart(daemon, other);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'data.bin' });
  const before = here.read('data.bin');
  await card.getByRole('button', { name: 'Keep what shows' }).click();
  await expect(card).toHaveCount(0);
  await expect(page.getByText('what showed is kept')).toBeVisible();
  expect(here.read('data.bin')).toBe(before);
  await page.goto(`${daemon.url}/#/n/lab/trash`);
  await expect(page.locator('.trash li')).toHaveCount(1);
});

test('a value that needs quotes is shown as it reads, with who set it, and can be used', async ({ page, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  await other.stop();
  here.write('lamp.md', note.replace('open', 'multi a'));
  await daemon.took(here, 'lamp.md');
  there.write('lamp.md', note.replace('open', `'multi: ''b'' ü'`));
  await other.start();
  await synced(daemon);
  await synced(other);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'lamp.md' });
  await expect(card.locator('.sides code')).toContainText(['open', /multi/, /multi/]);
  await expect(card.locator('.sides').getByText("multi: 'b' ü", { exact: true })).toBeVisible();
  await expect(card.locator('.sides li').filter({ hasText: /by .+, (just now|\d+ minutes? ago)/ })).toHaveCount(2);
  const { device } = await daemon.api<{ device: { fingerprint: string } }>('GET', '/status');
  await expect(card.locator('.sides li', { hasText: 'multi a' })).toContainText(device.fingerprint);
  const value = (await card.locator('.sides li', { hasText: 'Also set to' }).locator('code').innerText()) === 'multi a' ? 'multi a' : `'multi: ''b'' ü'`;
  await card.getByRole('button', { name: 'Use this' }).click();
  await here.says('lamp.md', note.replace('open', value));
  await there.says('lamp.md', note.replace('open', value));
});

test('of a text and an attachment either is kept, and the other comes back', async ({ page, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'raw.txt': 'first\n' });
  await other.stop();
  here.write('raw.txt', 'first, and a text\n');
  await daemon.took(here, 'raw.txt');
  there.write('raw.txt', Buffer.from([0, 1, 2, 0]));
  await other.start();
  await synced(daemon);
  await synced(other);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'raw.txt' });
  await expect(card).toContainText('Text was edited while this became an attachment');
  await expect(card).toContainText('Before both');
  await card.getByRole('button', { name: 'Keep the other' }).click();
  await expect(card).toHaveCount(0);
  await expect.poll(() => here.read('raw.txt')).toBe('\0\u0001\u0002\0');
  await page.getByRole('button', { name: 'Take back' }).click();
  await here.says('raw.txt', 'first, and a text\n');
  await expect(card.locator('.side')).toHaveCount(2);
});

test('the conflict of an entry that was deleted since says so, and leaves the inbox', async ({ page, daemon, other }) => {
  await apart(daemon, other);
  await daemon.api('DELETE', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}`);
  await daemon.open(page, '#/conflicts');
  const card = page.locator('.card', { hasText: 'lamp.md' });
  await expect(card).toContainText('The entry was deleted since');
  await expect(card.getByRole('button', { name: 'Set' })).toHaveCount(0);
  await card.getByRole('button', { name: 'Out of the inbox' }).click();
  await expect(card).toHaveCount(0);
});
