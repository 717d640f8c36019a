/** Looking back: the history of an entry, what happened, what is printed, and what is taken along. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from '@playwright/test';
import { unzipSync } from '../../web-ui/node_modules/fflate/esm/index.mjs';
import { type Daemon, expect, pair, test } from './world';

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

test('who has left the history takes back what was brought back, and stays where they are', async ({ page, daemon }) => {
  const here = await daemon.notebook({ 'lamp.md': note(254), 'other.md': '# Other\n' });
  await save(daemon, await daemon.entry('lab', 'lamp.md'), note(302));
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'lamp.md')}/history`);
  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
  await page.getByRole('button', { name: 'Bring this version back' }).click();
  await here.says('lamp.md', note(254));
  const other = `#/n/lab/e/${await daemon.entry('lab', 'other.md')}`;
  await page.goto(`${daemon.url}/${other}`);
  await expect(page.locator('.cm-content')).toContainText('Other');
  await page.getByRole('button', { name: 'Take back' }).click();
  await here.says('lamp.md', note(302));
  await expect(page.getByText('It is as it was before.')).toBeVisible();
  expect(new URL(page.url()).hash).toBe(other);
  expect(here.read('other.md')).toBe('# Other\n');
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
  // What was written in one go is one line, compared with what was there before; in it is each version with its time.
  await expect(page.locator('.version-row')).toHaveCount(2);
  await page.getByRole('listbox').focus();
  await page.keyboard.press('Home');
  await expect(page.locator('.version-row').first()).toContainText('399 versions');
  await expect(page.locator('.changes-text del')).toHaveText('0');
  await expect(page.locator('.changes-text ins')).toHaveText('399');
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('.version-row').nth(1)).toContainText(/:\d\d:\d\d/);
  await expect(page.locator('.changes-text del')).toHaveText('398');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('.scrub-count')).toHaveText('Version 2 of 400');
  await expect(page.locator('.version-row[aria-selected=true]')).toBeInViewport();
  expect(await page.locator('.version-row').count()).toBeLessThan(60);
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('.version-row')).toHaveCount(2);
  await expect(page.locator('.scrub-count')).toHaveText('Version 400 of 400');
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

test('a view is printed as a table of what it asks for, alone and in a note, and so it is in an exported page', async ({ page, daemon, root }) => {
  const board = '---\ntype: view\nview_type: kanban\ntitle: Board\nquery: { paths: [tasks/**], sort: path asc, limit: 2 }\nconfig: { card_fields: [status, due_date] }\n---\nWhat is **open**.\n';
  await daemon.notebook({
    'Board.cdx': board,
    'note.md': '# Note\n\n![[Board.cdx]]\n\nEnd.\n',
    'tasks/a.md': '---\ntitle: Measure\nstatus: todo\ndue_date: 2026-12-01\n---\n',
    'tasks/b.md': '---\ntitle: Calibrate\nstatus: done\n---\n',
    'tasks/c.md': '# Third\n',
  });
  await page.addInitScript(() => { window.print = () => {}; });
  for (const path of ['note.md', 'Board.cdx']) {
    await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}/print`);
    await page.waitForSelector('[data-ready]');
    const sheet = page.locator('.sheet');
    await expect(sheet.locator('iframe')).toHaveCount(0);
    await expect(sheet.locator('.still-view tr')).toHaveText([/Entry\s*Status\s*Due date/, /Measure\s*todo\s*2026-12-01/, /Calibrate\s*done/]);
    await expect(sheet).toContainText('What is open.');
    await expect(sheet).toContainText('2 of 3 entries are shown.');
  }
  await daemon.openEntry(page, 'lab', 'note.md');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  const exported = readFileSync(await taken(page, root), 'utf8');
  expect(exported).toMatch(/<th>Due date<\/th>[\s\S]*Measure[\s\S]*<td>2026-12-01<\/td>[\s\S]*2 of 3 entries are shown/);
});

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

/** Opens what was saved, from disk, in a browser that has never heard of the daemon. */
async function fromDisk(browser: Browser, path: string): Promise<{ page: Page; asked: string[]; said: string[] }> {
  const context = await browser.newContext({ offline: true });
  const page = await context.newPage();
  const asked: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => { if (!/^(file|data):/.test(request.url())) asked.push(request.url()); });
  page.on('console', (message) => said.push(message.text()));
  await page.goto(pathToFileURL(path).href);
  return { page, asked, said };
}

const shownPictures = (page: Page) =>
  page.evaluate(async () => {
    for (const each of Array.from(document.images)) each.loading = 'eager';
    await Promise.all(Array.from(document.images).map((each) => each.decode()));
    return Array.from(document.images).map((each) => each.naturalWidth > 0);
  });

/** Anything that could run, or lead back to the daemon. */
const wrong = (page: Page) =>
  page.evaluate(() => {
    const bad = Array.from(document.querySelectorAll('script, iframe, object, embed, link, base, form')).map((each) => each.tagName);
    for (const each of Array.from(document.querySelectorAll('*'))) {
      for (const { name, value } of Array.from(each.attributes)) {
        if (/^on/i.test(name) || /javascript:|\/api\/v1|entry:/i.test(value) || (name === 'href' && value.startsWith('#/'))) bad.push(`${each.tagName} ${name}=${value.slice(0, 80)}`);
      }
    }
    return 'ran' in window ? [...bad, 'something ran'] : bad;
  });

async function taken(page: Page, root: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('dialog').getByRole('button', { name: 'Export' }).click()]);
  const path = join(root, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

test('an entry is taken along as one page that has everything in it', async ({ page, daemon, root, browser, complaints }) => {
  await daemon.notebook(lab);
  const entry = await daemon.entry('lab', 'Growth/K12.md');
  await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: 'Recorded by me', locks: false });
  await daemon.openEntry(page, 'lab', 'Growth/K12.md');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  const path = await taken(page, root);
  expect(path).toMatch(/K12\.html$/);
  await expect(page.getByRole('dialog')).toContainText('1 thing is missing from it');
  await expect(page.getByRole('dialog')).toContainText('Growth/x: there is no such file');
  await daemon.stop();
  const disk = await fromDisk(browser, path);
  expect(await shownPictures(disk.page)).toEqual([true, true, true]);
  expect(await wrong(disk.page)).toEqual([]);
  const sheet = disk.page.locator('.sheet');
  for (const part of ['Growth of K12', 'growth, ecoli', '0.052', 'Glucose 0.4 %', 'A footnote.', 'Recorded by me', 'Exported']) await expect(sheet).toContainText(part);
  await expect(sheet.locator('math').first()).toBeVisible();
  expect((await sheet.locator('math').first().boundingBox())?.width).toBeGreaterThan(10);
  await sheet.locator('.footnote-ref a').click();
  expect(new URL(disk.page.url()).hash).toBe('#note-0-1');
  await expect(sheet.locator('.tok-keyword').first()).toHaveText('def');
  expect(disk.asked).toEqual([]);
  expect(disk.said).toEqual([]);
  await disk.page.context().close();
  refused(complaints);
});

test('a folder is taken along as pages and files, with an index, and its links work', async ({ page, daemon, root, browser, complaints }) => {
  await daemon.notebook(lab);
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Growth')}`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  const zip = await taken(page, root);
  expect(zip).toMatch(/Growth\.zip$/);
  await daemon.stop();
  const files = unzipSync(new Uint8Array(readFileSync(zip)));
  expect(Object.keys(files).sort()).toEqual(['K12.html', 'Media.html', '_attached/images/blue.png', 'data.csv', 'gel.png', 'index.html', 'sub/deep note.html']);
  expect(Buffer.from(files['gel.png'] ?? []).equals(red)).toBe(true);
  const out = join(root, 'out');
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), bytes);
  }
  const disk = await fromDisk(browser, join(out, 'index.html'));
  await expect(disk.page.locator('h1')).toHaveText('Growth');
  await expect(disk.page.locator('.sheet')).toContainText('Growth/x: there is no such file');
  expect(await wrong(disk.page)).toEqual([]);
  await disk.page.getByRole('link', { name: 'deep note.md' }).or(disk.page.getByRole('link', { name: 'deep note' })).first().click();
  await disk.page.getByRole('link', { name: 'K12' }).click();
  await expect(disk.page.locator('h1').first()).toHaveText('Growth of K12');
  expect(await shownPictures(disk.page)).toEqual([true, true, true]);
  expect(await wrong(disk.page)).toEqual([]);
  // What is not part of it leads nowhere, and says so.
  await expect(disk.page.locator('.outside', { hasText: 'Far' })).toHaveAttribute('title', 'Not part of this export');
  await expect(disk.page.getByRole('link', { name: 'the table' })).toHaveAttribute('href', 'data.csv');
  await disk.page.getByRole('link', { name: 'the same' }).click();
  expect(disk.page.url()).toMatch(/Media\.html#salts$/);
  await disk.page.getByRole('link', { name: 'Index' }).click();
  await expect(disk.page.locator('h1')).toHaveText('Growth');
  expect(disk.asked).toEqual([]);
  expect(disk.said).toEqual([]);
  await disk.page.context().close();
  refused(complaints);
});

test('a folder is taken along for another program, by the exporter of a plugin', async ({ page, daemon, root }) => {
  await daemon.notebook({ 'papers [old]/x.md': '# X\n', 'papers/a[1]*.md': '# A\n', 'papers/one.md': '---\ntitle: Heat & work\ntype: reference\ncitation_key: one\n---\n# One\n', 'papers/two.md': '---\nyear: 7\n---\n', 'other.md': '---\ntype: reference\n---\n' });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'papers')}`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  await page.getByRole('dialog').getByRole('combobox').selectOption({ label: 'BibTeX (Bibliographies)' });
  const library = await taken(page, root);
  expect(library).toMatch(/library\.bib$/);
  expect(readFileSync(library, 'utf8')).toBe('@misc{one,\n  title = {Heat \\& work}\n}\n');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Export…' }).click();
  await page.getByRole('dialog').getByRole('combobox').selectOption({ label: 'CSV (Table of properties)' });
  const table = readFileSync(await taken(page, root), 'utf8').split('\r\n');
  expect(table[0]).toBe('\uFEFFpath,title,tags,citation_key,type,year,file_created,file_modified');
  expect(table.slice(1).map((row) => row.split(',')[0])).toEqual(['papers/a[1]*.md', 'papers/one.md', 'papers/two.md', '']);
  // What is a sign in a pattern is just a sign in a name.
  for (const [path, rows] of [['papers/a[1]*.md', ['papers/a[1]*.md']], ['papers [old]', ['papers [old]/x.md']]] as const) {
    await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Export…' }).click();
    await page.getByRole('dialog').getByRole('combobox').selectOption({ label: 'CSV (Table of properties)' });
    const lines = readFileSync(await taken(page, root), 'utf8').trim().split('\r\n');
    expect(lines.slice(1).map((row) => row.split(',')[0])).toEqual(rows);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  }
});

test('a note is changed by the transformer of a plugin, once its change was looked at', async ({ page, daemon }) => {
  const table = '| a|b |\n|-|-|\n| longer|1 |\n';
  const notebook = await daemon.notebook({ '2026-12-01 Gel.md': `# Gel\n\n${table}`, 'other.txt': table });
  const open = async (path: string) => {
    await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Transform…' }).click();
  };
  const dialog = page.getByRole('dialog');
  await open('2026-12-01 Gel.md');
  await expect(dialog.getByRole('combobox')).toHaveValue('tidy/tables');
  await expect(dialog.getByRole('region', { name: 'Lines that changed' })).toContainText('| longer | 1   |');
  expect(notebook.read('2026-12-01 Gel.md')).toContain(table);
  await dialog.getByRole('button', { name: 'Change' }).click();
  await expect(dialog).toHaveCount(0);
  await expect.poll(() => notebook.read('2026-12-01 Gel.md')).toBe('# Gel\n\n| a      | b   |\n| ------ | --- |\n| longer | 1   |\n');
  await expect(page.locator('.cm-content')).toContainText('longer');

  await open('2026-12-01 Gel.md');
  await expect(dialog).toContainText('Nothing would change.');
  await dialog.getByRole('combobox').selectOption({ label: 'Day of its name (Tidy)' });
  await expect(dialog.locator('.change-properties')).toContainText('2026-12-01');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await expect.poll(() => notebook.read('2026-12-01 Gel.md')).toMatch(/^---\ndate: '?2026-12-01'?\n---\n/);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(page).toHaveURL(/history/);

  // What is no Markdown is not offered what changes Markdown.
  await open('other.txt');
  await expect(dialog.getByRole('combobox').getByRole('option')).toHaveText(['Day of its name (Tidy)']);
});

test('what this device does not hold is named, and the rest is there', async ({ page, daemon, other, root }) => {
  const [here] = await pair(daemon, other, { 'a.md': '# A\n\n![[gel.png]]\n' });
  await other.api('PATCH', '/notebooks/lab', { fetch: 'on-demand' });
  here.write('gel.png', red);
  const there = () => other.api<{ items: { id: string }[] }>('GET', '/notebooks/lab/entries?path=gel.png').then((found) => found.items[0]?.id ?? null);
  await expect.poll(there).not.toBeNull();
  await daemon.stop();
  await other.open(page, '#/n/lab');
  await page.getByRole('button', { name: 'Export…' }).click();
  const zip = await taken(page, root);
  await expect(page.getByRole('dialog')).toContainText('gel.png: not on this device yet');
  const files = unzipSync(new Uint8Array(readFileSync(zip)));
  expect(Object.keys(files).sort()).toEqual(['a.html', 'index.html']);
  expect(Buffer.from(files['index.html'] ?? []).toString()).toContain('gel.png: not on this device yet');
});
