/** The editor: marks are hidden and shown, and the file holds what was typed and nothing else. */
import type { Page } from '@playwright/test';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cursorAfter, expect, test } from './world';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
);
const line = (page: Page, text: string) => page.locator('.cm-line', { hasText: text });

/** The cursor at the very end of the text. */
async function cursorAtEnd(page: Page): Promise<void> {
  await page.locator('.cm-content').focus();
  await page.keyboard.press('Control+End');
}

/** What the editor holds, character by character. */
const held = async (page: Page): Promise<string> => {
  await page.getByRole('button', { name: 'as it is written' }).click();
  const text = (await page.locator('.cm-line').allTextContents()).join('\n');
  await page.getByRole('button', { name: 'as it is written' }).click();
  return text;
};

test('marks are hidden, and shown where the cursor is', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': 'plain line\n\n# Big\n\nsome **bold** and `code` and [site](https://example.org)\n\n> [!warning] Hot\n> do not touch\n\n- one\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await expect(line(page, 'Big')).toHaveText('Big');
  await expect(line(page, 'some')).toHaveText('some bold and code and site');
  await expect(line(page, 'Hot')).toHaveText('Hot');
  await expect(line(page, 'one')).toHaveText('• one');
  await cursorAfter(page, 'Big');
  await expect(line(page, 'Big')).toHaveText('# Big');
  await expect(line(page, 'some')).toHaveText('some bold and code and site');
  await line(page, 'some').getByText('bold').click();
  await expect(line(page, 'some')).toHaveText('some **bold** and code and site');
  await expect(line(page, 'Big')).toHaveText('Big');
  await cursorAfter(page, 'site');
  await expect(line(page, 'some')).toHaveText('some bold and code and [site](https://example.org)');
  await cursorAfter(page, 'Hot');
  await expect(line(page, 'Hot')).toHaveText('> [!warning] Hot');
});

test('source mode shows the text as it is written, and is remembered', async ({ page, daemon }) => {
  const text = '---\ntitle: A\n---\n# Big\n\n**bold**\n\n| a | b |\n| - | - |\n| 1 | 2 |\n';
  await daemon.notebook({ 'a.md': text });
  await daemon.openEntry(page, 'lab', 'a.md');
  await expect(page.locator('.cm-block-table td')).toHaveText(['1', '2']);
  await page.keyboard.press('Control+Shift+E');
  await expect(page.locator('.cm-line')).toHaveText(text.split('\n'));
  await page.reload();
  await expect(page.locator('.cm-line')).toHaveText(text.split('\n'));
  await page.getByRole('button', { name: 'as it is written' }).click();
  await expect(page.locator('.cm-block-table td')).toHaveText(['1', '2']);
});

test('a table is edited cell by cell, and no other byte changes', async ({ page, daemon }) => {
  const before = '# T\n\n|  line |wavelength|   note   |\n|:--|---:|:-:|\n| Hg e\t|  435.8 | a \\| b |\n|Hg h|546.1||\n\nafter  \n';
  const folder = await daemon.notebook({ 'a.md': before });
  await daemon.openEntry(page, 'lab', 'a.md');
  const cells = page.locator('.cm-block-table :is(th, td)');
  await expect(cells).toHaveText(['line', 'wavelength', 'note', 'Hg e', '435.8', 'a | b', 'Hg h', '546.1', '']);
  await cells.filter({ hasText: '435.8' }).click();
  await expect(page.locator('.cm-block-table')).toHaveCount(0);
  await page.keyboard.type('33');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('546.07');
  const edited = before.replace('435.8', '435.833').replace('546.1', '546.07');
  await folder.says('a.md', edited);
  await page.keyboard.press('Tab');
  await page.keyboard.type('green');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Hg y');
  const grown = edited.replace('|546.07||', '|546.07|green|\n| Hg y |  |  |');
  await folder.says('a.md', grown);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.type('G');
  await folder.says('a.md', grown.replace('green', 'G'));
  await cursorAtEnd(page);
  await expect(page.locator('.cm-block-table td')).toHaveCount(9);
  await daemon.idle();
  expect(folder.read('a.md')).toBe(grown.replace('green', 'G'));
});

test('a click on a box changes one character of the file', async ({ page, daemon }) => {
  const before = '---\ntitle: A\n---\n* [ ] one  \n  - [X] two\n1. [ ] three\n';
  const folder = await daemon.notebook({ 'a.md': before });
  await daemon.openEntry(page, 'lab', 'a.md');
  const boxes = page.locator('.cm-content').getByRole('checkbox');
  await expect(boxes).toHaveCount(3);
  await boxes.first().click();
  await folder.says('a.md', before.replace('* [ ]', '* [x]'));
  await expect(boxes.first()).toBeChecked();
  await boxes.nth(1).click();
  await folder.says('a.md', before.replace('* [ ]', '* [x]').replace('[X]', '[ ]'));
  // The reading side too.
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  const read = page.locator('.prose').getByRole('checkbox');
  await expect(read.first()).toBeChecked();
  await read.nth(2).click();
  await expect(read.nth(2)).toBeChecked();
  await folder.says('a.md', before.replace('* [ ]', '* [x]').replace('[X]', '[ ]').replace('1. [ ]', '1. [x]'));
});

/** Pastes or drops a file where the cursor is, as a browser does. */
async function give(page: Page, how: 'paste' | 'drop', name: string, bytes: Buffer, type: string): Promise<void> {
  await page.evaluate(([kind, file, base64, media]) => {
    const content = document.querySelector('.cm-content') as HTMLElement;
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], file, { type: media }));
    const last = Array.from(document.querySelectorAll('.cm-line')).at(-1)?.getBoundingClientRect();
    const event = kind === 'paste'
      ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
      : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true, clientX: (last?.left ?? 0) + 2, clientY: (last?.top ?? 0) + 5 });
    content.dispatchEvent(event);
  }, [how, name, bytes.toString('base64'), type] as const);
}

test('an image that is pasted or dropped ends as a file beside the entry and a link', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'day/a.md': 'first\n\n' });
  await daemon.openEntry(page, 'lab', 'day/a.md');
  await cursorAtEnd(page);
  await give(page, 'paste', 'image.png', png, 'image/png');
  await folder.says('day/a.md', /^first\n\n!\[image-[\d-]+\]\(image-[\d-]+\.png\)$/);
  const [pasted = ''] = readdirSync(join(folder.path, 'day')).filter((name) => name.endsWith('.png'));
  expect(readFileSync(join(folder.path, 'day', pasted))).toEqual(png);
  await page.keyboard.press('Enter');
  await give(page, 'drop', 'lamp [1] & (2).png', png, 'image/png');
  await folder.says('day/a.md', /\n!\[lamp \\\[1\\\] \\& \(2\)\]\(lamp%20%5B1%5D%20%26%20%282%29\.png\)$/);
  expect(readFileSync(join(folder.path, 'day/lamp [1] & (2).png'))).toEqual(png);
  await page.keyboard.press('Enter');
  await give(page, 'drop', 'data.csv', Buffer.from('a,b\n'), 'text/csv');
  await folder.says('day/a.md', /\n\[data\.csv\]\(data\.csv\)$/);
  await expect(page.locator('.cm-image img')).toHaveCount(2);
  await expect.poll(() => page.locator('.cm-image img').evaluateAll((all) => all.map((each) => (each as HTMLImageElement).naturalWidth))).toEqual([10, 10]);
});

test('an upload that fails says so, and can be tried again', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'first\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await cursorAtEnd(page);
  await page.route('**/entries/upload', (route) => route.fulfill({ status: 507, json: { error: { code: 'disk_full', message: 'There is no room.' } } }), { times: 1 });
  await give(page, 'paste', 'lamp.png', png, 'image/png');
  const sign = page.locator('.cm-upload.failed');
  await expect(sign).toContainText('lamp.png was not uploaded. There is no room.');
  // What is typed meanwhile stays, and the link comes where the file was put.
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('zeroth, ');
  await sign.getByRole('button', { name: 'Try again' }).click();
  await folder.says('a.md', 'zeroth, first\n![lamp](lamp.png)');
  await expect(page.locator('.cm-upload')).toHaveCount(0);
});

test('names of notes and headings are completed, and links lead there', async ({ page, daemon }) => {
  const folder = await daemon.notebook({
    'a.md': 'see \n',
    'Lamps/Mercury lamp.md': '# Mercury lamp\n\ntext\n\n## Warm up\n\nten minutes\n',
    'Lamps/old/Mercury.md': '# Older\n',
    'Zinc.md': 'zinc\n',
  });
  await daemon.openEntry(page, 'lab', 'a.md');
  await cursorAfter(page, 'see');
  await page.keyboard.type('[[merc');
  const offers = page.locator('.cm-tooltip-autocomplete li');
  await expect(offers).toHaveCount(2);
  await offers.filter({ hasText: 'Mercury lamp' }).click();
  await folder.says('a.md', 'see [[Mercury lamp]]\n');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.type('#wa');
  await expect(offers).toHaveText(/Warm up/);
  await page.keyboard.press('Enter');
  await folder.says('a.md', 'see [[Mercury lamp#Warm up]]\n');
  await expect(page.locator('.save.saved')).toBeVisible();
  await cursorAtEnd(page);
  const link = page.locator('.cm-live-link');
  await expect(link).toHaveText('Mercury lamp › Warm up');
  await link.click({ modifiers: ['ControlOrMeta'] });
  await expect(page.locator('.cm-content')).toContainText('ten minutes');
  await expect(page.getByRole('navigation', { name: 'Path' })).toContainText('Mercury lamp.md');
});

test('commands after a slash write what they say', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'first\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await cursorAtEnd(page);
  await page.keyboard.type('/heading2');
  await expect(page.locator('.cm-tooltip-autocomplete li')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await page.keyboard.type('Plan');
  await page.keyboard.press('Enter');
  await page.keyboard.type('/tas');
  await expect(page.locator('.cm-tooltip-autocomplete li').first()).toContainText('Task');
  await page.keyboard.press('Enter');
  await page.keyboard.type('warm up');
  await page.keyboard.press('Enter');
  // The next task is begun by itself; in the middle of a line a slash is a slash.
  await page.keyboard.type('and/or');
  await folder.says('a.md', 'first\n## Plan\n- [ ] warm up\n- [ ] and/or');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.keyboard.type('/date');
  await expect(page.locator('.cm-tooltip-autocomplete li')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await folder.says('a.md', /and\/or\n\n?\d{4}-\d\d-\d\d$/);
});

test('what is completed leads where it says: odd names, equal headings; commands stay in their quote', async ({ page, daemon }) => {
  const odd = 'it\'s [odd] #1 (x) 50%';
  const folder = await daemon.notebook({ 'a.md': 'see \n', [`${odd}.md`]: 'odd one\n', 'runs.md': `# Run 1\n\n## Results\n\nfirst\n${'\n'.repeat(80)}# Run 2\n\n## Results\n\nsecond\n` });
  await daemon.openEntry(page, 'lab', 'a.md');
  const offers = page.locator('.cm-tooltip-autocomplete li');
  await cursorAfter(page, 'see');
  await page.keyboard.type('[[odd');
  await offers.first().click();
  await folder.says('a.md', 'see [it\'s \\[odd\\] #1 (x) 50%](it%27s%20%5Bodd%5D%20%231%20%28x%29%2050%25.md)\n');
  await page.keyboard.type(' and [[runs#res');
  await expect(offers).toHaveText(['Results## Run 1', 'Results## Run 2']);
  await offers.nth(1).click();
  await folder.says('a.md', /\[\[runs#Results-1\|Results\]\]\n$/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.keyboard.type('> /math');
  await expect(offers).toHaveCount(1);
  await page.keyboard.press('Enter');
  await page.keyboard.type('x^2');
  await folder.says('a.md', /\n\n> \$\$\n> x\^2\n> \$\$\n> /);
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await expect(page.locator('.prose blockquote .katex-display')).toBeVisible();
  await page.locator('.prose a', { hasText: 'odd' }).click();
  await expect(page.locator('.crumbs [aria-current]')).toHaveText(`${odd}.md`);
  await page.goBack();
  await page.locator('.prose a', { hasText: 'Results' }).click();
  await expect(page.locator('.prose', { hasText: 'second' }).getByText('second')).toBeInViewport();
});

test('files that are dropped together are links apart, in their order', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'onetwo\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  let first = true;
  await page.route('**/entries/upload', async (route) => {
    const waits = first;
    first = false;
    // The second one arrives before it.
    if (waits) await folder.says('a.md', /two\.csv/);
    await route.continue();
  });
  await page.locator('.cm-content').focus();
  await page.keyboard.press('Control+Home');
  for (let n = 0; n < 3; n += 1) await page.keyboard.press('ArrowRight');
  await page.evaluate(() => {
    const data = new DataTransfer();
    for (const name of ['one.csv', 'two.csv']) data.items.add(new File(['a,b\n'], name, { type: 'text/csv' }));
    document.querySelector('.cm-content')?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await folder.says('a.md', 'one [one.csv](one.csv)\n[two.csv](two.csv) two\n');
});

test('shortcuts write and take away marks', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'one two\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await cursorAfter(page, 'one');
  await page.keyboard.press('Control+Shift+ArrowLeft');
  await page.keyboard.press('Control+b');
  await folder.says('a.md', 'one **two**\n');
  await page.keyboard.press('Control+i');
  await folder.says('a.md', 'one ***two***\n');
  await page.keyboard.press('Control+b');
  await folder.says('a.md', 'one *two*\n');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('https://example.org');
  await folder.says('a.md', 'one *[two](https://example.org)*\n');
  await page.keyboard.press('Control+Alt+2');
  await folder.says('a.md', '## one *[two](https://example.org)*\n');
  await page.keyboard.press('Control+Alt+2');
  await page.keyboard.press('Control+Enter');
  await folder.says('a.md', '- [ ] one *[two](https://example.org)*\n');
  await page.keyboard.press('Control+Enter');
  await folder.says('a.md', '- [x] one *[two](https://example.org)*\n');
});

test('undo takes back what was typed here, and nothing of what others wrote', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'first\n\nlast\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await cursorAfter(page, 'last');
  await page.keyboard.type(' typed');
  await folder.says('a.md', 'first\n\nlast typed\n');
  folder.write('a.md', 'first, by another program\n\nlast typed, and theirs\n');
  await expect(page.locator('.cm-content')).toContainText('and theirs');
  await page.keyboard.press('Control+z');
  await folder.says('a.md', 'first, by another program\n\nlast, and theirs\n');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+Shift+z');
  await folder.says('a.md', 'first, by another program\n\nlast typed, and theirs\n');
  await daemon.idle();
  expect(folder.read('a.md')).toBe('first, by another program\n\nlast typed, and theirs\n');
});

test('formulas, diagrams and embedded notes are drawn, and show as they are written where the cursor is', async ({ page, daemon }) => {
  const text = 'top\n\nso $a^2$ here\n\n$$\nb^2\n$$\n\n```mermaid\nflowchart LR\n  A --> B\n```\n\n![[Other#Part]]\n\nend\n';
  const folder = await daemon.notebook({ 'a.md': text, 'Other.md': '# Other\n\nnot this\n\n## Part\n\nthe part\n\n## Rest\n\nnot that\n' });
  await daemon.openEntry(page, 'lab', 'a.md');
  await expect(page.locator('.cm-content .katex')).toHaveCount(2);
  await expect(page.locator('.cm-content img.drawing')).toBeVisible();
  await expect(page.locator('.cm-content .embedded-note')).toContainText('the part');
  await expect(page.locator('.cm-content .embedded-note')).not.toContainText('not th');
  await page.locator('.cm-content img.drawing').click();
  await expect(line(page, 'flowchart')).toBeVisible();
  await page.keyboard.press('Control+Home');
  await expect(page.locator('.cm-content img.drawing')).toBeVisible();
  // The keys go through what stands for several lines.
  for (let n = 0; n < 4; n += 1) await page.keyboard.press('ArrowDown');
  await expect(line(page, 'b^2')).toBeVisible();
  expect(await held(page)).toBe(text);
  await daemon.idle();
  expect(folder.read('a.md')).toBe(text);
});

test('the reading side knows footnotes, callouts, links and embeds', async ({ page, daemon }) => {
  await daemon.notebook({
    'a.md': 'A note[^n] and [[Other|that]] and [[Nowhere]].\n\n> [!tip]- Folded\n> inside\n\n![[Other]]\n\n```js\nconst a = 1;\n```\n\n[^n]: The footnote.\n',
    'Other.md': 'text of the other\n',
  });
  await daemon.openEntry(page, 'lab', 'a.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  const prose = page.locator('.prose');
  await expect(prose.locator('.embedded-note')).toContainText('text of the other');
  await expect(prose.locator('.tok-keyword')).toHaveText('const');
  await expect(prose.getByText('inside')).toBeHidden();
  await prose.getByText('Folded').click();
  await expect(prose.getByText('inside')).toBeVisible();
  await prose.getByRole('link', { name: 'Footnote 1' }).click();
  await expect(prose.locator('.footnote-item')).toBeFocused();
  await expect(prose.locator('.wikilink.missing')).toHaveText('Nowhere');
  await prose.getByRole('link', { name: 'that' }).click();
  await expect(page.getByRole('navigation', { name: 'Path' })).toContainText('Other.md');
});

test('the page’s policy demands Trusted Types, and all of it works', async ({ page, daemon, complaints }) => {
  const text = 'so $a^2$ here\n\n```mermaid\nflowchart LR\n  A[One] --> B{Two}\n```\n\n```mermaid\nsequenceDiagram\n  A->>B: hello\n```\n\n| **a** | b |\n| - | - |\n| 1 | $x$ |\n\n![[Other]]\n\n```js\nconst a = 1;\n```\n';
  await daemon.notebook({ 'a.md': text, 'Other.md': 'text of the *other*\n' });
  await page.addInitScript(() => localStorage.setItem('codex.mode', 'both'));
  await daemon.openEntry(page, 'lab', 'a.md');
  await page.waitForSelector('.cm-content');
  expect(await page.evaluate(() => {
    try {
      document.createElement('script').text = '1';
      return 'taken';
    } catch {
      return 'refused';
    }
  })).toBe('refused');
  // The browser tells of that one, and of no other.
  await expect.poll(() => complaints.length).toBe(1);
  expect(complaints.splice(0)).toEqual([expect.stringContaining('TrustedScript')]);
  for (const side of ['.cm-content', '.prose']) {
    await expect(page.locator(`${side} img.drawing`)).toHaveCount(2);
    await expect(page.locator(`${side} .katex`)).toHaveCount(2);
    await expect(page.locator(`${side} .embedded-note em`)).toHaveText('other');
    await expect(page.locator(`${side} th strong`)).toHaveText('a');
  }
});

test('HTML comes when a text has some: its tags are coloured, and closed as they are typed', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'a.md': 'before\n', 'b.md': '<details>\n<summary>More</summary>\n</details>\n' });
  const scripts: string[] = [];
  page.on('response', (response) => response.url().endsWith('.js') && scripts.push(response.url()));
  await daemon.openEntry(page, 'lab', 'a.md');
  await page.getByRole('button', { name: 'as it is written' }).click();
  // What can wait is there too: what comes from here on, comes for HTML.
  await page.waitForSelector('.side-top');
  await page.waitForLoadState('networkidle');
  const before = scripts.length;
  await cursorAtEnd(page);
  await page.keyboard.type('<div class="x"');
  await expect(line(page, '<div').locator('.tok-keyword')).toHaveText('div');
  expect(scripts.length).toBeGreaterThan(before);
  await page.keyboard.type('>in it');
  await folder.says('a.md', 'before\n<div class="x">in it</div>');
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'b.md')}`);
  await expect(line(page, 'summary').locator('.tok-keyword')).toHaveText(['summary', 'summary']);
});
