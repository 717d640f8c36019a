/** Who knows the keys types on at once: what is typed is in the field that they open, though nothing more can be loaded. */
import type { Page } from '@playwright/test';
import { type Daemon, type Folder, expect, test } from './world';

const note = '# Lamp\n\nThe anode glows.\n';
const comment = (page: Page) => page.getByLabel('Your comment').locator('textarea');

/** The entry is open, the cursor stands at the end of its line, and the daemon answers nothing more. */
async function alone(page: Page, daemon: Daemon): Promise<Folder> {
  const here = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.route('**', (route) => route.abort());
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.keyboard.press('End');
  return here;
}

const fields = [
  { of: 'the way to an entry', keys: 'Control+o', field: (page: Page) => page.getByRole('combobox', { name: 'Go to an entry' }) },
  { of: 'the list of commands', keys: 'Control+k', field: (page: Page) => page.getByRole('combobox', { name: 'What to do' }) },
  { of: 'a thought that is jotted down', keys: 'Alt+j', field: (page: Page) => page.getByLabel('What is on your mind') },
];

for (const { of, keys, field } of fields) {
  test(`what is typed after its keys is in ${of}, and the text gets the keyboard back`, async ({ page, daemon }) => {
    const here = await alone(page, daemon);
    await page.keyboard.press(keys);
    await page.keyboard.type('early');
    await expect(field(page)).toHaveValue('early');
    await expect(field(page)).toBeFocused();
    await page.unroute('**');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.keyboard.type(' Brightly.');
    await here.says('lamp.md', /Brightly/);
    expect(here.read('lamp.md')).toBe('# Lamp\n\nThe anode glows. Brightly.\n');
  });
}

test('a click beside a list closes it, and the text gets the keyboard back', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.keyboard.press('End');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: 'What to do' })).toBeFocused();
  await page.mouse.click(5, 5);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.type(' Brightly.');
  await here.says('lamp.md', /glows\. Brightly\.\n$/);
});

test('what is typed before a jotting has found its draft stands behind that, and goes to its notebook', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.notebook({ 'other.md': 'other\n' }, 'second');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const field = page.getByLabel('What is on your mind');
  await page.keyboard.press('Alt+j');
  await page.keyboard.type('A lamp ');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.evaluate(() => {
    const { locks } = navigator;
    const request = locks.request.bind(locks) as (...given: unknown[]) => Promise<unknown>;
    const come = new Promise<void>((done) => Object.assign(window, { come: done }));
    Object.assign(locks, { request: async (...given: unknown[]) => { await come; return request(...given); } });
  });
  await page.keyboard.press('Alt+j');
  await page.keyboard.type('second');
  await expect(field).toHaveValue('second');
  await expect(page.getByLabel('Notebook', { exact: true })).toBeDisabled();
  await page.evaluate(() => (window as unknown as { come: () => void }).come());
  await expect(field).toHaveValue('A lamp second');
  await page.keyboard.type(' thought');
  await expect(field).toHaveValue('A lamp second thought');
  await expect(page.getByLabel('Notebook', { exact: true })).toHaveValue('lab');
});

test('what is typed after its keys is the comment, on what is selected, and then the text gets the keyboard back', async ({ page, daemon }) => {
  const here = await alone(page, daemon);
  await page.locator('.cm-line', { hasText: 'anode' }).dblclick();
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Since when?');
  await expect(comment(page)).toHaveValue('Since when?');
  await expect(comment(page)).toBeFocused();
  await page.unroute('**');
  await page.keyboard.press('Control+Enter');
  await expect(page.locator('.threads .thread')).toContainText('Since when?');
  expect(here.read('lamp.md')).toBe(note);
  await page.keyboard.press('End');
  await page.keyboard.type(' Brightly.');
  await here.says('lamp.md', /glows\. Brightly\.\n$/);
});

test('a reply that was begun is there again, and leaves the keyboard to a new comment', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.api('POST', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}/comments`, { text: 'Since when?', quote: 'anode' });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const reply = page.locator('.threads .thread textarea');
  await page.locator('.cm-content .commented').click();
  await page.locator('.threads .thread').getByRole('button', { name: 'Reply' }).click();
  await expect(reply).toBeFocused();
  await page.keyboard.type('Since');
  await page.reload();
  await expect(page.locator('.cm-content .commented')).toHaveText('anode');
  await page.locator('.cm-line', { hasText: 'anode' }).dblclick({ position: { x: 14, y: 10 } });
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Another thing');
  await expect(comment(page)).toHaveValue('Another thing');
  await expect(comment(page)).toBeFocused();
  await expect(reply).toHaveValue('Since');
});
