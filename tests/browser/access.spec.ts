/** For everybody: axe finds nothing serious on any page, in light and dark, wide and narrow. */
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { emptyTour, inUse, tour } from './places';
import { growth, ipynb, pdf, svg, wav } from './samples';
import { expect, test } from './world';

/** What a colour scheme can break is the contrast alone; all else is the same page. */
async function sound(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  expect(await barriers(page, colorScheme === 'dark' ? { rules: ['color-contrast'] } : {})).toEqual([]);
}

const looks = [
  { colorScheme: 'light', viewport: { width: 1400, height: 900 } },
  { colorScheme: 'dark', viewport: { width: 1400, height: 900 } },
  { colorScheme: 'light', viewport: { width: 400, height: 800 } },
] as const;

for (const look of looks) {
  test.describe(`${look.colorScheme}, ${look.viewport.width} wide`, () => {
    test.use(look);

    test('axe finds nothing serious', async ({ page, daemon }) => {
      // Axe looks at some fifteen pages.
      test.setTimeout(180_000);
      await daemon.open(page);
      await sound(page, look.colorScheme);
      await daemon.notebook({
        'lamp.md': '---\ntags: [a, b]\nstatus: open\ndue: 2026-01-01\ndone: true\n---\n# Lamp\n\n**bold** [link](b.md) `code`\n\n> quote\n\n- [ ] task\n\n```js\nlet a = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n',
        'b.bin': Buffer.from([0, 1, 2]),
        'folder/c.md': 'c\n',
      });
      await daemon.openEntry(page, 'lab', 'lamp.md');
      await sound(page, look.colorScheme);
      await page.getByRole('button', { name: 'Read', exact: true }).click();
      await page.getByRole('button', { name: 'Seals', exact: true }).click();
      await page.getByRole('button', { name: 'Seal', exact: true }).click();
      await sound(page, look.colorScheme);
      await page.getByRole('dialog').getByRole('button', { name: 'Seal', exact: true }).click();
      await page.waitForSelector('.seals .seal');
      await sound(page, look.colorScheme);
      await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'b.bin')}`);
      await page.waitForSelector('dl.info');
      await sound(page, look.colorScheme);
      for (const place of ['#/n/lab', '#/n/lab/trash', `#/n/lab/e/${await daemon.entry('lab', 'folder')}`, '#/conflicts', '#/tags?tag=a', '#/people', '#/add', '#/settings']) {
        await page.goto(`${daemon.url}/${place}`);
        await page.waitForSelector('main h1');
        await sound(page, look.colorScheme);
      }
      await page.keyboard.press('Control+Shift+F');
      await page.keyboard.type('lamp');
      await page.waitForSelector('.hit');
      await sound(page, look.colorScheme);
    });
  });
}

for (const look of looks) {
  test.describe(`${look.colorScheme}, ${look.viewport.width} wide`, () => {
    test.use(look);

    test('axe finds nothing serious where one looks back', async ({ page, daemon }) => {
      test.setTimeout(120_000);
      const here = await daemon.notebook({ 'lamp.md': '---\nstatus: open\n---\n# Lamp\n\nAt 254 nm.\n', 'b.md': 'b\n' });
      const entry = await daemon.entry('lab', 'lamp.md');
      here.write('lamp.md', '---\nstatus: done\n---\n# Lamp\n\nAt 302 nm.\n');
      await daemon.open(page, `#/n/lab/e/${entry}/history`);
      await page.locator('.changes-text ins').first().waitFor();
      await sound(page, look.colorScheme);
      await page.getByRole('button', { name: 'Side by side' }).click();
      await sound(page, look.colorScheme);
      await page.getByRole('button', { name: 'That version' }).click();
      await page.locator('.past .prose h1').waitFor();
      await sound(page, look.colorScheme);
      for (const place of ['#/n/lab/activity', `#/n/lab/e/${entry}/print`]) {
        await page.goto(`${daemon.url}/${place}`);
        await page.locator('.happened, .sheet h1').first().waitFor();
        await sound(page, look.colorScheme);
      }
      await page.goto(`${daemon.url}/#/n/lab`);
      await page.getByRole('button', { name: 'Export…' }).click();
      await page.waitForSelector('dialog');
      await sound(page, look.colorScheme);
    });

    test('axe finds nothing serious in the viewers, the menus and the panels', async ({ page, daemon }) => {
      // Axe looks at some fifteen pages.
      test.setTimeout(180_000);
      await daemon.notebook({
        'growth.csv': growth(300), 'plate.svg': svg('teal'), 'run.ipynb': ipynb(''), 'fit.py': 'def fit(x):\n    # a line\n    return x + 1\n',
        'run.json': '{"a": [1, "two", null, true]}', 'protocol.pdf': pdf(2), 'call.wav': wav(), 'raw.bin': Buffer.from([0, 1, 2]),
        'box/.metadata': '---\nview_mode: grid\n---\n', 'box/a.md': '# A\n',
      });
      const ready: Record<string, string> = {
        'growth.csv': '.table-scroll td', 'plate.svg': '.image-open img', 'run.ipynb': '.cell .tok-keyword', 'fit.py': '.tok-keyword', 'run.json': '.json-key',
        'protocol.pdf': '.text-layer span', 'call.wav': 'audio', 'raw.bin': '.hex-bytes:not(:empty)', box: '.tiles li',
      };
      for (const [path, sign] of Object.entries(ready)) {
        await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
        await page.waitForSelector(sign);
        if (path === 'growth.csv') await page.getByRole('button', { name: 'Plot' }).click();
        await sound(page, look.colorScheme);
      }
      await page.goto(`${daemon.url}/#/people`);
      await page.getByRole('button', { name: 'Make a ticket' }).click();
      await page.waitForSelector('.qr');
      await sound(page, look.colorScheme);
      await page.goto(`${daemon.url}/#/settings`);
      await page.locator('.settings .cards summary').click();
      await sound(page, look.colorScheme);
      await page.getByRole('button', { name: 'Help and shortcuts', exact: true }).click();
      await sound(page, look.colorScheme);
      await page.keyboard.press('Escape');
      await expect(page.locator('dialog')).toHaveCount(0);
      if (look.viewport.width > 760) {
        await page.locator('.row[title="fit.py"]').click({ button: 'right' });
        await sound(page, look.colorScheme);
      }
    });
  });
}

for (const look of looks) {
  test.describe(`${look.colorScheme}, ${look.viewport.width} wide`, () => {
    test.use(look);

    test('axe finds nothing serious where one finds, plans, talks and looks back', async ({ page, daemon }) => {
      // Axe looks at some thirty pages and dialogs.
      test.setTimeout(240_000);
      await inUse(daemon);
      await tour(page, daemon, (name) => test.step(name, () => sound(page, look.colorScheme)));
    });

    test('axe finds nothing serious where nothing is yet', async ({ page, daemon }) => {
      test.setTimeout(120_000);
      await daemon.notebook({});
      await daemon.open(page);
      await emptyTour(page, daemon, (name) => test.step(name, () => sound(page, look.colorScheme)));
    });
  });
}

test('the first load is at most 300 KB, compressed', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  const bodies: Promise<number>[] = [];
  page.on('response', (response) => {
    if (response.url().startsWith(daemon.url) && response.ok()) bodies.push(response.body().then((body) => gzipSync(body).length, () => 0));
  });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  const bytes = (await Promise.all(bodies)).reduce((sum, size) => sum + size, 0);
  test.info().annotations.push({ type: 'first load', description: `${bytes} bytes` });
  console.log(`first load: ${bytes} bytes compressed`);
  expect(bytes).toBeLessThan(300_000);
});

test('every entry has a heading of the first rank, and no two landmarks have one name', async ({ page, daemon }) => {
  await daemon.notebook({ 'plain.txt': 'no title\n', 'data.csv': 'a,b\n1,2\n', 'doc.json': '{"a":1}\n', 'note.md': 'No heading.\n' });
  await daemon.open(page);
  for (const path of ['plain.txt', 'data.csv', 'doc.json', 'note.md', null]) {
    await page.goto(`${daemon.url}/${path === null ? '#/settings' : `#/n/lab/e/${await daemon.entry('lab', path)}`}`);
    await expect(page.locator('main h1')).toHaveText(path ?? 'Settings');
    expect(await barriers(page, { rules: ['page-has-heading-one', 'landmark-unique', 'label-content-name-mismatch'] }), path ?? 'settings').toEqual([]);
  }
});

test.describe('on a narrow screen', () => {
  test.use({ viewport: { width: 400, height: 800 } });

  test('a long name leaves room for the text', async ({ page, daemon }) => {
    const long = `${'A name that goes on and on '.repeat(7).trim()}.md`;
    await daemon.notebook({ [`In a folder that has a long name as well, as folders have/${long}`]: 'text\n' });
    await daemon.openEntry(page, 'lab', `In a folder that has a long name as well, as folders have/${long}`);
    const name = page.locator('.crumbs .name');
    await expect(name).toHaveAttribute('title', long);
    const lines = await page.locator('.crumbs').evaluate((element) => element.getBoundingClientRect().height / Number.parseFloat(getComputedStyle(element).lineHeight));
    expect(Math.round(lines)).toBeLessThanOrEqual(3);
  });
});
