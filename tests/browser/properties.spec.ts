/** Properties as a typed form: each type in its field, learnt or said; nothing else in the file changes. */
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { type Daemon, expect, pair, synced, test } from './world';

const head = '---\n# kept\nvolts: 40   # measured\nstatus: "open"\ndue: 2026-12-01\nat: 2026-12-01 14:00:00\ndone: false\nnested: {a: 1, b: [x]}\nparts:\n- tube\n- 7\nnext: "[[Protocol]]"\nreader: Ana\n---\n# Lamp\n';
/** Others, from which it is learnt what each key is. */
const learnt = Object.fromEntries(['open', 'done', 'open', 'done', 'open', 'waiting', 'waiting', 'waiting'].map((status, at) => [`runs/${at}.md`, `---\nstatus: ${status}\nvolts: ${at}\ntags: [optics, run]\n---\n`]));

async function open(daemon: Daemon, page: Page) {
  const here = await daemon.notebook({ 'lamp.md': head, 'Protocol.md': '# Protocol\n', ...learnt });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(form(page).getByLabel('volts', { exact: true })).toBeVisible();
  return here;
}

const form = (page: Page) => page.getByRole('region', { name: 'Properties' });
const field = (page: Page, name: string) => form(page).getByLabel(name, { exact: true });

test('each value is set in the field of its type, and no other byte of the file changes', async ({ page, daemon }) => {
  const here = await open(daemon, page);
  let expected = head;
  const becomes = async (from: string, to: string) => {
    expect(expected).toContain(from);
    expected = expected.replace(from, to);
    await here.says('lamp.md', expected);
  };
  await field(page, 'due').fill('2026-12-24');
  await field(page, 'due').press('Enter');
  await becomes('due: 2026-12-01', 'due: 2026-12-24');
  await field(page, 'at').fill('2026-12-02T15:30:00');
  await field(page, 'at').press('Enter');
  await becomes('at: 2026-12-01 14:00:00', 'at: 2026-12-02T15:30:00');
  await field(page, 'done').check();
  await becomes('done: false', 'done: true');
  // One of the values that the notebook has.
  await field(page, 'status').focus();
  await expect(page.getByRole('option')).toHaveText(['open', 'waiting', 'done']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await becomes('status: "open"', 'status: waiting');
  await form(page).getByLabel('Add to parts').fill('lens');
  await page.keyboard.press('Enter');
  await expect(form(page).getByRole('button', { name: 'Remove lens from parts' })).toBeVisible();
  await expect.poll(() => here.read('lamp.md')).toContain('lens');
  await form(page).getByRole('button', { name: 'Remove lens from parts' }).click();
  await here.says('lamp.md', expected);
  await field(page, 'next').fill('runs/3');
  await field(page, 'next').press('Enter');
  await becomes('next: "[[Protocol]]"', "next: '[[runs/3]]'");
  await expect(form(page).getByRole('link', { name: 'Open 3' })).toHaveAttribute('href', '#/n/lab/p/runs/3.md');
  await form(page).getByLabel('Add tag').fill('opt');
  await page.getByRole('option', { name: 'optics' }).click();
  await here.says('lamp.md', /^tags:\n- optics$/m);
});

test('text in a number is refused in words, stays in the field, and changes nothing', async ({ page, daemon }) => {
  const here = await open(daemon, page);
  await field(page, 'volts').fill('forty');
  await field(page, 'volts').press('Enter');
  await expect(form(page).getByRole('alert')).toContainText('“forty” is no number');
  await expect(field(page, 'volts')).toHaveValue('forty');
  await expect(field(page, 'volts')).toHaveAttribute('aria-invalid', 'true');
  // Another change of the entry does not take it away.
  here.write('lamp.md', head.replace('due: 2026-12-01', 'due: 2026-12-05'));
  await expect(field(page, 'due')).toHaveValue('2026-12-05');
  await expect(field(page, 'volts')).toHaveValue('forty');
  await field(page, 'volts').press('Escape');
  await expect(field(page, 'volts')).toHaveValue('40');
  await expect(form(page).getByRole('alert')).toHaveCount(0);
  expect(here.read('lamp.md')).toBe(head.replace('due: 2026-12-01', 'due: 2026-12-05'));
});

test('what no field can hold is shown as its source, and leads to it', async ({ page, daemon }) => {
  await open(daemon, page);
  await expect(form(page).locator('pre')).toHaveText('nested: {a: 1, b: [x]}');
  await form(page).getByRole('button', { name: 'Edit it in the text' }).click();
  await expect(page.locator('.cm-activeLine')).toHaveText('nested: {a: 1, b: [x]}');
  await expect(page.locator('.cm-content')).toBeFocused();
});

test('a type is said for the whole notebook, and taken back', async ({ page, daemon }) => {
  const here = await open(daemon, page);
  await form(page).getByRole('button', { name: /^reader: Text/ }).click();
  await page.getByRole('menuitem', { name: 'Person' }).click();
  await here.says('.metadata', '---\nproperty_types:\n  reader: person\n---\n');
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Bo Chen', colour: '#2f5fa8' });
  await field(page, 'reader').fill('');
  await field(page, 'reader').pressSequentially('Bo');
  await page.getByRole('option', { name: 'Bo Chen' }).click();
  await here.says('lamp.md', head.replace('reader: Ana', 'reader: Bo Chen'));
  await form(page).getByRole('button', { name: /^status: One of several/ }).click();
  await page.getByRole('menuitem', { name: 'Number' }).click();
  await expect(form(page)).toContainText('Not a number');
  await form(page).getByRole('button', { name: /^status: Number/ }).click();
  await page.getByRole('menuitem', { name: 'As its values are' }).click();
  await expect(form(page)).not.toContainText('Not a number');
  await here.says('.metadata', '---\nproperty_types:\n  reader: person\n---\n');
});

test('a property is added by keyboard, asked for as what it is elsewhere', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': '# Lamp\n', ...learnt });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await form(page).getByRole('button', { name: 'Add property' }).press('Enter');
  await page.keyboard.type('vol');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option', { name: 'volts', selected: true })).toBeVisible();
  await page.keyboard.press('Enter');
  await page.keyboard.type('many');
  await page.keyboard.press('Enter');
  await expect(form(page).getByRole('alert')).toContainText('“many” is no number');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('12.5');
  await page.keyboard.press('Enter');
  await here.says('lamp.md', '---\nvolts: 12.5\n---\n# Lamp\n');
});

test('a property that was set twice shows both values, and one of them is chosen', async ({ page, daemon, other }) => {
  const [here, there] = await pair(daemon, other, { 'lamp.md': '---\nstatus: open\n---\n# Lamp\n' });
  await other.stop();
  here.write('lamp.md', here.read('lamp.md').replace('open', 'done'));
  await daemon.took(here, 'lamp.md');
  there.write('lamp.md', there.read('lamp.md').replace('open', 'waiting'));
  await other.start();
  await synced(daemon);
  await synced(other);
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const twice = form(page).getByRole('group', { name: /Set twice/ });
  await expect(twice).toBeVisible();
  const shown = /status: (\w+)/.exec(here.read('lamp.md'))?.[1] ?? '';
  const hidden = shown === 'done' ? 'waiting' : 'done';
  await twice.getByRole('button', { name: `Use “${hidden}”` }).click();
  await here.says('lamp.md', `---\nstatus: ${hidden}\n---\n# Lamp\n`);
  await there.says('lamp.md', `---\nstatus: ${hidden}\n---\n# Lamp\n`);
  await expect(twice).toHaveCount(0);
  await expect(field(page, 'status')).toHaveValue(hidden);
});

test('folders and files with sidecars have the same form', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'runs/a.md': 'a\n', 'runs/.metadata': '---\nvolts: 5\n---\n', 'data.bin': Buffer.from([0, 1]), '.data.bin.json': '{\n  "volts": 7\n}\n', ...learnt });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'runs')}`);
  await field(page, 'volts').fill('6');
  await field(page, 'volts').press('Enter');
  await here.says('runs/.metadata', '---\nvolts: 6\n---\n');
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'data.bin')}`);
  await expect(field(page, 'volts')).toHaveValue('7');
  await field(page, 'volts').fill('8');
  await field(page, 'volts').press('Enter');
  await here.says('.data.bin.json', '{\n  "volts": 8\n}\n');
});

test('nothing about properties keeps somebody out', async ({ page, daemon }) => {
  await open(daemon, page);
  await field(page, 'volts').fill('x');
  await field(page, 'status').focus();
  await expect(page.getByRole('option').first()).toBeVisible();
  expect(await barriers(page)).toEqual([]);
});

test('a day that there is not is no value, and a name that is too long is refused plainly', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': '---\nvolts: 40\n---\n# Lamp\n', ...Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`runs/${at}.md`, `---\ndue: 2026-12-0${at + 1}\n---\n`])) });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await form(page).getByRole('button', { name: 'Add property' }).click();
  await form(page).getByRole('combobox', { name: 'Property name' }).fill('due');
  const value = form(page).locator('input[type=date]');
  await value.focus();
  await page.keyboard.type('02312026');
  await page.keyboard.press('Enter');
  await expect(form(page).getByRole('alert')).toHaveText('This is no whole date. Give a day that there is, with month and year.');
  await form(page).getByRole('combobox', { name: 'Property name' }).fill('n'.repeat(240));
  await form(page).getByRole('button', { name: 'Add property' }).click();
  await expect(form(page).getByRole('alert')).toHaveText('A name may have up to 100 letters.');
  expect(here.read('lamp.md')).toBe('---\nvolts: 40\n---\n# Lamp\n');
});
