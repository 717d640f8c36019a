/**
 * The built page in a real browser, before the stand-in daemon: what a person would do, and what must hold.
 * `npm run build && node tests/browser.mjs`; CHROMIUM names the browser.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { startMock } from './mock/daemon.mjs';

const mock = await startMock();
const at = (path) => [...mock.world.entries.values()].find((entry) => entry.path === path);
const note = at('experiments/calibration.md');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
const page = await context.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(error.message));
page.on('console', (message) => {
  const isNetwork = message.text().includes('ERR_') || message.text().includes('WebSocket');
  if (message.type() === 'error' && !isNetwork) problems.push(message.text());
});

const noteUrl = `${mock.url}/#/n/spectroscopy/e/${note.id}`;
const until = async (what, test) => {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await test()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`never: ${what}`);
};
const step = async (name, work) => {
  await work();
  console.log(`ok  ${name}`);
};

await step('what is typed is saved by itself', async () => {
  await page.goto(noteUrl);
  await page.click('.cm-content >> text=left to warm up');
  await page.keyboard.press('End');
  await page.keyboard.type(' Typed here.');
  await until('saved', () => note.content.includes('Typed here.'));
  await page.waitForSelector('.save.saved');
});

await step('others’ words appear without a reload, and the cursor stays', async () => {
  mock.edit(note.id, (text) => text.replace('# Calibration of', '# Second calibration of'));
  await page.waitForSelector('.cm-content >> text=Second calibration');
  await page.keyboard.type(' And on.');
  await until('saved', () => note.content.includes('Typed here. And on.'));
});

await step('after a lost connection what was missed appears', async () => {
  mock.dropSockets();
  note.content = note.content.replace('No correction', 'Not a single correction');
  note.version += 1;
  mock.world.log.push({ number: (mock.world.number += 1), notebook: 'a1'.repeat(16), type: 'entry.modified', entry: note.id, path: note.path, version: `v${note.version}` });
  await page.waitForSelector('.cm-content >> text=Not a single correction');
});

await step('a property set in the panel stands in the text', async () => {
  const field = page.getByLabel('instrument', { exact: true });
  await field.fill('Avantes');
  await field.press('Enter');
  await until('set', () => note.content.includes('instrument: Avantes\n'));
  await page.getByLabel('Add tag').fill('mercury');
  await page.getByLabel('Add tag').press('Enter');
  await until('tag', () => note.content.includes('mercury]'));
});

await step('a daemon that is away: a red sign, and the text outlives the page', async () => {
  mock.world.down = true;
  await page.click('.cm-content >> text=left to warm up');
  await page.keyboard.press('End');
  await page.keyboard.type(' Kept.');
  await page.waitForSelector('.save.failing', { timeout: 2600 });
  await page.waitForTimeout(300);
  mock.world.down = false;
  mock.world.slow = 60_000;
  await page.goto('about:blank');
  mock.world.slow = 0;
  mock.edit(note.id, (text) => `${text}\nMeanwhile elsewhere.\n`);
  await page.goto(noteUrl);
  await page.reload();
  await until('sent', () => note.content.includes(' Kept.') && note.content.includes('Meanwhile elsewhere.'));
  assert.equal(note.content.split(' Kept.').length, 2, 'sent once');
  await page.waitForSelector('.save.saved');
});

await step('100,000 entries in one folder: few rows are drawn, the end can be reached', async () => {
  await page.click('[role=treeitem][title="raw data"] .twist');
  const rows = () => page.locator('[role=treeitem]').count();
  await page.waitForSelector('[title^="raw data/scan-000000"]');
  assert.ok((await rows()) < 80);
  await page.focus('[role=tree]');
  for (let press = 0; press < 3; press += 1) {
    await page.keyboard.press('End');
    await page.waitForTimeout(150);
  }
  await page.evaluate(() => {
    const tree = document.querySelector('[role=tree]');
    globalThis.down = setInterval(() => (tree.scrollTop = tree.scrollHeight), 20);
  });
  await page.waitForSelector('[title="raw data/scan-099999.csv"]', { timeout: 60_000 });
  await page.evaluate(() => clearInterval(globalThis.down));
  assert.ok((await rows()) < 80);
});

await step('make, rename and delete by keyboard; the tree follows', async () => {
  await page.goto(`${mock.url}/#/n/spectroscopy`);
  await page.reload();
  await page.waitForSelector('[title="protocols"]');
  await page.click('main >> text=New note');
  await page.keyboard.type('Plan');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=treeitem][title="Plan.md"]');
  await page.focus('[role=tree]');
  await page.keyboard.press('F2');
  await page.keyboard.type('Plan of work');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=treeitem][title="Plan of work.md"]');
  await page.focus('[role=tree]');
  await page.keyboard.press('Delete');
  await page.click('dialog .danger');
  await until('gone', async () => (await page.locator('[title="Plan of work.md"]').count()) === 0);
});

await step('search as one types, opened by keyboard', async () => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('mercury lamp');
  await page.waitForSelector('.hit mark');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.cm-content');
});

await step('a conflict is taken out of the inbox', async () => {
  await page.goto(`${mock.url}/#/conflicts`);
  await page.click('text=Use this');
  await until('one left', async () => (await page.locator('.card').count()) === 1);
  assert.ok(note.content.includes('instrument: Avantes ULS2048'));
});

await step('nothing hostile in a note runs', async () => {
  const lamp = at('protocols/lamp.md');
  mock.edit(lamp.id, () => '<img src=x onerror="window.bad=1"><script>window.bad=1</script><a href="javascript:window.bad=1">x</a>\n\n![far](https://example.org/x.png)\n');
  await page.goto(`${mock.url}/#/n/spectroscopy/e/${lamp.id}`);
  await page.waitForSelector('.cm-content');
  await page.click('.segments >> text=Read');
  await page.waitForSelector('.prose img');
  const seen = await page.evaluate(() => ({
    bad: globalThis.bad,
    scripts: document.querySelectorAll('.prose script, .prose [onerror], .prose a[href^=javascript]').length,
    far: document.querySelectorAll('.prose img[src^=http]').length,
  }));
  assert.deepEqual(seen, { bad: undefined, scripts: 0, far: 0 });
});

// The cleaner parses hostile HTML in an inert document; the browser reports its handlers as blocked.
const expected = ['404', 'Executing inline event handler'];
assert.deepEqual(problems.filter((problem) => !expected.some((part) => problem.includes(part))), []);
await browser.close();
await mock.stop();
