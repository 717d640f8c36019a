/** Seals on the page: sign, confirm, see what changed, amend. */
import { cursorAfter, expect, pair, test } from './world';

const note = '---\nph: 7\n---\n# Lamp\n\nfirst line\n';

test('what one seals another confirms, and a later change shows beside it', async ({ page, browser, daemon, other }) => {
  const [, there] = await pair(daemon, other, { 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', typed');
  await page.getByRole('button', { name: 'Seals', exact: true }).click();
  await page.getByRole('button', { name: 'Seal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it means').fill('Measured by me');
  await dialog.getByRole('button', { name: 'Seal', exact: true }).click();
  await expect(page.locator('.seals .seal')).toContainText('Measured by me');
  await expect(page.getByText('Sealed, and unchanged since.')).toBeVisible();

  const second = await (await browser.newContext()).newPage();
  await other.openEntry(second, 'lab', 'lamp.md');
  await second.getByRole('button', { name: 'Seals', exact: true }).click();
  await second.getByRole('button', { name: 'Confirm' }).click();
  await second.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click();
  await expect(second.locator('.seals .witness')).toContainText('Witnessed');
  await expect(page.locator('.seals .witness')).toContainText('Witnessed');

  there.write('lamp.md', note.replace('ph: 7', 'ph: 8').replace('first line', 'first line, typed'));
  await expect(page.locator('.seals .mark')).toHaveText('Changed since it was sealed');
  await page.getByRole('button', { name: 'What changed' }).click();
  await expect(page.locator('.old-text del')).toHaveText('7');
  await expect(page.locator('.old-text ins')).toHaveText('8');
});

test('a locked entry takes no letter until it is to be amended', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Seals', exact: true }).click();
  await page.getByRole('button', { name: 'Seal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Lock it').check();
  await dialog.getByRole('button', { name: 'Seal', exact: true }).click();
  await expect(page.getByText('It is locked, so changes are amendments.')).toBeVisible();
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', not taken');
  await expect(page.locator('.cm-content')).not.toContainText('not taken');
  await expect(page.getByLabel('ph', { exact: true })).toHaveCount(0);
  await page.getByRole('button', { name: 'Amend' }).click();
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', amended');
  await folder.says('lamp.md', note.replace('first line', 'first line, amended'));
  await expect(page.getByText('Amended since it was sealed.')).toBeVisible();
  await page.getByRole('button', { name: 'What changed' }).click();
  await expect(page.locator('.old-text ins')).toHaveText(', amended');
});

/** What was typed before the lock was known is not lost: it stays in the browser, and amends when that is said. */
test('what was typed while somebody locked the entry is kept and can amend it', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await daemon.stop('SIGKILL');
  await page.keyboard.type(', typed late');
  await expect(page.locator('.save.failing')).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event('pagehide')));
  await page.goto('about:blank');
  await daemon.start();
  await daemon.idle();
  const entry = await daemon.entry('lab', 'lamp.md');
  const { version } = await daemon.api<{ version: string }>('GET', `/notebooks/lab/entries/${entry}`);
  await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: 'finished', locks: true, version });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(page.locator('.save.failing')).toBeVisible();
  await expect(page.locator('.cm-content')).toContainText('typed late');
  await page.getByRole('button', { name: 'Amend' }).click();
  await folder.says('lamp.md', note.replace('first line', 'first line, typed late'));
});
