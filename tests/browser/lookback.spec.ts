/** Looking back: the history of an entry, what happened, what is printed, and what is taken along. */
import { type Daemon, expect, test } from './world';
import type { Page } from '@playwright/test';

interface Row { version: string; did: string[] }

/** Pictures of one colour, 2 × 2. */
const red = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==', 'base64');
const blue = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAD0lEQVR4nGNgYPgPRmAKABf2A/1+6zfzAAAAAElFTkSuQmCC', 'base64');

const rows = async (daemon: Daemon, entry: string) => (await daemon.api<{ items: Row[] }>('GET', `/notebooks/lab/entries/${entry}/history`)).items;

/** Saves one text after the other, each from what was there. */
async function save(daemon: Daemon, entry: string, text: string): Promise<void> {
  const { url, token } = daemon.run;
  const address = `${url}/api/v1/notebooks/lab/entries/${entry}/content`;
  const headers = { authorization: `Bearer ${token}` };
  const etag = (await fetch(address, { headers })).headers.get('etag') ?? '';
  const answer = await fetch(address, { method: 'PUT', headers: { ...headers, 'if-match': etag, 'content-type': 'text/plain' }, body: text });
  expect(answer.ok).toBe(true);
}

const note = (n: number, status = 'open') => `---\nstatus: ${status}\n---\n# Lamp\n\nMeasured at ${n} nm.\n`;

async function history(page: Page, daemon: Daemon, entry: string, rest = ''): Promise<void> {
  await daemon.open(page, `#/n/lab/e/${entry}/history${rest}`);
  await page.waitForSelector('.version-row');
}

test('one goes through the versions, sees what changed, brings one back, and takes that back', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note(254) });
  const entry = await daemon.entry('lab', 'lamp.md');
  for (const text of [note(302), note(302, 'done'), note(365, 'done')]) await save(daemon, entry, text);
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('link', { name: 'History' }).click();
  await expect(page.locator('.version-row')).toHaveCount(4);
  await expect(page.locator('.changes-text tr.removed')).toHaveText(/Measured at 302 nm/);
  await expect(page.locator('.changes-text ins')).toHaveText('365');
  // By keyboard alone: to the oldest, and on from there.
  const slider = page.getByRole('slider', { name: 'Version' });
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(slider).toHaveAttribute('aria-valuetext', /Version 1 of 4/);
  await expect(page.getByText('The first version: all of it is new.')).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('.change-properties')).toHaveText(/status\s*open → done/);
  // Any two: from the first to the newest.
  const list = page.getByRole('listbox');
  await list.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Space');
  await page.keyboard.press('Home');
  await expect(page.locator('.changes-text del').last()).toHaveText('254');
  await expect(page.locator('.changes-text ins').last()).toHaveText('365');
  await page.getByRole('button', { name: 'Side by side' }).click();
  const changed = page.locator('.changes-text.beside tr', { hasText: '254' });
  await expect(changed.locator('td').nth(3)).toHaveText('Measured at 365 nm.');
  // The address says it all.
  await page.reload();
  await expect(changed.locator('td').nth(3)).toHaveText('Measured at 365 nm.');
  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
  await page.getByRole('button', { name: 'That version' }).click();
  await expect(page.locator('.past .prose')).toContainText('Measured at 254 nm.');
  await page.getByRole('button', { name: 'As written' }).click();
  await expect(page.locator('.past .cm-content')).toContainText('status: open');
  await page.getByRole('button', { name: 'Bring this version back' }).click();
  await here.says('lamp.md', note(254));
  await expect(page.locator('.version-row')).toHaveCount(5);
  await expect(page.getByText('This is how it is now.')).toBeVisible();
  await page.getByRole('button', { name: 'Take back' }).click();
  await here.says('lamp.md', note(365, 'done'));
  await expect(page.locator('.version-row')).toHaveCount(6);
});

test('a version that is written elsewhere appears by itself, and seals are marked', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note(254) });
  const entry = await daemon.entry('lab', 'lamp.md');
  const [first] = await rows(daemon, entry);
  await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: 'Recorded by me', locks: false, version: first?.version });
  await history(page, daemon, entry);
  await expect(page.locator('.past-seal')).toContainText('Recorded by me');
  await expect(page.locator('.version-row').first().getByRole('img')).toHaveAttribute('aria-label', /Sealed by .*Recorded by me/);
  await expect(page.locator('.scrub-seal')).toHaveCount(1);
  here.write('lamp.md', note(999));
  await expect(page.locator('.version-row')).toHaveCount(2);
  await expect(page.locator('.changes-text ins')).toHaveText('999');
});

test('pictures are compared, and each version has its own', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'gel.png': red });
  const entry = await daemon.entry('lab', 'gel.png');
  here.write('gel.png', blue);
  await expect.poll(async () => (await rows(daemon, entry)).length).toBe(2);
  await history(page, daemon, entry);
  const images = page.locator('.pictures-beside img');
  await expect(images).toHaveCount(2);
  const loaded = () => page.locator('.past-shown img').evaluateAll((all) => all.every((each) => (each as HTMLImageElement).naturalWidth === 2));
  await expect.poll(loaded).toBe(true);
  await page.getByRole('button', { name: 'One over the other' }).click();
  await page.getByRole('slider', { name: 'How much' }).focus();
  await page.keyboard.press('Home');
  await expect(page.locator('.pictures-over img').last()).toHaveCSS('clip-path', 'inset(0px 0px 0px 100%)');
  await page.getByRole('button', { name: 'That version' }).click();
  await expect(page.locator('.image-view img')).toBeVisible();
});

test('what is deleted shows its history from the trash, and comes back', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note(254), 'b.md': 'b\n' });
  const entry = await daemon.entry('lab', 'lamp.md');
  await save(daemon, entry, note(302));
  await daemon.api('DELETE', `/notebooks/lab/entries/${entry}`);
  await daemon.open(page, '#/n/lab/trash');
  await page.getByRole('link', { name: 'lamp.md' }).click();
  await expect(page.locator('.version-row')).toHaveCount(3);
  await expect(page.locator('.change-facts')).toContainText('It was deleted.');
  await page.locator('.version-row').nth(1).click();
  await page.getByRole('button', { name: 'That version' }).click();
  await expect(page.locator('.past .prose')).toContainText('Measured at 302 nm.');
  await page.getByRole('button', { name: 'Bring it back', exact: true }).click();
  await here.says('lamp.md', note(302));
  await expect(page.getByText('This entry is deleted.')).toHaveCount(0);
});

test('many versions are gone through without laying them all out', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': note(0) });
  const entry = await daemon.entry('lab', 'lamp.md');
  for (let n = 1; n < 400; n += 1) await save(daemon, entry, note(n));
  await history(page, daemon, entry);
  await expect(page.locator('.scrub-count')).toHaveText('Version 400 of 400');
  expect(await page.locator('.version-row').count()).toBeLessThan(60);
  await page.getByRole('slider', { name: 'Version' }).focus();
  await page.keyboard.press('Home');
  await expect(page.locator('.scrub-count')).toHaveText('Version 1 of 400');
  await expect(page.locator('.version-row[aria-selected=true]')).toBeInViewport();
  expect(await page.locator('.version-row').count()).toBeLessThan(60);
});

test('what happened is told as it happens, chosen, and leads to what changed and to the trash', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'Growth/lamp.md': note(254), 'Growth/idea.md': 'An idea.\n' });
  await daemon.notebook({ 'other.md': 'other\n' }, 'second');
  await daemon.open(page, '#/n/lab');
  await page.getByRole('link', { name: 'Activity in lab' }).click();
  const lines = page.locator('.happened');
  await expect(lines.filter({ hasText: 'created 3 entries' })).toBeVisible();
  await expect(page.getByText('other.md')).toHaveCount(0);
  await expect(page.locator('.activity-day h2').first()).toHaveText('Today');
  // Without asking: an edit from outside, and a deletion.
  const lamp = await daemon.entry('lab', 'Growth/lamp.md');
  here.write('Growth/lamp.md', note(302));
  await expect(lines.first()).toContainText(/edited/);
  await daemon.api('POST', `/notebooks/lab/entries/${lamp}/seals`, { meaning: 'Recorded by me', locks: false });
  await expect(lines.first()).toContainText('Recorded by me');
  await daemon.api('DELETE', `/notebooks/lab/entries/${await daemon.entry('lab', 'Growth/idea.md')}`);
  const gone = page.locator('.happened', { hasText: 'deleted' }).getByRole('link', { name: 'idea.md', exact: true });
  await expect(gone).toHaveAttribute('href', '#/n/lab/trash');
  await page.getByLabel('About').selectOption('seal');
  await expect(lines).toHaveCount(1);
  await page.getByLabel('About').selectOption('');
  await page.getByLabel('Path').fill('lamp');
  await expect(page.locator('.happened', { hasText: 'deleted' })).toHaveCount(0);
  await page.getByRole('link', { name: 'What changed in Growth/lamp.md' }).first().click();
  await expect(page.locator('.changes-text ins')).toHaveText('302');
  await page.goto(`${daemon.url}/#/activity`);
  await expect(page.getByRole('link', { name: 'other.md', exact: true })).toBeVisible();
  await page.getByLabel('Path').fill('nowhere');
  await expect(page.getByText('Nothing fits what is chosen.')).toBeVisible();
});

test('one looks back further than one page of activity', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.md': 'a\n' });
  // Seals are each a line of their own.
  const entry = await daemon.entry('lab', 'a.md');
  for (let n = 0; n < 120; n += 1) await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: `Seal ${n}`, locks: false });
  await daemon.open(page, '#/n/lab/activity');
  await expect(page.locator('.happened', { hasText: 'Seal 119' })).toHaveCount(1);
  await expect(page.locator('.happened', { hasText: 'Seal 0' })).toHaveCount(0);
  await expect
    .poll(async () => {
      await page.locator('main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
      return page.locator('.happened', { hasText: 'sealed' }).count();
    })
    .toBe(120);
  await expect(page.getByText('This is where it began.')).toBeVisible();
});

/** A note with a bit of everything that has to come along. */
const rich = [
  '---', 'title: Growth of K12', 'status: done', 'tags: [growth, ecoli]', '---', '# Growth of K12', '',
  'In [[Media|M9 medium]] and [the same](Media.md#Salts), with $\\mu = \\frac{1}{t}$, on [the web](https://example.org/), see [[Far]].[^1]', '',
  '| Time | OD600 |', '|---|---:|', '| 0 | 0.052 |', '', '![[gel.png]]', '', '![A gel](../images/blue.png)', '', '![[Media]]', '',
  '```mermaid', 'flowchart LR', '  A[Inoculate] --> B[Measure]', '```', '', '```python', 'def f(): return 1', '```', '', '> [!warning]- Hot', '> Gloves.', '',
  '<script>window.ran = 1</script><img src="x" onerror="window.ran = 1">', '', '[the table](data.csv)', '', '[^1]: A footnote.', '',
].join('\n');
const lab = {
  'Growth/K12.md': rich,
  'Growth/Media.md': '# M9\n\n## Salts\n\nGlucose 0.4 %, back to [[K12]].\n',
  'Growth/gel.png': red,
  'Growth/data.csv': 'time,od\n0,0.052\n',
  'Growth/sub/deep note.md': 'Up to [[K12]] and [there](../data.csv).\n',
  'images/blue.png': blue,
  'Far.md': 'Far away.\n',
};

/** What a PDF says, page by page. */
async function pagesOf(bytes: Buffer): Promise<string[]> {
  // pdf.js wants a newer Node than the oldest that the tests run on.
  (Promise as { withResolvers?: unknown }).withResolvers ??= () => {
    let [resolve, reject] = [(_: unknown) => {}, (_: unknown) => {}];
    const promise = new Promise((done, failed) => ([resolve, reject] = [done, failed]));
    return { promise, resolve, reject };
  };
  const { getDocument } = await import('../../web-ui/node_modules/pdfjs-dist/legacy/build/pdf.mjs');
  const file = await getDocument({ data: new Uint8Array(bytes), verbosity: 0 }).promise;
  return Promise.all(Array.from({ length: file.numPages }, async (_, at) => {
    const { items } = await (await file.getPage(at + 1)).getTextContent();
    return items.map((item) => ('str' in item ? item.str : '')).join(' ');
  }));
}

/** What is refused is part of the test. */
function refused(complaints: string[]): void {
  const others = complaints.filter((each) => !each.startsWith('Executing inline event handler violates'));
  complaints.splice(0);
  expect(others).toEqual([]);
}

test('an entry is printed: title, properties, text and seals, without anything of the page around it', async ({ page, daemon, complaints }) => {
  await daemon.notebook({ ...lab, 'long.md': `# Long\n\n${Array.from({ length: 200 }, (_, at) => `Line ${at + 1} of the protocol.\n`).join('\n')}` });
  const entry = await daemon.entry('lab', 'Growth/K12.md');
  await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: 'Recorded by me', locks: false });
  await page.addInitScript(() => { window.print = () => { document.documentElement.dataset['printed'] = 'yes'; }; });
  await daemon.openEntry(page, 'lab', 'Growth/K12.md');
  await page.keyboard.press('Control+p');
  await page.waitForSelector('html[data-printed]');
  const sheet = page.locator('.sheet');
  await expect(sheet.locator('.diagram img')).toBeVisible();
  await expect(sheet.locator('.katex')).not.toHaveCount(0);
  await expect(sheet.getByText('Gloves.')).toBeVisible();
  expect(await sheet.locator('img').evaluateAll((all) => all.filter((each) => (each as HTMLImageElement).naturalWidth > 0).length)).toBe(3);
  const text = (await pagesOf(await page.pdf({ format: 'A4' }))).join('\n');
  for (const part of ['Growth of K12', 'status', 'done', 'growth, ecoli', '0.052', 'A footnote.', 'Glucose', 'Recorded by me', 'Version', '1 / ']) expect(text).toContain(part);
  for (const part of ['Search all', 'Notebooks', 'Back to the entry', 'Ready']) expect(text).not.toContain(part);
  // The title is there once.
  expect(text.split('Growth of K12')).toHaveLength(2);
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'long.md')}/print`);
  await page.waitForSelector('[data-ready]');
  const pages = await pagesOf(await page.pdf({ format: 'A4' }));
  expect(pages.length).toBeGreaterThan(3);
  expect(pages.join(' ')).toContain('Line 200 of the protocol.');
  expect(await page.evaluate(() => 'ran' in window)).toBe(false);
  refused(complaints);
});
