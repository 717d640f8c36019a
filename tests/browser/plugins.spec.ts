/** Plugins: views, blocks, what they may do, and what becomes of those that mean harm. Each test brings its own. */
import { createHash } from 'node:crypto';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { barriers } from './axe';
import { type Row, folder, install } from './plugin-folders';
import { type Daemon, expect, pair, test } from './world';

const rows = async (daemon: Daemon) => (await daemon.api<{ plugins: Row[] }>('GET', '/plugins')).plugins;
const row = async (daemon: Daemon, id: string) => (await rows(daemon)).find((each) => each.id === id);

/** Titles by status; a click on one makes it done. */
const BOARD = `codex.start((view) => {
  const draw = () => view.root.replaceChildren(
    codex.h('h2', {}, String(view.config.heading)),
    ...view.files.map((file) => codex.h('button', { onclick: () => view.set(file, { status: 'done' }) }, file.title + ': ' + (file.properties.status ?? 'none'))),
    codex.h('a', { href: '#', onclick: (event) => { event.preventDefault(); view.open(view.files[0]); } }, 'open the first'));
  view.onchange = draw;
  draw();
});`;
const board = (more: object = {}) => ({
  id: 'shelf', name: 'Shelf', permissions: ['read_files', 'modify_metadata'],
  views: [{ id: 'shelf', name: 'Shelf', script: 'shelf.js', config_schema: { heading: { type: 'string', default: 'All of it', description: 'What stands above.' } } }], ...more,
});

const lab = (): Record<string, string> => ({
  'tasks/agar.md': '---\ntitle: Pour agar\ntype: task\nstatus: todo\n---\n# Pour agar\n',
  'tasks/plates.md': '---\ntitle: Weigh plates\ntype: task\nstatus: todo\n---\n# Weigh plates\n',
  'Shelf.cdx': '---\ntype: view\nview_type: shelf\ntitle: The shelf\nquery:\n  file_types: [task]\n  sort: title asc\n---\nWhat is **on** it.\n',
});

const show = async (page: Page, daemon: Daemon, path: string) => daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
const inside = (page: Page) => page.frameLocator('.plugin-frame iframe').first();
const stopped = (page: Page) => page.locator('.plugin-card[role=alert]');

async function sound(page: Page): Promise<void> {
  expect(await barriers(page)).toEqual([]);
}

test('a .cdx shows its view with the text above it, follows its entries, and changes them', async ({ page, daemon }) => {
  const files = await daemon.notebook(lab());
  await install(daemon, board(), { 'shelf.js': BOARD });
  await show(page, daemon, 'Shelf.cdx');
  await expect(page.getByRole('heading', { name: 'The shelf' })).toBeVisible();
  await expect(page.locator('.cdx-body strong')).toHaveText('on');
  const frame = inside(page);
  await expect(frame.getByRole('heading', { name: 'All of it' })).toBeVisible();
  await expect(frame.getByRole('button')).toHaveText(['Pour agar: todo', 'Weigh plates: todo']);
  await sound(page);
  await frame.getByRole('button', { name: 'Pour agar' }).click();
  await files.says('tasks/agar.md', /status: done/);
  files.write('tasks/new.md', '---\ntitle: Autoclave\ntype: task\nstatus: doing\n---\n');
  await expect(frame.getByRole('button')).toHaveText(['Autoclave: doing', 'Pour agar: done', 'Weigh plates: todo']);
  // The frame stays, whatever changes: what somebody does in it goes on.
  await frame.locator('body').evaluate((body) => body.setAttribute('data-kept', ''));
  files.write('Shelf.cdx', lab()['Shelf.cdx']!.replace('query:', 'config: { heading: Another }\nquery:'));
  await expect(frame.getByRole('heading', { name: 'Another' })).toBeVisible();
  await expect(frame.locator('body[data-kept]')).toHaveCount(1);
  await frame.getByRole('link', { name: 'open the first' }).click();
  await expect(page.locator('.crumbs .name')).toHaveText('new.md');
});

test('what is changed in a view on one device shows in the view of another', async ({ page, browser, daemon, other }) => {
  await pair(daemon, other, lab());
  for (const each of [daemon, other]) await install(each, board(), { 'shelf.js': BOARD });
  const there = await (await browser.newContext()).newPage();
  await show(page, daemon, 'Shelf.cdx');
  await show(there, other, 'Shelf.cdx');
  await expect(inside(there).getByRole('button')).toHaveText(['Pour agar: todo', 'Weigh plates: todo']);
  await inside(page).getByRole('button', { name: 'Weigh plates' }).click();
  await expect(inside(there).getByRole('button')).toHaveText(['Pour agar: todo', 'Weigh plates: done']);
  await there.context().close();
});

test('what a view file says that nobody understands leads to its line', async ({ page, daemon }) => {
  await daemon.notebook({ 'Odd.cdx': '---\ntype: view\nview_type: shelf\nconfig:\n  headnig: x\n---\n' });
  await install(daemon, board(), { 'shelf.js': BOARD });
  await show(page, daemon, 'Odd.cdx');
  await expect(page.locator('.cdx-warnings li')).toContainText('headnig');
  await page.getByRole('link', { name: 'line 5' }).click();
  await expect(page.locator('.cm-activeLine')).toHaveText('  headnig: x');
  await expect(page.getByRole('button', { name: 'Source', exact: true })).toHaveAttribute('aria-pressed', 'true');
});

test('a view file that cannot be read has one fault, and of many things that are not understood fifty are shown', async ({ page, daemon }) => {
  const keys = Array.from({ length: 60 }, (_, at) => `  odd${at}: x\n`).join('');
  await daemon.notebook({ 'Broken.cdx': '---\ntype: view\nview_type: shelf\nquery: [a\n---\n', 'Many.cdx': `---\ntype: view\nview_type: shelf\nconfig:\n${keys}---\n` });
  await install(daemon, board(), { 'shelf.js': BOARD });
  await show(page, daemon, 'Broken.cdx');
  await expect(page.locator('.cdx-warnings li')).toHaveCount(1);
  await expect(page.locator('.cdx-warnings li')).toContainText('YAML');
  await expect(page.locator('.banner')).toHaveCount(1);
  await expect(page.locator('.missing-view')).toHaveCount(0);
  await show(page, daemon, 'Many.cdx');
  await expect(page.locator('.cdx-warnings li')).toHaveCount(51);
  await expect(page.locator('.cdx-warnings li').first()).toContainText('config.odd0: the view');
  await expect(page.locator('.cdx-warnings li').last()).toHaveText('and 10 more.');
});

test('a view whose plugin is off in its notebook alone says so', async ({ page, daemon }) => {
  await daemon.notebook(lab());
  await install(daemon, board(), { 'shelf.js': BOARD });
  await daemon.api('PUT', '/plugins/shelf', { notebook: 'lab', enabled: false });
  await show(page, daemon, 'Shelf.cdx');
  await expect(page.locator('.missing-view')).toContainText('which is off in this notebook');
  await page.locator('.missing-view').getByRole('link', { name: 'Plugins…' }).click();
  await expect(page.locator('[data-plugin=shelf] .elsewhere')).toHaveText('Off in lab');
  await sound(page);
});

test('a view whose plugin is off shows what it asks for, and is there once the plugin is enabled', async ({ page, daemon }) => {
  await daemon.notebook(lab());
  await install(daemon, board(), { 'shelf.js': BOARD }, false);
  await show(page, daemon, 'Shelf.cdx');
  await expect(page.locator('.missing-view')).toContainText('which is not enabled here');
  await expect(page.locator('.missing-view')).toContainText('["task"]');
  await expect(page.locator('iframe')).toHaveCount(0);
  await sound(page);
  await page.getByRole('button', { name: 'Enable…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('checkbox')).toHaveCount(2);
  await dialog.getByLabel(/Change properties/).uncheck();
  await sound(page);
  await dialog.getByRole('button', { name: 'Enable' }).click();
  await inside(page).getByRole('button', { name: 'Pour agar' }).click();
  // It may not: it is told so, the property stays, and the refusal is counted.
  await expect(page.locator('.messages, [role=status]').filter({ hasText: /Pour agar.*was not changed/ }).first()).toBeVisible();
  await expect(inside(page).getByRole('button', { name: 'Pour agar: todo' })).toBeVisible();
  expect((await row(daemon, 'shelf'))?.permissions).toEqual(expect.arrayContaining([expect.objectContaining({ permission: 'modify_metadata', granted: false })]));
  await page.goto(`${daemon.url}/#/settings/plugins`);
  const card = page.locator('[data-plugin=shelf]');
  await card.getByText('What it may do').click();
  await expect(card).toContainText('1 refused');
});

test('a view of no plugin says so', async ({ page, daemon }) => {
  await daemon.notebook({ 'Lost.cdx': '---\ntype: view\nview_type: nowhere\nconfig: { a: 1 }\n---\n' });
  await show(page, daemon, 'Lost.cdx');
  await expect(page.locator('.missing-view')).toContainText('No plugin on this device has a view called “nowhere”.');
});

const hostile: [string, string, RegExp][] = [
  ['that never ends', 'codex.start((view) => { view.root.append("here"); setTimeout(() => { for (;;); }, 100); });', /stopped answering/],
  ['that never begins', 'for (;;);', /did not start/],
  ['that floods the page', 'codex.start((view) => { setInterval(() => { for (let n = 0; n < 300; n += 1) view.say("x"); }, 20); });', /more messages than a page can take/],
  ['that shows another page', 'codex.start(() => { setTimeout(() => { location.href = "about:blank"; }, 100); });', /tried to show another page/],
];
for (const [what, script, words] of hostile) {
  test(`a view ${what} is taken out and named; the page goes on`, async ({ page, daemon }) => {
    await daemon.notebook({ 'Bad.cdx': '---\ntype: view\nview_type: bad\n---\n', 'note.md': '# Note\n' });
    await install(daemon, { id: 'bad', name: 'Badly made', views: [{ id: 'bad', name: 'Bad', script: 'bad.js' }] }, { 'bad.js': script });
    // A frame may be gone before it could be looked at.
    let begun = 0;
    page.on('request', (request) => { if (new URL(request.url()).pathname === '/api/v1/plugins/bad/frame') begun += 1; });
    await show(page, daemon, 'Bad.cdx');
    await expect.poll(() => begun).toBe(1);
    // While it does what it does, the page answers.
    await page.getByRole('button', { name: 'Source', exact: true }).click();
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await expect(stopped(page)).toContainText('Badly made');
    await expect(stopped(page)).toContainText(words);
    await expect(page.locator('iframe')).toHaveCount(0);
    const before = begun;
    await stopped(page).getByRole('button', { name: 'Start it again' }).click();
    await expect.poll(() => begun).toBe(before + 1);
  });
}

test('a frame reaches nothing: no network, no page around it, no prototype of the page', async ({ page, daemon, complaints }) => {
  const script = `codex.start(async (view) => {
    const tried = {};
    const attempt = async (name, work) => { try { tried[name] = String(await work()); } catch (error) { tried[name] = 'refused'; } };
    await attempt('fetch', () => fetch('/api/v1/status').then((answer) => answer.status));
    await attempt('parent', () => parent.document.title);
    await attempt('cookie', () => document.cookie);
    await attempt('storage', () => localStorage.length);
    await attempt('worker', () => new Worker(URL.createObjectURL(new Blob(['1']))) && new Promise((done, failed) => setTimeout(() => failed(), 300)));
    await attempt('image', () => new Promise((done, failed) => { const image = new Image(); image.onload = () => done('loaded'); image.onerror = failed; image.src = '/icon.svg'; }));
    await attempt('write', () => view.create({ path: 'evil.md', text: '' }).then(() => 'made'));
    await view.set({ id: 'x', notebook: '../../..', properties: {}, title: '' }, JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 1}')).catch(() => {});
    view.root.replaceChildren(codex.h('pre', {}, JSON.stringify(tried)));
  });`;
  await daemon.notebook({ 'Spy.cdx': '---\ntype: view\nview_type: spy\n---\n' });
  await install(daemon, { id: 'spy', permissions: ['read_files'], views: [{ id: 'spy', name: 'Spy', script: 'spy.js' }] }, { 'spy.js': script });
  await show(page, daemon, 'Spy.cdx');
  const tried = inside(page).locator('pre');
  await expect(tried).toBeVisible();
  expect(JSON.parse((await tried.textContent()) ?? '')).toEqual({ fetch: 'refused', parent: 'refused', cookie: 'refused', storage: 'refused', worker: 'refused', image: 'refused', write: 'refused' });
  expect(await page.evaluate(() => ({}) as Record<string, unknown>).then((plain) => plain['polluted'])).toBeUndefined();
  // The browser says what the frame's policy refused: that is as it should be.
  expect(complaints.filter((each) => !/Content Security Policy|Refused to|violates|requires .Trusted/i.test(each))).toEqual([]);
  complaints.length = 0;
});

test('a view puts other views in its places, and never itself', async ({ page, daemon }) => {
  const script = `codex.start((view) => {
    view.fit();
    const places = view.config.views.map((path) => [path, codex.h('div', { style: { height: '300px' } })]);
    view.root.append(...places.map(([, element]) => element));
    for (const [path, element] of places) view.place(element, path);
  });`;
  await daemon.notebook({ ...lab(), 'views/All.cdx': '---\ntype: view\nview_type: many\nconfig: { views: [../Shelf.cdx, All.cdx, none.cdx] }\n---\n' });
  await install(daemon, board(), { 'shelf.js': BOARD });
  await install(daemon, { id: 'many', views: [{ id: 'many', name: 'Many', script: 'many.js', config_schema: { views: { type: 'array', items: { type: 'string' } } } }] }, { 'many.js': script });
  await show(page, daemon, 'views/All.cdx');
  await expect(page.frameLocator('.plugin-place iframe').getByRole('button', { name: 'Pour agar' })).toBeVisible();
  await expect(page.locator('.plugin-place', { hasText: 'a view cannot show itself' })).toHaveCount(1);
  await expect(page.locator('.plugin-place', { hasText: 'There is no view at none.cdx' })).toHaveCount(1);
  await expect(page.locator('iframe')).toHaveCount(2);
});

const CARD = `codex.start((view) => { view.fit(); view.root.append(codex.h('p', {}, 'Card of ' + (view.values.url ?? 'nothing') + ', ' + view.values.size)); });`;
const cards = {
  id: 'cards', name: 'Cards', permissions: ['render_blocks'],
  blocks: [{ id: 'card', name: 'Card', script: 'card.js', auto_detect: true, url_patterns: ['^https://issues\\.example/\\d+$'], config_schema: { url: { type: 'string' }, size: { type: 'integer', default: 3 } } }],
};

test('a block is drawn while one writes and where one reads, is a card on paper, and code while it is off', async ({ page, daemon }) => {
  const files = await daemon.notebook({ 'note.md': '# Note\n\n```card\nurl: one\nsize: 5\n```\n\nhttps://issues.example/7\n\nhttps://elsewhere.example/7\n\nEnd.\n' });
  await install(daemon, cards, { 'card.js': CARD });
  await daemon.openEntry(page, 'lab', 'note.md');
  const drawn = page.frameLocator('.cm-plugin-block iframe');
  await expect(drawn.nth(0).getByText('Card of one, 5')).toBeVisible();
  await expect(drawn.nth(1).getByText('Card of https://issues.example/7, 3')).toBeVisible();
  await expect(page.locator('.cm-plugin-block')).toHaveCount(2);
  await page.locator('.cm-plugin-bar').first().click();
  await expect(page.locator('.cm-activeLine')).toHaveText('url: one');
  await page.locator('.cm-line', { hasText: 'End.' }).click();
  await page.getByRole('button', { name: 'Both', exact: true }).click();
  await expect(page.frameLocator('article .plugin-block iframe').nth(1).getByText('issues.example/7')).toBeVisible();
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await sound(page);
  await page.goto(`${page.url()}/print`);
  await expect(page.locator('.sheet .embedded-note').first()).toContainText('url: one');
  await expect(page.locator('.sheet iframe')).toHaveCount(0);
  await daemon.api('PUT', '/plugins/cards', { enabled: false });
  await show(page, daemon, 'note.md');
  await page.waitForSelector('article pre');
  await expect(page.locator('article pre')).toContainText('url: one');
  await expect(page.locator('iframe')).toHaveCount(0);
  expect(files.read('note.md')).toContain('```card\nurl: one\nsize: 5\n```');
});

test('views show where they are embedded, and a view that embeds itself ends', async ({ page, daemon }) => {
  await daemon.notebook({ ...lab(), 'note.md': '# Note\n\n![[Shelf.cdx]]\n', 'Self.cdx': '---\ntype: view\nview_type: shelf\n---\n![[Self.cdx]]\n' });
  await install(daemon, board(), { 'shelf.js': BOARD });
  await daemon.openEntry(page, 'lab', 'note.md');
  await expect(page.frameLocator('.cm-embed iframe').getByRole('button', { name: 'Pour agar' })).toBeVisible();
  await show(page, daemon, 'Self.cdx');
  await expect(inside(page).getByRole('heading', { name: 'All of it' })).toBeVisible();
  await expect(page.locator('iframe')).toHaveCount(1);
});

test('plugins are added, looked at, enabled in a notebook, set up and removed under settings', async ({ page, daemon }) => {
  await daemon.notebook(lab());
  await daemon.notebook({ 'x.md': '# x\n' }, 'second');
  const path = folder(daemon, {
    id: 'service', name: 'Service', type: 'integration', permissions: [{ network_request: { hosts: ['api.example.org'] } }],
    integration: { api_type: 'rest', base_url: 'https://api.example.org', auth_method: 'token' }, endpoints: [{ id: 'get', name: 'Get', method: 'GET', path: '/x' }],
    properties: [{ name: 'token', type: 'string', secure: true, ui: { label: 'Token' } }, { name: 'every', type: 'integer', ui: { label: 'Every' } }],
  }, {});
  await daemon.open(page, '#/settings/plugins');
  await page.getByLabel('Folder', { exact: true }).fill(join(daemon.root, 'nowhere'));
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.locator('.add-problem')).toContainText('nowhere');
  await page.getByLabel('Folder', { exact: true }).fill(path);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const card = page.locator('[data-plugin=service]');
  await expect(card.locator('.plugin-state')).toHaveText('Off');
  await card.getByText('What it may do').click();
  await expect(card).toContainText('Have this device ask api.example.org, and nobody else on the network');
  await card.getByRole('button', { name: 'Enable…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
  await expect(card.locator('.plugin-state')).toHaveText('On');
  await card.locator('.in-notebooks').getByLabel('second').selectOption('Off');
  const second = (await daemon.status()).notebooks.find(({ slug }) => slug === 'second')?.id ?? '';
  await expect.poll(async () => (await daemon.api<{ plugins: Row[] }>('GET', `/plugins?notebook=${second}`)).plugins.find(({ id }) => id === 'service')?.state).toBe('off');
  await expect(card.locator('.elsewhere')).toHaveText('Off in second');
  await card.getByText('Settings', { exact: true }).click();
  await card.getByLabel('Every', { exact: true }).fill('often');
  await card.getByRole('button', { name: 'Save' }).click();
  await expect(card.getByRole('alert')).toHaveText('“Every” must be a number.');
  await card.getByLabel('Every', { exact: true }).fill('15');
  await card.getByLabel('Token', { exact: true }).fill('s3cret-word');
  await card.getByRole('button', { name: 'Save' }).click();
  await expect(card.getByLabel('Token', { exact: true })).toHaveAttribute('placeholder', /Set/);
  await expect(card.getByLabel('Token', { exact: true })).toHaveValue('');
  expect(await row(daemon, 'service')).toMatchObject({ secrets: ['token'], config: { every: 15 } });
  expect(JSON.stringify(await rows(daemon))).not.toContain('s3cret-word');
  // A secret that was given for one service is asked for again before another one is told it.
  await daemon.api('PUT', '/plugins/service', { config: { base_url: 'https://other.example' } });
  await expect(card).toContainText('“Token” was given for other hosts');
  await expect(card.getByLabel('Token', { exact: true })).toHaveAttribute('placeholder', 'Type it again');
  await daemon.api('PUT', '/plugins/service', { config: { base_url: null } });
  await expect(card.getByLabel('Token', { exact: true })).toHaveAttribute('placeholder', /Set/);
  await sound(page);
  await card.getByRole('button', { name: 'Forget it' }).click();
  await expect(card.getByLabel('Token', { exact: true })).toHaveAttribute('placeholder', 'Not set');
  await card.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(card).toHaveCount(0);
});

/** Where a service of this machine is found from now on. */
async function listening(service: Server): Promise<string> {
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
}

test('one signs in at a service in a tab of its own, and signs out again', async ({ page, daemon }) => {
  // A service as RFC 6749 describes one: the user's yes, a code, and tokens for whoever has the verifier.
  let challenge = '';
  const service = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://service');
    if (url.pathname === '/auth') {
      challenge = url.searchParams.get('code_challenge') ?? '';
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.search = String(new URLSearchParams({ code: 'good', state: url.searchParams.get('state') ?? '' }));
      response.writeHead(302, { location: String(back) }).end();
    } else if (url.pathname === '/token') {
      let body = '';
      request.on('data', (part) => (body += String(part))).on('end', () => {
        const verifier = new URLSearchParams(body).get('code_verifier') ?? '';
        const fits = createHash('sha256').update(verifier).digest('base64url') === challenge;
        response.writeHead(fits ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(fits ? { access_token: 'the-token', expires_in: 3600 } : { error: 'invalid_grant' }));
      });
    } else {
      const knows = request.headers.authorization === 'Bearer the-token';
      response.writeHead(knows ? 200 : 401, { 'content-type': 'application/json' }).end('{"events":2}');
    }
  });
  const base = await listening(service);
  await daemon.notebook(lab());
  await install(daemon, {
    id: 'agenda', name: 'Agenda', type: 'integration', permissions: [{ network_request: { hosts: ['api.example.org'] } }], properties: [{ name: 'client_id', ui: { label: 'Client id' } }],
    integration: { base_url: 'https://api.example.org', auth_method: 'oauth2', oauth: { authorize_url: `${base}/auth`, token_url: `${base}/token`, scopes: ['read'] } },
    endpoints: [{ id: 'events', name: 'Events', path: '/events' }],
  }, {});
  await daemon.api('PUT', '/plugins/agenda', { config: { base_url: base } });
  await daemon.open(page, '#/settings/plugins');
  const card = page.locator('[data-plugin=agenda]');
  await card.getByRole('button', { name: 'Sign in…' }).click();
  await expect(page.getByText('the setting `client_id` is not set')).toBeVisible();
  await card.getByText('Settings', { exact: true }).click();
  await card.getByLabel('Client id').fill('me');
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByRole('button', { name: 'Sign in…' }).click();
  await sound(page);
  const [tab] = await Promise.all([page.waitForEvent('popup'), card.getByRole('link', { name: /^Continue at/ }).click()]);
  await expect(tab.getByRole('heading')).toHaveText('Signed in');
  await tab.close();
  // The page hears of it by itself.
  await expect(card).toContainText('Signed in.');
  const answer = await daemon.api<{ data: unknown }>('POST', '/plugins/agenda/endpoints/events', {});
  expect(answer.data).toEqual({ events: 2 });
  expect(JSON.stringify(await rows(daemon))).not.toContain('the-token');
  await card.getByRole('button', { name: 'Sign out' }).click();
  await expect(card).toContainText('Not signed in');
  service.close();
});

test('a new view is made from a few answers', async ({ page, daemon }) => {
  const files = await daemon.notebook(lab());
  await install(daemon, board(), { 'shelf.js': BOARD });
  await daemon.open(page, '#/n/lab');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused();
  await page.keyboard.type('New view');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('What is to do');
  await dialog.getByRole('radio', { name: /Shelf/ }).check();
  await dialog.getByLabel('Types').fill('task');
  await expect(dialog.locator('.found')).toContainText('2 entries fit.');
  await dialog.getByLabel('heading').fill('To: "do"');
  await sound(page);
  await dialog.getByRole('button', { name: 'Create the view' }).click();
  await expect(inside(page).getByRole('heading', { name: 'To: "do"' })).toBeVisible();
  await expect(inside(page).getByRole('button')).toHaveCount(2);
  await files.says('What is to do.cdx', /view_type: shelf\ntitle: "What is to do"\nquery:\n  file_types: \["task"\]/);
});

test('a new view begins with one that a plugin brings', async ({ page, daemon }) => {
  const files = await daemon.notebook(lab());
  await install(daemon, { ...board(), examples: [{ name: 'Reading room', file: 'room.cdx', description: 'What is to be read' }] }, {
    'shelf.js': BOARD, 'room.cdx': '---\ntype: view\nview_type: shelf\nquery: { file_types: [task] }\nconfig: { heading: "To read" }\n---\n\nWords above.\n',
  });
  await daemon.open(page, '#/n/lab');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused();
  await page.keyboard.type('New view');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Begin with').selectOption({ label: 'Board: Tasks by status' });
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('Board');
  await dialog.getByLabel('Begin with').selectOption({ label: 'Reading room: What is to be read' });
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('Reading room');
  await expect(dialog.getByRole('radio')).toHaveCount(0);
  await expect(dialog.locator('pre')).toContainText('Words above.');
  await sound(page);
  await dialog.getByRole('button', { name: 'Create the view' }).click();
  await expect(inside(page).getByRole('heading', { name: 'To read' })).toBeVisible();
  await files.says('Reading room.cdx', /view_type: shelf[^]*Words above\./);
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused();
  await page.keyboard.type('New view');
  await page.keyboard.press('Enter');
  await dialog.getByLabel('Begin with').selectOption({ label: 'Reading room: What is to be read' });
  await dialog.getByLabel('Name', { exact: true }).fill('In the tram');
  await expect(dialog.locator('pre')).toContainText('title: "In the tram"');
  await dialog.getByRole('button', { name: 'Create the view' }).click();
  await expect(page.getByRole('heading', { name: 'In the tram', exact: true })).toBeVisible();
  await files.says('In the tram.cdx', /view_type: shelf\ntitle: "In the tram"\nquery[^]*Words above\./);
});

test('the settings of a service are tried with one request', async ({ page, daemon }) => {
  const service = createServer((request, response) => {
    const knows = request.headers.authorization === 'Bearer good';
    response.writeHead(knows ? 200 : 401, { 'content-type': 'application/json' }).end('{"left":1}');
  });
  const base = await listening(service);
  await daemon.notebook(lab());
  await install(daemon, {
    id: 'stars', name: 'Stars', type: 'integration', permissions: [{ network_request: { hosts: ['api.example.org'] } }],
    properties: [{ name: 'token', secure: true, ui: { label: 'Token' } }],
    integration: { base_url: 'https://api.example.org', auth_method: 'token', test_endpoint: 'left' }, endpoints: [{ id: 'left', name: 'Left', method: 'GET', path: '/left' }],
  }, {});
  await daemon.open(page, '#/settings/plugins');
  const card = page.locator('[data-plugin=stars]');
  await card.getByText('Settings', { exact: true }).click();
  await card.getByLabel('Token').fill('bad');
  await card.getByLabel(/^Address of the service/).fill(base);
  await card.getByRole('button', { name: 'Save and try' }).click();
  await expect(card.getByRole('alert')).toContainText('401');
  await card.getByLabel('Token').fill('good');
  await card.getByRole('button', { name: 'Save and try' }).click();
  await expect(card.getByRole('status').filter({ hasText: 'The service answers' })).toBeVisible();
  await expect(card.getByRole('alert')).toHaveCount(0);
  await sound(page);
  service.close();
});

test('a board with columns of its own, and a dashboard, are made without writing JSON', async ({ page, daemon }) => {
  const files = await daemon.notebook(lab());
  // A view of one's own that is called like one of the program's.
  await install(daemon, { ...board(), views: [{ ...board().views[0], name: 'Board' }], name: 'Mine' }, { 'shelf.js': BOARD });
  const begin = async (name: string, looks: RegExp) => {
    await daemon.open(page, '#/n/lab');
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused();
    await page.keyboard.type('New view');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByRole('radio', { name: 'Board (Mine)' })).not.toBeChecked();
    await dialog.getByLabel('Name', { exact: true }).fill(name);
    await dialog.getByRole('radio', { name: looks }).check();
    return dialog;
  };
  let dialog = await begin('Plan', /Board \(Tasks\)/);
  await dialog.getByLabel('Types').fill('task');
  const columns = dialog.getByRole('group', { name: 'Columns' });
  for (const [at, [title, filter]] of [['Open', 'status = todo, doing'], ['Over', 'status = done']].entries()) {
    await columns.getByRole('button', { name: 'Add a row' }).press('Enter');
    await expect(columns.getByLabel(`Title of row ${at + 1}`)).toBeFocused();
    await columns.getByLabel(`Title of row ${at + 1}`).fill(String(title));
    await columns.getByLabel(`Filter of row ${at + 1}`).fill(String(filter));
  }
  await columns.getByRole('button', { name: 'Move row 2 up' }).click();
  await sound(page);
  await dialog.getByRole('button', { name: 'Create the view' }).click();
  await expect(inside(page).getByRole('region', { name: 'Over' })).toBeVisible();
  expect(await inside(page).getByRole('region').locator('h2').allTextContents()).toEqual([expect.stringContaining('Over'), expect.stringContaining('Open')]);
  await files.says('Plan.cdx', /columns:\n {4}- \{"id":"over","title":"Over","filter":\{"status":"done"\}\}\n/);
  dialog = await begin('Home', /Dashboard/);
  await expect(dialog.getByLabel('Types')).toHaveCount(0);
  const layout = dialog.getByRole('group', { name: 'Layout' });
  for (const [at, width] of ['two thirds', 'a third'].entries()) {
    await layout.getByRole('button', { name: 'Add a view' }).click();
    await layout.getByLabel(`View of row ${at + 1}`).selectOption({ label: 'Plan (Plan.cdx)' });
    await layout.getByLabel(`Width of row ${at + 1}`).selectOption(width);
  }
  await sound(page);
  await dialog.getByRole('button', { name: 'Create the view' }).click();
  await expect(page.locator('.plugin-place iframe')).toHaveCount(2);
  await expect(page.frameLocator('.plugin-place iframe').first().getByRole('region', { name: 'Over' })).toBeVisible();
});

test('a theme is chosen, is there before the page is drawn, decides light or dark, and leaves paper alone', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n\nText with `code` and a [link](note.md).\n\n> [!warning] Hot\n> The autoclave.\n' });
  await daemon.open(page, '#/settings');
  await page.getByRole('radio', { name: /Obsidian/ }).check();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await expect.poll(ground).toBe('rgb(23, 22, 27)');
  await expect(page.getByRole('button', { name: 'Light', exact: true })).toBeDisabled();
  await sound(page);
  // Whatever the daemon says later: the first thing that is drawn has it.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('#app')?.firstChild) return;
      (window as unknown as { first: string }).first = getComputedStyle(document.body).backgroundColor;
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await page.waitForSelector('.theme-list');
  expect(await page.evaluate(() => (window as unknown as { first: string }).first)).toBe('rgb(23, 22, 27)');
  await page.emulateMedia({ media: 'print' });
  expect(await ground()).toBe('rgb(255, 255, 255)');
  await page.emulateMedia({ media: 'screen' });
  await page.getByRole('radio', { name: /High contrast/ }).check();
  await expect.poll(ground).toBe('rgb(255, 255, 255)');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).toBe('rgb(0, 0, 0)');
  await show(page, daemon, 'note.md');
  await page.waitForSelector('.cm-content');
  await sound(page);
  await page.goto(`${daemon.url}/#/settings`);
  await page.getByRole('radio', { name: /Cream/ }).check();
  await expect.poll(ground).toBe('rgb(25, 27, 28)');
});

test('callouts and diagrams wear the theme, also one that is put on while they are there', async ({ page, daemon }) => {
  await daemon.notebook({ 'note.md': '# Note\n\n> [!tip] Warm\n> Up.\n\n```mermaid\nflowchart LR\n  A --> B\n```\n' });
  await daemon.openEntry(page, 'lab', 'note.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  const title = page.locator('article .callout-title');
  const drawing = () => page.locator('article img.drawing').evaluate((image: HTMLImageElement) => decodeURIComponent(image.src));
  const colour = () => title.evaluate((element) => getComputedStyle(element).color);
  await expect.poll(colour).toBe('rgb(44, 110, 60)');
  await expect.poll(drawing).toContain('rgb(255, 255, 255)');
  await daemon.api('PUT', '/appearance', { theme: 'obsidian' });
  await expect.poll(colour).toBe('rgb(134, 201, 148)');
  await expect.poll(drawing).toContain('rgb(34, 32, 39)');
  expect(await drawing()).not.toContain('rgb(255, 255, 255)');
});
