/** The browser's part of `scrolling`: the tree by wheel, frame by frame, then the search field key by key. */
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../browser/package.json', import.meta.url))('@playwright/test');
const { link, place, frames } = JSON.parse(process.argv[2]);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
await page.goto(link);
await page.waitForURL((at) => at.search === '');
const begun = Date.now();
await page.goto(place);
const tree = page.getByRole('tree');
await tree.getByRole('treeitem').first().waitFor();
const opened = Date.now() - begun;
await page.waitForTimeout(2000);

const devtools = await page.context().newCDPSession(page);
await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
const worked = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;

/** Scrolls by so much and waits until that is drawn; how long the frame took by the clock. */
const frame = (by) =>
  tree.evaluate(
    (element, step) =>
      new Promise((done) => {
        let scroller = element;
        while (scroller && scroller.scrollHeight <= scroller.clientHeight + 1) scroller = scroller.parentElement;
        requestAnimationFrame((before) => {
          scroller?.scrollBy(0, step);
          requestAnimationFrame((after) => done([after - before, element.querySelectorAll('[role=treeitem]').length]));
        });
      }),
    by,
  );
const work = [];
const frameMs = [];
let rows = 0;
for (let n = 0; n < frames; n += 1) {
  const before = await worked();
  // As a wheel turns; now and then far. The tree reads on as one comes to its end.
  const [ms, count] = await frame(n % 10 === 9 ? 6000 : 240);
  work.push((await worked()) - before);
  frameMs.push(ms);
  rows = Math.max(rows, count);
}
const search = [];
const field = page.getByRole('searchbox').or(page.getByPlaceholder('Search all notebooks')).first();
await field.click();
for (const word of ['mercury', 'grating', 'signal run', 'voltage warm']) {
  for (let end = 3; end <= word.length; end += 1) {
    const text = word.slice(0, end);
    const at = Date.now();
    const answer = page.waitForResponse((response) => response.url().includes('/search') && response.request().method() === 'POST' || response.url().includes('/search?'));
    await page.keyboard.type(end === 3 ? text : text.slice(-1));
    await answer;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    search.push(Date.now() - at);
  }
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.waitForTimeout(600);
}
console.log(JSON.stringify({ work_ms: work, frame_ms: frameMs, rows, opened_ms: opened, search_ms: search }));
await browser.close();
