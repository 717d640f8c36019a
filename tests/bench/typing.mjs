/** The browser's part of `typing`: types into the middle of a text and prints what each key cost. */
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../browser/package.json', import.meta.url))('@playwright/test');
const { link, place, keys, gap_ms: gap } = JSON.parse(process.argv[2]);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
await page.goto(link);
await page.waitForURL((at) => at.search === '');
await page.goto(place);
await page.waitForSelector('.cm-line');
// Half way down, with what is there drawn.
await page.locator('.cm-content').focus();
await page.evaluate(() => {
  const scroller = Array.from(document.querySelectorAll('*')).find((each) => each.contains(document.querySelector('.cm-content')) && each.scrollHeight > 5000 && getComputedStyle(each).overflowY !== 'visible');
  if (scroller) scroller.scrollTop = scroller.scrollHeight / 2;
});
await page.waitForTimeout(3000);
await page.locator('.cm-line', { hasText: 'with' }).first().click();
await page.waitForTimeout(1000);

// How long the events of a key take, until the text holds it.
await page.evaluate(() => {
  window.taken = [];
  let begin = 0;
  const handled = () => queueMicrotask(() => window.taken.push(performance.now() - begin));
  window.addEventListener('keydown', () => (begin = performance.now()), { capture: true });
  // Keys that the editor takes itself make no input.
  window.addEventListener('keydown', (event) => event.defaultPrevented && handled());
  window.addEventListener('input', handled);
});
const devtools = await page.context().newCDPSession(page);
await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
const worked = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const text = 'the lamp was warm, and **bold** it shone on [[Run 3]] ';
const taken = [];
for (let n = 0; n < keys; n += 1) {
  const key = n % 60 === 59 ? 'Enter' : n % 23 === 22 ? 'Backspace' : text[n % text.length];
  const before = await worked();
  await page.keyboard.press(key);
  // Drawn by then, and whatever else the key has begun; the metrics are read before the next one.
  await wait(gap * (0.8 + 0.4 * Math.random()));
  taken.push((await worked()) - before);
}
const handled = await page.evaluate(() => window.taken);
console.log(JSON.stringify(taken.map((work, n) => ({ work_ms: work, handled_ms: handled[n] ?? 0 }))));
await browser.close();
