/** What is typed for a field that is not there yet: it is in the field when it comes, and nowhere else. */
import type { Page } from '@playwright/test';
import { type Daemon, expect, test } from './world';

const note = '# Lamp\n\nThe anode glows.\n';

interface Held {
  /** It was asked for. */
  asked: Promise<void>;
  come: () => void;
}

/** Holds back what the page asks for, until it may come. */
async function holdBack(page: Page, what: RegExp): Promise<Held> {
  let come = () => {};
  const may = new Promise<void>((done) => (come = done));
  let isAsked = () => {};
  const asked = new Promise<void>((done) => (isAsked = done));
  await page.route(what, async (route) => {
    isAsked();
    await may;
    await route.continue();
  });
  return { asked, come };
}

const code = (name: string) => new RegExp(`/assets/${name}-[^/]*\\.js$`);
const editor = (page: Page) => page.locator('.cm-content');
const comment = (page: Page) => page.getByLabel('Your comment').locator('textarea');

/** The cursor stands at the end of the line. */
async function atEnd(page: Page): Promise<void> {
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.keyboard.press('End');
}

/** The cursor stands in the word that comments are about. */
async function inWord(page: Page): Promise<void> {
  await atEnd(page);
  await page.keyboard.press('Home');
  for (const _ of 'The a') await page.keyboard.press('ArrowRight');
}

async function said(daemon: Daemon, text: string): Promise<void> {
  await daemon.api('POST', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}/comments`, { text, quote: 'anode' });
}

const fields = [
  { of: 'the way to an entry', part: 'Switcher', keys: 'Control+o', field: (page: Page) => page.getByRole('combobox', { name: 'Go to an entry' }) },
  { of: 'the list of commands', part: 'Palette', keys: 'Control+k', field: (page: Page) => page.getByRole('combobox', { name: 'What to do' }) },
  { of: 'a thought that is jotted down', part: 'JotDialog', keys: 'Alt+j', field: (page: Page) => page.getByLabel('What is on your mind') },
];

for (const { of, part, keys, field } of fields) {
  test(`what is typed before it is there is in ${of}, and the text gets the keyboard back`, async ({ page, daemon }) => {
    const here = await daemon.notebook({ 'lamp.md': note });
    const held = await holdBack(page, code(part));
    await daemon.openEntry(page, 'lab', 'lamp.md');
    await atEnd(page);
    await page.keyboard.press(keys);
    await held.asked;
    await page.keyboard.type('earlz');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('y ');
    await expect(field(page)).toHaveCount(0);
    held.come();
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

test('what is typed while a jotting looks for its draft is in it', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.evaluate(() => {
    const { locks } = navigator;
    const request = locks.request.bind(locks) as (...given: unknown[]) => Promise<unknown>;
    const come = new Promise<void>((done) => Object.assign(window, { come: done }));
    Object.assign(locks, { request: async (...given: unknown[]) => { await come; return request(...given); } });
  });
  await atEnd(page);
  await page.keyboard.press('Alt+j');
  const field = page.getByLabel('What is on your mind');
  await expect(field).toBeDisabled();
  await page.keyboard.type('early');
  await page.evaluate(() => (window as unknown as { come: () => void }).come());
  await expect(field).toHaveValue('early');
  await expect(field).toBeFocused();
  expect(here.read('lamp.md')).toBe(note);
});

for (const part of ['comments\\.svelte', 'Panel']) {
  test(`what is typed before there is a place for a comment is the comment (${part} comes late)`, async ({ page, daemon }) => {
    const here = await daemon.notebook({ 'lamp.md': note });
    const held = await holdBack(page, code(part));
    await daemon.openEntry(page, 'lab', 'lamp.md');
    await page.locator('.cm-line', { hasText: 'anode' }).dblclick();
    await held.asked;
    await page.keyboard.press('Control+Alt+m');
    await page.keyboard.type('Since ');
    await expect(comment(page)).toHaveCount(0);
    held.come();
    await expect(comment(page)).toHaveValue('Since ');
    await expect(comment(page)).toBeFocused();
    await page.keyboard.type('when?');
    await page.keyboard.press('Control+Enter');
    await expect(page.locator('.threads .thread')).toContainText('Since when?');
    expect(here.read('lamp.md')).toBe(note);
  });
}

test('what is selected on the reading side is still selected when comments come late', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  const held = await holdBack(page, code('comments\\.svelte'));
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await page.locator('.prose p').dblclick({ position: { x: 50, y: 8 } });
  await held.asked;
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Since when?');
  held.come();
  await expect(comment(page)).toHaveValue('Since when?');
  await expect(page.getByLabel('Your comment').locator('q')).toHaveText('anode');
});

test('where a comment is at the cursor it is shown, and the text keeps the keyboard', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await said(daemon, 'Since when?');
  const held = await holdBack(page, /\/comments$/);
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await inWord(page);
  await held.asked;
  await page.keyboard.press('Control+Alt+m');
  // Nobody knows yet whether one is there.
  await expect(page.getByRole('complementary', { name: 'Comments' })).toContainText('Loading');
  held.come();
  await expect(page.locator('.threads .thread.chosen')).toContainText('Since when?');
  await expect(comment(page)).toHaveCount(0);
  await page.keyboard.type('-');
  await here.says('lamp.md', /The a-node/);
});

test('who has something to say before it is known whether a comment is at the cursor says it', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await said(daemon, 'Since when?');
  const held = await holdBack(page, /\/comments$/);
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await inWord(page);
  await held.asked;
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Who was here?');
  held.come();
  await expect(comment(page)).toHaveValue('Who was here?');
  await expect(comment(page)).toBeFocused();
  expect(here.read('lamp.md')).toBe(note);
});

test('a part that cannot be loaded is said, and the text keeps the keyboard', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await atEnd(page);
  const asked = page.waitForEvent('requestfailed');
  await page.route(code('JotDialog'), (route) => route.abort());
  await page.keyboard.press('Alt+j');
  await asked;
  await expect(page.locator('.messages')).not.toBeEmpty();
  await page.keyboard.type(' Brightly.');
  await here.says('lamp.md', /glows\. Brightly\.\n$/);
});

test('who goes elsewhere while a field is awaited writes there', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  const held = await holdBack(page, code('Panel'));
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-line', { hasText: 'anode' }).dblclick();
  await held.asked;
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Since when?');
  // Into a dialog.
  await page.keyboard.press('Alt+n');
  const name = page.getByRole('dialog').getByLabel('Name');
  await expect(name).toBeFocused();
  await name.fill('');
  await page.keyboard.type('bulb');
  held.come();
  await expect(comment(page)).toHaveValue('Since when?');
  await expect(name).toBeFocused();
  await expect(name).toHaveValue('bulb');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(here.read('lamp.md')).toBe(note);
});

test('Escape asks for nothing any more', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  const held = await holdBack(page, code('JotDialog'));
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await atEnd(page);
  await page.keyboard.press('Alt+j');
  await held.asked;
  await page.keyboard.type('not this');
  await page.keyboard.press('Escape');
  await page.keyboard.type(' Brightly.');
  held.come();
  await here.says('lamp.md', /glows\. Brightly\.\n$/);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Alt+j');
  await expect(page.getByLabel('What is on your mind')).toBeFocused();
  await expect(page.getByLabel('What is on your mind')).toHaveValue('');
});

test('a reply that was begun is there again, and leaves the keyboard to a new comment', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await said(daemon, 'Since when?');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-content .commented').click();
  await page.locator('.threads .thread').getByRole('button', { name: 'Reply' }).click();
  const reply = page.locator('.threads .thread textarea');
  await expect(reply).toBeFocused();
  await page.keyboard.type('Since');
  await page.reload();
  await editor(page).waitFor();
  await expect(page.locator('.cm-content .commented')).toHaveText('anode');
  await page.locator('.cm-line', { hasText: 'anode' }).dblclick({ position: { x: 14, y: 10 } });
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Another thing');
  await expect(comment(page)).toHaveValue('Another thing');
  await expect(comment(page)).toBeFocused();
  await expect(reply).toHaveValue('Since');
});
