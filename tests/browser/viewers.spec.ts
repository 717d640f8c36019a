/** Each kind of file is shown in its way, and nothing in it runs. */
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { growth, ipynb, pdf, photo, svg, tiff, wav } from './samples';
import { type Daemon, expect, pair, test } from './world';

async function show(daemon: Daemon, page: Page, path: string): Promise<void> {
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
  await expect(page.locator('.file-facts')).toBeVisible();
}

/** While an attack is taken apart, the browser says that it would not have run it. That is no complaint about the page. */
function refused(complaints: string[]): void {
  // Also while the cleaner reads it, in a document that nobody sees.
  const others = complaints.filter((each) => !/^(Executing inline event handler|Applying inline style) violates/.test(each));
  complaints.splice(0, complaints.length, ...others);
}

const ran = (page: Page) => page.evaluate(() => (window as { ran?: number }).ran);

test('a picture is zoomed, shown large with its neighbours, and says what the camera wrote', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.svg': svg('teal'), 'b.jpg': photo('Leica'), 'c.svg': svg('navy'), 'text.md': 'x\n' });
  await show(daemon, page, 'b.jpg');
  await page.getByText('What the camera wrote').click();
  await expect(page.locator('.exif')).toContainText('Leica');
  await show(daemon, page, 'a.svg');
  const width = () => page.locator('.image-open img').evaluate((img) => img.clientWidth);
  await page.getByRole('button', { name: 'Actual size' }).click();
  await expect.poll(width).toBe(320);
  await page.getByRole('button', { name: 'Larger' }).click();
  await expect.poll(width).toBe(480);
  await page.getByRole('button', { name: 'Show a.svg large' }).click();
  const large = page.getByRole('dialog');
  await expect(large).toContainText('1 of 3');
  await page.keyboard.press('ArrowRight');
  await expect(large).toContainText('b.jpg');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(large).toContainText('c.svg');
  await page.keyboard.press('+');
  await expect(large.locator('.zoomed')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(large).toHaveCount(0);
});

test('whoever has gone on to another picture stays there when the first one gets another name', async ({ page, daemon }) => {
  await daemon.notebook({ 'a.svg': svg('teal'), 'b.jpg': photo('Leica'), 'c.svg': svg('navy') });
  await show(daemon, page, 'a.svg');
  await page.getByRole('button', { name: 'Show a.svg large' }).click();
  const large = page.getByRole('dialog');
  await expect(large).toContainText('1 of 3');
  await page.keyboard.press('ArrowRight');
  await expect(large).toContainText('b.jpg');
  await daemon.api('PATCH', `/notebooks/lab/entries/${await daemon.entry('lab', 'a.svg')}`, { path: 'aa.svg' });
  await expect(page.locator('.crumbs .name')).toHaveText('aa.svg');
  // All that this made the page ask for is answered.
  await page.waitForLoadState('networkidle');
  await expect(large).toContainText('b.jpg');
});

test('a PDF is drawn page by page, and its text can be marked', async ({ page, daemon }) => {
  await daemon.notebook({ 'protocol.pdf': pdf(40) });
  await show(daemon, page, 'protocol.pdf');
  await expect(page.locator('.text-layer').first()).toContainText('Protocol page 1');
  const dark = () =>
    page.locator('.pdf-page canvas').first().evaluate((canvas) => {
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, (canvas as HTMLCanvasElement).width, (canvas as HTMLCanvasElement).height);
      return data.filter((value, at) => at % 4 === 0 && value < 100).length;
    });
  expect(await dark()).toBeGreaterThan(100);
  expect(await page.locator('.pdf-page canvas').count()).toBeLessThan(10);
  await page.getByRole('spinbutton', { name: 'Page' }).fill('33');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Protocol page 33')).toBeVisible();
});

test('sound plays', async ({ page, daemon }) => {
  await daemon.notebook({ 'call.wav': wav() });
  await show(daemon, page, 'call.wav');
  await expect.poll(() => page.locator('audio').evaluate((audio) => (audio as HTMLAudioElement).duration)).toBe(1);
});

test('a table of many rows is virtual, sorted by number, filtered, plotted, and its source is edited', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'growth.csv': growth(20_000) });
  await show(daemon, page, 'growth.csv');
  await expect(page.getByText('20,000 rows')).toBeVisible();
  expect(await page.locator('.table-scroll tr').count()).toBeLessThan(90);
  const first = page.locator('.table-scroll tbody tr:not([aria-hidden]) td:nth-child(2)').first();
  await expect(first).toHaveText('0.00');
  await page.getByRole('button', { name: 'time (h)' }).click();
  await page.getByRole('button', { name: 'time (h)' }).click();
  await expect(first).toHaveText('4999.75');
  await page.getByLabel('Filter rows').fill('wild');
  await expect(page.getByText('6,667 of 20,000 rows')).toBeVisible();
  await page.getByRole('button', { name: 'Plot' }).click();
  await expect(page.getByRole('img', { name: 'OD600 by time (h)' }).locator('canvas')).toBeVisible();
  await page.getByRole('button', { name: 'Source' }).click();
  await page.locator('.cm-line').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('the ');
  await folder.says('growth.csv', /^the time/);
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await expect(page.getByRole('button', { name: 'the time (h)' })).toBeVisible();
});

test('a Jupyter notebook shows its outputs and runs nothing', async ({ page, daemon, complaints }) => {
  await daemon.notebook({ 'run.ipynb': ipynb() });
  await show(daemon, page, 'run.ipynb');
  await expect(page.getByRole('heading', { name: 'Growth of E. coli' })).toBeVisible();
  await expect(page.locator('.cell.out')).toHaveCount(4);
  await expect(page.locator('.cell-html td')).toHaveText('0.012');
  await expect(page.locator('.cell.out').last()).toContainText('ZeroDivisionError: division by zero');
  await expect(page.locator('.cell .tok-keyword').first()).toHaveText('import');
  expect(await ran(page)).toBeUndefined();
  expect(await page.locator('.ipynb').innerHTML()).not.toMatch(/onerror|<script/);
  refused(complaints);
});

test('JSON is a tree, XML and code are coloured', async ({ page, daemon }) => {
  await daemon.notebook({
    'plate.json': JSON.stringify({ plate: 7, wells: Array.from({ length: 250 }, (_, at) => ({ well: at })) }),
    'exact.json': '{"id": 12345678901234567890, "one": 1.0}',
    'bad.json': '{"a": ',
    'run.xml': '<run><sample id="7">water</sample></run>\n',
    'fit.py': 'def fit(x):\n    return x + 1\n',
  });
  await show(daemon, page, 'plate.json');
  await expect(page.locator('.json')).toContainText('250 items');
  await page.getByRole('button', { name: 'Show 100 more' }).click();
  await expect(page.locator('.json details')).toHaveCount(202);
  await show(daemon, page, 'exact.json');
  await expect(page.locator('.json-number')).toHaveText(['12345678901234567890', '1.0']);
  await show(daemon, page, 'bad.json');
  await expect(page.getByText('This is no JSON that can be shown')).toBeVisible();
  await page.getByRole('button', { name: 'Show its bytes' }).click();
  await expect(page.locator('.hex-row').first()).toContainText('7b 22 61');
  await show(daemon, page, 'run.xml');
  await expect(page.locator('.code .tok-keyword').first()).toContainText('run');
  await show(daemon, page, 'fit.py');
  await expect(page.locator('.code .tok-keyword').first()).toHaveText('def');
});

test('an HTML page is shown in a frame that runs and reaches nothing', async ({ page, daemon, complaints }) => {
  await daemon.notebook({
    'report.html': '<p style="color:rgb(1, 2, 3)">own</p><h1 onclick="top.ran=1">Report</h1><script>top.ran=2</script><img src="x" onerror="top.ran=3"><a href="javascript:top.ran=4">go</a><style>h1{color:teal}</style><iframe src="/"></iframe><form action="/"><button>send</button></form>',
  });
  const asked: string[] = [];
  await show(daemon, page, 'report.html');
  page.on('request', (request) => asked.push(request.url()));
  const frame = page.frameLocator('iframe');
  await expect(frame.getByRole('heading', { name: 'Report' })).toBeVisible();
  await expect(frame.getByText('own')).toHaveCSS('color', 'rgb(1, 2, 3)');
  await expect(frame.getByRole('heading')).toHaveCSS('color', 'rgb(0, 128, 128)');
  await frame.getByRole('heading').click();
  await frame.getByText('go').click();
  expect(await ran(page)).toBeUndefined();
  expect(await page.locator('iframe').getAttribute('sandbox')).toBe('');
  expect(asked.filter((url) => !url.startsWith(daemon.url))).toEqual([]);
  refused(complaints);
});

test('bytes are read as they are scrolled to', async ({ page, daemon }) => {
  const bytes = Buffer.alloc(5_000_000);
  bytes.write('\u0000begin', 0, 'latin1');
  bytes.write('needle', 4_000_000, 'latin1');
  await daemon.notebook({ 'raw.bin': bytes });
  let read = 0;
  page.on('response', (response) => {
    if (response.url().includes('/content')) read += Number(response.headers()['content-length'] ?? 0);
  });
  await show(daemon, page, 'raw.bin');
  await expect(page.locator('.hex-row').first()).toContainText('begin');
  await page.getByLabel('Go to offset').fill('4000000');
  await page.keyboard.press('Enter');
  await expect(page.getByText('needle')).toBeVisible();
  expect(await page.locator('.hex-row').count()).toBeLessThan(80);
  expect(read).toBeLessThan(600_000);
  await page.getByLabel('Go to offset').fill('0xffffffff');
  await page.keyboard.press('Enter');
  await expect(page.getByText('That is no offset in this file.')).toBeVisible();
});

test('a file says its size, its hash, and which devices hold it', async ({ page, daemon, other }) => {
  await pair(daemon, other, { 'raw.bin': Buffer.from([0, 1, 2]) });
  await show(daemon, page, 'raw.bin');
  const facts = page.locator('.file-facts');
  await expect(facts).toContainText('3 B');
  await expect(facts).toContainText('2 of 2 devices');
  await expect(facts.locator('.hash')).toHaveText(/^[0-9a-f]{64}$/);
  const download = page.waitForEvent('download');
  await facts.getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('raw.bin');
});

test('files are sent so that nothing in them can run', async ({ daemon }) => {
  await daemon.notebook({ 'x.html': '<script>1</script>', 'x.svg': svg('red'), 'x.bin': Buffer.from([0, 1]) });
  for (const path of ['x.html', 'x.svg', 'x.bin']) {
    const { url, token } = daemon.run;
    const response = await fetch(`${url}/api/v1/notebooks/lab/files/${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.headers.get('content-security-policy'), path).toContain('sandbox');
    expect(response.headers.get('x-content-type-options'), path).toBe('nosniff');
  }
});

test('no viewer is part of the first load', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n' });
  const loaded: string[] = [];
  const sizes: Promise<number>[] = [];
  page.on('response', (response) => {
    if (!response.url().startsWith(daemon.url) || !response.ok()) return;
    loaded.push(response.url());
    sizes.push(response.body().then((body) => gzipSync(body).length, () => 0));
  });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  expect(loaded.filter((url) => /View|pdf|exif|language/i.test(url.split('/').at(-1) ?? ''))).toEqual([]);
  expect((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
});

test('a TIFF picture is drawn page by page; one that cannot be says its size and why', async ({ page, daemon }) => {
  const grey = Array.from({ length: 320 * 200 }, (_, at) => (at % 320) * 12);
  await daemon.notebook({ 'scan.tif': tiff(320, 200, 16, grey, 2), 'odd.tif': tiff(320, 200, 8, grey.map((value) => value % 256), 1, 7) });
  await show(daemon, page, 'scan.tif');
  await expect(page.getByText('320 × 200 pixels · 16 bit')).toBeVisible();
  await expect(page.getByText('from 0 (black) to 3,828 (white)')).toBeVisible();
  const [left, right] = await page.locator('.image-view canvas').evaluate((canvas: HTMLCanvasElement) => [0, 319].map((x) => canvas.getContext('2d')?.getImageData(x, 100, 1, 1).data[0]));
  expect([left, right]).toEqual([0, 255]);
  await page.getByRole('button', { name: 'Next page' }).click();
  await expect(page.getByText('Page 2', { exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Next page' })).toBeDisabled();
  await show(daemon, page, 'odd.tif');
  await expect(page.getByText('A TIFF picture of 320 × 200 pixels. It cannot be drawn here.')).toBeVisible();
  await expect(page.locator('.file-facts').getByRole('link', { name: 'Download' })).toBeVisible();
  await page.getByRole('button', { name: 'Show its bytes' }).click();
  await expect(page.locator('.hex-view')).toBeVisible();
});
