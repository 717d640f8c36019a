/** Keys of the page while a view has the keyboard. */
import { sent, showScript } from './desk';
import { install } from './plugin-folders';
import { expect, test } from './world';

const KEYS = `codex.start((view) => {
  const field = codex.h('input', { 'aria-label': 'Field' });
  const used = codex.h('button', { onkeydown: (event) => { if (event.key === 'Escape' || (event.ctrlKey && event.key === 'k')) { event.preventDefault(); used.textContent = 'Used ' + event.key; } } }, 'Uses keys');
  view.root.replaceChildren(codex.h('button', {}, 'Plain'), used, field);
});`;

test('what a view makes no use of is done by the page; what it uses is its own', async ({ page, daemon }) => {
  await daemon.notebook({ 'Keys.cdx': '---\ntype: view\nview_type: keys\n---\n', 'note.md': '# Note\n' });
  await install(daemon, { id: 'keys', views: [{ id: 'keys', name: 'Keys', script: 'keys.js' }] }, { 'keys.js': KEYS });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Keys.cdx')}`);
  const frame = page.frameLocator('.plugin-frame iframe');
  const dialog = page.getByRole('dialog');
  await frame.getByRole('button', { name: 'Plain' }).focus();
  await page.keyboard.press('Control+k');
  await expect(dialog.getByRole('combobox')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await frame.getByRole('button', { name: 'Plain' }).focus();
  await page.keyboard.press('?');
  await expect(dialog.getByRole('heading', { name: 'Help' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  // What the view uses is the view's.
  const used = frame.getByRole('button', { name: /^Use/ });
  await used.focus();
  await page.keyboard.press('Control+k');
  await expect(used).toHaveText('Used k');
  await expect(dialog).toHaveCount(0);
  // What is typed is typed.
  const field = frame.getByLabel('Field');
  await field.focus();
  await page.keyboard.type('Why?');
  await expect(field).toHaveValue('Why?');
  await expect(dialog).toHaveCount(0);
  // The frame goes with this key: the browser may never say that it was pressed.
  void page.keyboard.press('Alt+3').catch(() => {});
  await expect(page).toHaveURL(/#\/tasks/);
});

test('Escape in a view closes what the page has open beside it', async ({ page, daemon }) => {
  await page.setViewportSize({ width: 500, height: 800 });
  await daemon.notebook({ 'Keys.cdx': '---\ntype: view\nview_type: keys\n---\n' });
  await install(daemon, { id: 'keys', views: [{ id: 'keys', name: 'Keys', script: 'keys.js' }] }, { 'keys.js': KEYS });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Keys.cdx')}`);
  const frame = page.frameLocator('.plugin-frame iframe');
  await expect(frame.getByRole('button', { name: 'Plain' })).toBeVisible();
  await page.getByRole('button', { name: 'Notebooks and entries' }).click();
  await expect(page.locator('.app.menu-open')).toHaveCount(1);
  await frame.getByRole('button', { name: 'Plain' }).focus();
  await page.keyboard.press('Escape');
  await expect(page.locator('.app.menu-open')).toHaveCount(0);
});

test('a view that makes up keys is not heard, with the keyboard or without', async ({ page, daemon }) => {
  const script = `addEventListener('message', (event) => {
    const [port] = event.ports;
    if (!port) return;
    event.stopImmediatePropagation();
    const press = (key, more) => port.postMessage({ type: 'key', key, code: '', ctrl: false, meta: false, alt: false, shift: false, ...more });
    setInterval(() => press('k', { ctrl: true }), 50);
    document.body.append(Object.assign(document.createElement('button'), { textContent: 'Pressed', onclick: () => press('w', { ctrl: true }) }));
    port.onmessage = ({ data }) => { if (data.type === 'ping') port.postMessage({ type: 'pong', id: data.id }); };
  }, true);`;
  await daemon.notebook({ 'Keys.cdx': '---\ntype: view\nview_type: forged\n---\n' });
  await install(daemon, { id: 'forged', views: [{ id: 'forged', name: 'Forged', script: 'forged.js' }] }, { 'forged.js': script });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Keys.cdx')}`);
  const frame = page.frameLocator('.plugin-frame iframe');
  await expect(frame.getByRole('button', { name: 'Pressed' })).toBeVisible();
  const heard: string[] = [];
  await page.exposeFunction('heardKey', (key: string) => heard.push(key));
  await page.evaluate(() => addEventListener('keydown', (event) => void (window as unknown as { heardKey(key: string): void }).heardKey(event.key)));
  // Made up many times by the time that the page has asked the daemon something.
  await page.getByRole('button', { name: 'Source', exact: true }).click();
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await expect(frame.getByRole('button', { name: 'Pressed' })).toBeVisible();
  expect(heard).toEqual([]);
  await frame.getByRole('button', { name: 'Pressed' }).click();
  await expect(frame.getByRole('button', { name: 'Pressed' })).toBeFocused();
  await page.evaluate(() => fetch('/api/v1/status'));
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(heard).toEqual([]);
});

test('a view is told the keys of the page and sends those alone', async ({ page }) => {
  const frame = await showScript(page, KEYS, [], { keys: ['Mod+K', 'Alt+N', '?', 'Escape', 7, 'Mod+Shift+F'] });
  await frame.getByRole('button', { name: 'Plain' }).focus();
  for (const keys of ['Control+k', 'Control+j', 'Alt+n', 'Control+Shift+f', 'Control+f', 'Escape', 'Enter', 'k']) await page.keyboard.press(keys);
  await expect.poll(async () => (await sent(page, 'key')).map((each) => each['code'])).toEqual(['KeyK', 'KeyN', 'KeyF', 'Escape']);
});
