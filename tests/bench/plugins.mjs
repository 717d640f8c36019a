/** The browser's part of `plugins`: a view that is enabled while its file is open, and how long until it has drawn. */
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../browser/package.json', import.meta.url))('@playwright/test');
const { link, place, hash, shows } = JSON.parse(process.argv[2]);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
await page.goto(link);
await page.waitForURL((at) => at.search === '');
await page.goto(place);

/** The page's own session asks, so that nothing waits for another process. */
const change = (enabled) =>
  page.evaluate(async ([on, pinned]) => {
    const begun = performance.timeOrigin + performance.now();

    const answer = await fetch('/api/v1/plugins/shown', {
      method: 'PUT', headers: { 'content-type': 'application/json', 'x-codex-csrf': '1' }, body: JSON.stringify(on ? { enabled: true, hash: pinned } : { enabled: false }),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return begun;
  }, [enabled, hash]);

const taken = [];
for (let n = 0; n < shows; n += 1) {
  await page.locator('.plugin-card').first().waitFor();
  const begun = await change(true);
  const row = page.frameLocator('.plugin-frame iframe').locator('.row').first();
  await row.waitFor();
  const drawn = await row.evaluate(() => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return performance.timeOrigin + (paint ? paint.startTime : performance.now());
  });
  taken.push(drawn - begun);
  await change(false);
}
console.log(JSON.stringify(taken));
await browser.close();
