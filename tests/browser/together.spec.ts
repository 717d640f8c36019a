/** Two people in one text at once. */
import { cursorAfter, expect, pair, test } from './world';

const note = '# Lamp\n\nfirst line\nsecond line\n';

test('what a colleague types is seen before it is saved, and comes into the text once', async ({ page, browser, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': note });
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ana', colour: '#aa3377' });
  const second = await (await browser.newContext()).newPage();
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await other.openEntry(second, 'lab', 'lamp.md');
  // Nothing is saved while this holds.
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/content*', async (route) => {
    if (route.request().method() === 'PUT') await held;
    await route.continue();
  });
  await cursorAfter(page, 'first line');
  await page.keyboard.type(' from Ana');
  const ghost = second.locator('.cm-other-text');
  await expect(ghost).toHaveText(' from Ana');
  await expect(second.locator('.cm-other-name')).toHaveText('Ana');
  await expect(second.getByRole('listitem', { name: 'Ana has this open' })).toBeVisible();
  // What is typed meanwhile goes where it is typed, and is saved without the other's.
  await cursorAfter(second, 'second line');
  await second.keyboard.type(' from Bo');
  await there.says('lamp.md', note.replace('second line', 'second line from Bo'));
  await expect(ghost).toHaveText(' from Ana');
  release();
  const both = note.replace('first line', 'first line from Ana').replace('second line', 'second line from Bo');
  await here.says('lamp.md', both);
  await there.says('lamp.md', both);
  await expect(ghost).toHaveCount(0);
  await expect(second.locator('.cm-content')).toContainText('first line from Ana');
  await page.close();
  await expect(second.locator('.cm-other-caret')).toHaveCount(0);
  await expect(second.getByRole('listitem', { name: 'Ana has this open' })).toHaveCount(0);
});

test('a second page of one desk shows the first one, and what is taken out', async ({ page, context, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  const second = await context.newPage();
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await daemon.openEntry(second, 'lab', 'lamp.md');
  await page.route('**/content*', (route) => (route.request().method() === 'PUT' ? undefined : route.continue()));
  await page.bringToFront();
  await cursorAfter(page, 'first line');
  for (let n = 0; n < 5; n += 1) await page.keyboard.press('Backspace');
  await expect(second.locator('.cm-other-deleted')).toHaveText(' line');
  await page.keyboard.type(' word');
  await expect(second.locator('.cm-other-text')).toHaveText(' word');
});
