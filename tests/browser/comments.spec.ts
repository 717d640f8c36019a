/** Comments at passages of a text: made by mouse and keyboard, seen by colleagues, kept through edits. */
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { type Daemon, expect, pair, synced, test } from './world';

const note = '# Lamp\n\nThe anode glows at 40 volts.\n\nIt was **switched off** over night.\n';

interface Thread {
  id: string;
  quote?: string | null;
  place?: { start: number; end: number; line: number } | null;
  comments: { text?: string | null }[];
}

async function threads(daemon: Daemon, path = 'lamp.md'): Promise<Thread[]> {
  return (await daemon.api<{ items: Thread[] }>('GET', `/notebooks/lab/entries/${await daemon.entry('lab', path)}/comments`)).items;
}

async function comment(daemon: Daemon, text: string, quote?: string): Promise<Thread> {
  return daemon.api('POST', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}/comments`, quote === undefined ? { text } : { text, quote });
}

/** Selects words that stand in one line of the editor. */
async function select(page: Page, words: string): Promise<void> {
  const line = page.locator('.cm-line', { hasText: words });
  const box = await line.evaluate((element, wanted) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      const at = node.data.indexOf(wanted);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      const { left, right, top, bottom } = range.getBoundingClientRect();
      return { left, right, y: (top + bottom) / 2 };
    }
    return null;
  }, words);
  if (!box) throw new Error(`${words} are not in one piece`);
  await page.mouse.move(box.left + 0.5, box.y);
  await page.mouse.down();
  await page.mouse.move(box.right - 0.5, box.y, { steps: 4 });
  await page.mouse.up();
}

/** Where a comment is being written. */
const area = (page: Page) => page.getByLabel(/^Your (comment|reply)/).locator('textarea');
const panel = (page: Page) => page.getByRole('complementary', { name: 'Comments' });
const marks = (page: Page) => page.locator('.cm-content .commented');

test('selected words are commented on by keyboard, answered, settled, and opened again', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await select(page, 'anode glows');
  await page.keyboard.press('Control+Alt+m');
  await expect(panel(page).getByLabel('Your comment').locator('q')).toHaveText('anode glows');
  await expect(area(page)).toBeFocused();
  await page.keyboard.type('Since when?');
  await page.keyboard.press('Control+Enter');
  await expect(marks(page)).toHaveText('anode glows');
  await expect(panel(page).locator('.threads .thread')).toHaveCount(1);
  // What was said is said: nothing offers to say it again.
  await expect(page.locator('.comment-offer')).toHaveCount(0);
  const [thread] = await threads(daemon);
  expect(thread).toMatchObject({ quote: 'anode glows', place: { line: 3 } });
  const card = panel(page).locator('.threads .thread');
  await card.getByRole('button', { name: 'Reply' }).click();
  await page.keyboard.type('Since Monday.\nIn *both* tubes.');
  await card.getByRole('button', { name: 'Reply' }).click();
  await expect(card.locator('.comment')).toHaveCount(2);
  await expect(card.locator('em')).toHaveText('both');
  await card.getByRole('button', { name: 'Resolve' }).click();
  await expect(marks(page)).toHaveCount(0);
  await expect(panel(page)).toContainText('All that was said here is settled.');
  await panel(page).getByRole('button', { name: 'Show 1 resolved thread' }).click();
  await expect(card).toContainText('Settled by');
  await expect(marks(page)).toHaveText('anode glows');
  await card.getByRole('button', { name: 'Open again' }).click();
  await expect(card).not.toContainText('Settled by');
  await expect(marks(page)).toHaveText('anode glows');
});

test('a list that was asked for before a comment was made does not take it away', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await comment(daemon, 'first word', '**switched off** over');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await select(page, 'anode glows');
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('Since when?');
  await expect(area(page)).toHaveValue('Since when?');
  const held: (() => void)[] = [];
  await page.route('**/comments', async (route) => {
    if (route.request().method() !== 'GET') return route.continue();
    const response = await route.fetch();
    await new Promise<void>((go) => held.push(go));
    await route.fulfill({ response });
  });
  await comment(daemon, 'second word', 'over night');
  await expect.poll(() => held.length).toBe(1);
  await page.keyboard.press('Control+Enter');
  const said = panel(page).locator('.threads .thread', { hasText: 'Since when?' });
  await expect(said).toHaveCount(1);
  // The old answer comes, and what is asked for after it does not yet.
  held[0]?.();
  await expect.poll(() => held.length).toBe(2);
  await expect(said).toHaveCount(1);
  held[1]?.();
  await expect(panel(page).locator('.threads .thread')).toHaveCount(3);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('marks go along with what is typed before and in them, and with a rename', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await comment(daemon, 'Since when?', 'anode glows');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(marks(page)).toHaveText('anode glows');
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.keyboard.press('Home');
  await page.keyboard.type('Today: ');
  await expect(marks(page)).toHaveText('anode glows');
  await select(page, 'node');
  await page.keyboard.type('nodes');
  await expect(marks(page)).toHaveText('anodes glows');
  await here.says('lamp.md', /Today: The anodes glows/);
  await expect.poll(async () => (await threads(daemon))[0]?.place?.end).toBe(8 + 'Today: The anodes glows'.length);
  here.write('lamp.md', `# Lamp\n\nWritten elsewhere.\n${here.read('lamp.md').slice(7)}`);
  await expect(page.locator('.cm-content')).toContainText('Written elsewhere.');
  await expect(marks(page)).toHaveText('anodes glows');
  await daemon.api('PATCH', `/notebooks/lab/entries/${await daemon.entry('lab', 'lamp.md')}`, { path: 'bulb.md' });
  await expect(page.locator('.crumbs .name')).toHaveText('bulb.md');
  await expect(marks(page)).toHaveText('anodes glows');
});

test('a mark shows its thread, and a thread its words: as it reads, as it is written, and on the reading side', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await comment(daemon, 'first word', 'anode glows');
  await comment(daemon, 'second word', '**switched off** over');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(marks(page)).toHaveCount(2);
  await marks(page).first().click();
  const chosen = panel(page).locator('.thread.chosen');
  await expect(chosen).toContainText('first word');
  await page.getByRole('button', { name: 'Show the text as it is written' }).click();
  await page.locator('.cm-content .commented', { hasText: 'over' }).last().click();
  await expect(chosen).toContainText('second word');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  const read = page.locator('article.prose .commented');
  await expect(page.locator('.pane.read')).toContainText('anode glows');
  await expect.poll(async () => (await read.allTextContents()).join('|')).toBe('anode glows|switched off| over');
  await read.first().click();
  await expect(chosen).toContainText('first word');
  await panel(page).getByRole('button', { name: /Show in the text: \*\*switched/ }).click();
  await expect(page.locator('article.prose .commented.chosen').first()).toHaveText('switched off');
});

test('what is selected on the reading side is commented on where it is written', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': `${note}\n- off\n- off again\n` });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await page.locator('article.prose strong').click({ clickCount: 2 });
  await page.keyboard.press('Control+Alt+m');
  await expect(area(page)).toBeFocused();
  await page.keyboard.type('By whom?');
  await page.keyboard.press('Control+Enter');
  await expect(page.locator('article.prose mark')).toHaveText('switched');
  await expect(panel(page).locator('.threads .thread')).toHaveCount(1);
  expect((await threads(daemon)).map(({ quote }) => quote)).toEqual(['switched']);
});

test('a whole item or paragraph that is chosen by three clicks is what the comment is about, and no more', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': `${note}\n- off\n- off again\n\nBetween\n\n1. on\n2. on at last\n` });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  for (const words of ['off', 'off again', 'Between', 'on', 'on at last']) {
    await page.locator('article.prose').getByText(words, { exact: true }).click({ clickCount: 3 });
    await page.keyboard.press('Control+Alt+m');
    await expect(panel(page).getByLabel('Your comment').locator('q')).toHaveText(words);
    await page.keyboard.press('Escape');
    await expect(area(page)).toHaveCount(0);
  }
});

test('what is selected on the reading side stays so while the text is drawn anew', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': `${note}\nSee [[tube]].\n` });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await page.locator('article.prose strong').click({ clickCount: 2 });
  await page.locator('article.prose').evaluate((article) => (article.firstElementChild?.setAttribute('data-old', '')));
  // The link means something now: the text is drawn again.
  here.write('tube.md', '# Tube\n');
  await expect(page.locator('article.prose [data-old]')).toHaveCount(0);
  expect(await page.evaluate(() => getSelection()?.toString().trim())).toBe('switched');
  await page.keyboard.press('Control+Alt+m');
  await expect(panel(page).getByLabel('Your comment').locator('q')).toHaveText('switched');
});

test('what is drawn in the place of its source is marked as a whole', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': '# Lamp\n\n| volts | light |\n| --- | --- |\n| 40 | blue |\n\nend\n' });
  await comment(daemon, 'Or violet?', 'blue');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(page.locator('.cm-block-table.commented')).toHaveCount(1);
  await page.getByRole('button', { name: 'Comments: 1 open' }).click();
  await panel(page).getByRole('button', { name: 'Show in the text: blue' }).click();
  await page.getByRole('button', { name: 'Both', exact: true }).click();
  await expect(page.locator('article.prose td mark')).toHaveText('blue');
  here.write('lamp.md', '# Lamp\n\n| volts | light |\n| --- | --- |\n| 40 | dull |\n\nend\n');
  await expect(page.locator('article.prose td').last()).toHaveText('dull');
  await expect(page.locator('.cm-block-table.commented')).toHaveCount(0);
});

test('a text with Windows line ends and a byte order mark keeps comments where they are', async ({ page, daemon }) => {
  const text = `\uFEFF${note.replaceAll('\n', '\r\n')}`;
  const here = await daemon.notebook({ 'lamp.md': text });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await select(page, 'over night');
  await page.locator('.comment-offer button').click();
  await expect(area(page)).toBeFocused();
  await page.keyboard.type('Which night?');
  await panel(page).getByRole('button', { name: 'Comment', exact: true }).click();
  await expect(panel(page).locator('.threads .thread')).toHaveCount(1);
  await expect(marks(page)).toHaveText('over night');
  expect((await threads(daemon))[0]).toMatchObject({ quote: 'over night' });
  expect(here.read('lamp.md')).toBe(text);
});

test('a thread whose words are gone says so, and shows them', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note });
  await comment(daemon, 'Since when?', 'anode glows');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: /^Comments/ }).click();
  await expect(panel(page)).toContainText('Since when?');
  here.write('lamp.md', '# Lamp\n\nNothing is left.\n');
  await expect(panel(page)).toContainText('No longer in the text');
  await expect(panel(page).locator('.quote.gone')).toHaveText('anode glows');
  await expect(marks(page)).toHaveCount(0);
});

test('what a colleague says appears by itself, with who is named; one’s own is changed and taken back', async ({ page, browser, daemon, other }) => {
  await pair(daemon, other, { 'lamp.md': note });
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ana Lima', colour: '#aa3377' });
  await other.api('POST', '/profile', { notebook: 'lab', name: 'Bo Chen', colour: '#2f5fa8' });
  await synced(daemon);
  await synced(other);
  const second = await (await browser.newContext()).newPage();
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await other.openEntry(second, 'lab', 'lamp.md');
  await page.getByRole('button', { name: /^Comments/ }).click();
  await second.getByRole('button', { name: /^Comments/ }).click();
  await page.getByRole('button', { name: 'Comment on the entry' }).click();
  await page.keyboard.type('Have a look, @b');
  await expect(page.getByRole('option', { name: 'Bo Chen' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(area(page)).toHaveValue('Have a look, @Bo Chen ');
  await page.keyboard.press('Control+Enter');
  const there = panel(second).locator('.threads .thread');
  await expect(there).toContainText('Ana Lima');
  await expect(there.locator('.named')).toHaveText('@Bo Chen');
  await expect(there.getByRole('button', { name: 'Edit' })).toHaveCount(0);
  await there.getByRole('button', { name: 'Reply' }).click();
  await second.keyboard.type('I will');
  await second.keyboard.press('Control+Enter');
  const here = panel(page).locator('.threads .thread');
  await expect(here).toContainText('I will');
  await there.getByRole('button', { name: 'Edit' }).click();
  await second.keyboard.type(', tomorrow');
  await second.keyboard.press('Control+Enter');
  await expect(here).toContainText('I will, tomorrow');
  await expect(here).toContainText('(edited)');
  await there.getByRole('button', { name: 'Take back' }).click();
  await second.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(here).toContainText('Taken back');
  await expect(here).not.toContainText('tomorrow');
  // The list over all notebooks: what names whoever asks.
  await second.goto(`${other.url}/#/comments`);
  await second.getByRole('button', { name: 'Naming me' }).click();
  await expect(second.locator('.talk .card')).toContainText('Have a look, @Bo Chen');
  await page.goto(`${daemon.url}/#/comments`);
  await expect(page.locator('.talk .card')).toHaveCount(1);
  await page.getByRole('button', { name: 'Naming me' }).click();
  await expect(page.getByText('No open comment names you.')).toBeVisible();
  await second.getByRole('link', { name: 'lamp.md' }).click();
  await expect(panel(second).locator('.thread.chosen')).toContainText('Have a look');
});

test('a viewer reads comments, and is told why there is nothing to write them with', async ({ page, daemon, other }) => {
  await pair(daemon, other, { 'lamp.md': note });
  await comment(daemon, 'Since when?', 'anode glows');
  const { items } = await daemon.api<{ items: { person: string; this_device: boolean }[] }>('GET', '/members?notebook=lab');
  await daemon.api('POST', '/roles', { notebook: 'lab', who: items.find((one) => !one.this_device)?.person, role: 'viewer' });
  await synced(daemon);
  await expect.poll(async () => (await other.api<{ notebooks: { role: string }[] }>('GET', '/status')).notebooks[0]?.role).toBe('viewer');
  await other.openEntry(page, 'lab', 'lamp.md');
  await expect(marks(page)).toHaveText('anode glows');
  await page.keyboard.press('Control+Alt+m');
  await expect(panel(page)).toContainText('viewers do not comment');
  await expect(panel(page)).toContainText('Since when?');
  await expect(panel(page).getByRole('button', { name: /Reply|Resolve|Comment on/ })).toHaveCount(0);
});

test('a comment that was begun is there after a reload, and is not sent about text that is not saved', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.locator('.cm-line', { hasText: 'anode' }).click();
  await page.route('**/content*', (route) => (route.request().method() === 'PUT' ? route.abort() : route.continue()));
  await page.keyboard.press('End');
  await page.keyboard.type(' unsaved');
  // The sign that saving fails moves the text down: not while it is being selected.
  await expect(page.locator('.banner.bad')).toBeVisible();
  await select(page, 'unsaved');
  await page.keyboard.press('Control+Alt+m');
  await expect(area(page)).toBeFocused();
  await page.keyboard.type('Why?');
  await page.keyboard.press('Control+Enter');
  await expect(panel(page).getByRole('alert')).toContainText('not saved yet');
  expect(await threads(daemon)).toHaveLength(0);
  await page.unroute('**/content*');
  await page.reload();
  await page.waitForSelector('.cm-content');
  await page.getByRole('button', { name: /^Comments/ }).click();
  await page.getByRole('button', { name: 'Comment on the entry' }).click();
  await expect(area(page)).toHaveValue('Why?');
});

test('nothing about comments keeps somebody out', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note });
  await comment(daemon, 'Since when?', 'anode glows');
  await comment(daemon, 'About all of it.');
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await marks(page).first().click();
  await panel(page).getByRole('button', { name: 'Reply' }).first().click();
  expect(await barriers(page)).toEqual([]);
  await page.goto(`${daemon.url}/#/comments`);
  await expect(page.locator('.talk .card')).toHaveCount(2);
  expect(await barriers(page)).toEqual([]);
});

test('a name in a comment leads to its note from the list of all comments too', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note, 'deep/Tris buffer.md': '# Tris\n' });
  await comment(daemon, 'As in [[Tris buffer]].');
  await daemon.open(page, '#/comments');
  const link = page.locator('.talk .said a');
  await expect(link).not.toHaveClass(/missing/);
  await link.click();
  await expect(page.locator('.crumbs [aria-current]')).toHaveText('Tris buffer.md');
});
