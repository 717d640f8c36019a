/** What is typed for a field that is not there yet: it is in the field when it comes, and nowhere else. */
import type { Page } from '@playwright/test';
import { expect, test } from './world';

const note = '# Lamp\n\nThe anode glows.\n';

/** Holds back one part of the page's code, until the answer is called. */
async function holdBack(page: Page, part: string): Promise<() => void> {
  let go = () => {};
  const held = new Promise<void>((done) => (go = done));
  await page.route(new RegExp(`/assets/${part}-[^/]*\\.js$`), async (route) => {
    await held;
    await route.continue();
  });
  return go;
}

const fields = [
  { of: 'the way to an entry', part: 'Switcher', keys: 'Control+o', field: (page: Page) => page.getByRole('combobox', { name: 'Go to an entry' }) },
  { of: 'the list of commands', part: 'Palette', keys: 'Control+k', field: (page: Page) => page.getByRole('combobox', { name: 'What to do' }) },
  { of: 'a thought that is jotted down', part: 'JotDialog', keys: 'Alt+j', field: (page: Page) => page.getByLabel('What is on your mind') },
];

for (const { of, part, keys, field } of fields) {
  test(`what is typed before it is there is in ${of}, and the text gets the keyboard back`, async ({ page, daemon }) => {
    const here = await daemon.notebook({ 'lamp.md': note });
    const come = await holdBack(page, part);
    await daemon.openEntry(page, 'lab', 'lamp.md');
    await page.locator('.cm-line', { hasText: 'anode' }).click();
    await page.keyboard.press('End');
    await page.keyboard.press(keys);
    await page.keyboard.type('early ');
    come();
    await expect(field(page)).toHaveValue('early ');
    await expect(field(page)).toBeFocused();
    await page.keyboard.type('and late');
    await expect(field(page)).toHaveValue('early and late');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.keyboard.type(' Brightly.');
    await here.says('lamp.md', /glows\. Brightly\.\n$/);
    expect(here.read('lamp.md')).toBe('# Lamp\n\nThe anode glows. Brightly.\n');
  });
}

for (const part of ['comments.svelte', 'Panel']) {
  test(`what is typed before there is a place for a comment is the comment (${part} comes late)`, async ({ page, daemon }) => {
    const here = await daemon.notebook({ 'lamp.md': note });
    const come = await holdBack(page, part.replace('.', '\\.'));
    await daemon.openEntry(page, 'lab', 'lamp.md');
    await page.locator('.cm-line', { hasText: 'anode' }).dblclick();
    await page.keyboard.press('Control+Alt+m');
    await page.keyboard.type('Since ');
    come();
    const comment = page.getByLabel('Your comment').locator('textarea');
    await expect(comment).toHaveValue('Since ');
    await expect(comment).toBeFocused();
    await page.keyboard.type('when?');
    await page.keyboard.press('Control+Enter');
    await expect(page.locator('.threads .thread')).toContainText('Since when?');
    expect(here.read('lamp.md')).toBe(note);
  });
}

test('a command that no field comes for leaves the keyboard in the text', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await daemon.api('POST', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}/comments`, { text: 'Since when?', quote: 'anode' });
  const come = await holdBack(page, 'comments\\.svelte');
  let asked = false;
  let answer = () => {};
  const answered = new Promise<void>((done) => (answer = done));
  await page.route('**/comments', async (route) => {
    asked = true;
    await answered;
    await route.continue();
  });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.keyboard.press('Home');
  for (const _ of 'The a') await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Control+Alt+m');
  come();
  await expect.poll(() => asked).toBe(true);
  answer();
  await expect(page.locator('.threads .thread')).toContainText('Since when?');
  await expect(page.locator('.cm-content')).toBeFocused();
  await page.keyboard.type('-');
  await here.says('lamp.md', /The a-node/);
});
