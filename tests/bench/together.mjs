/** The browser's part of `together`: types on one page and prints how long each key took to be seen on the other, in ms. */
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../browser/package.json', import.meta.url))('@playwright/test');
const { pages, keys, gap_ms: gap } = JSON.parse(process.argv[2]);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'] });
const [here, there] = await Promise.all(pages.map(async ({ link, place }) => {
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
  await page.goto(link);
  await page.waitForURL((at) => at.search === '');
  await page.goto(place);
  await page.waitForSelector('.cm-line');
  return page;
}));
await here.locator('.cm-line', { hasText: 'here:' }).first().click();
await here.keyboard.press('End');
await here.waitForTimeout(1500);
// One clock for both pages.
await there.evaluate(() => {
  window.wanted = '';
  const look = () => {
    if (window.wanted !== '' && document.querySelector('.cm-content').textContent.includes(window.wanted)) {
      window.seen(performance.timeOrigin + performance.now());
      window.wanted = '';
    }
  };
  new MutationObserver(look).observe(document.querySelector('.cm-content'), { subtree: true, childList: true, characterData: true });
  window.until = (text) => new Promise((done) => {
    window.seen = done;
    window.wanted = text;
    look();
  });
});
await here.evaluate(() => window.addEventListener('keydown', () => (window.pressed = performance.timeOrigin + performance.now()), { capture: true }));
const letters = 'etaoinshrdlucmfwypvbgkqjxz';
let typed = '';
const taken = [];
for (let n = 0; n < keys; n += 1) {
  const key = letters[(n * 7 + Math.floor(n / 26)) % 26];
  typed += key;
  const seen = there.evaluate((text) => window.until(text), typed.slice(-12));
  await here.keyboard.press(key);
  taken.push((await seen) - (await here.evaluate(() => window.pressed)));
  await new Promise((done) => setTimeout(done, gap * (0.8 + 0.4 * Math.random())));
}
console.log(JSON.stringify(taken));
await browser.close();
