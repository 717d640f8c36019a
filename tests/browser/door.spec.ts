/** Who gets in: tokens, hosts, origins, and what the page may do. */
import { request as plain } from 'node:http';
import { expect, test } from './world';

/** A request as a hostile or careless program would send it. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((done, failed) => {
    const request = plain(url, { method, headers }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    request.on('error', failed);
    request.end();
  });
}

test('a one-time link signs one browser in, once, and leaves the address', async ({ page, browser, daemon }) => {
  await page.goto(daemon.link);
  await expect(page).toHaveURL(/^[^?]*$/);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const stranger = await (await browser.newContext()).newPage();
  const answer = await stranger.goto(daemon.link);
  expect(answer?.status()).toBe(401);
  await stranger.goto(daemon.url);
  await expect(stranger.getByText('no longer signed in').first()).toBeVisible();
});

test('the API refuses who has no token, a foreign host, a foreign origin, and a change without the header', async ({ page, context, daemon }) => {
  const { token } = daemon.run;
  const status = `${daemon.url}/api/v1/status`;
  const bearer = { authorization: `Bearer ${token}` };
  expect(await ask(status, {})).toBe(401);
  expect(await ask(status, { authorization: 'Bearer wrong' })).toBe(401);
  expect(await ask(status, bearer)).toBe(200);
  expect(await ask(status, { ...bearer, host: 'evil.example' })).toBe(403);
  expect(await ask(status, { ...bearer, origin: 'http://evil.example' })).toBe(403);
  expect(await ask(`${daemon.url}/`, { host: 'evil.example' })).toBe(403);
  await daemon.open(page);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  expect(await ask(status, { cookie })).toBe(200);
  expect(await ask(`${daemon.url}/api/v1/session/links`, { cookie }, 'POST')).toBe(403);
});

test('a strict policy, and a page that keeps to it', async ({ page, daemon, complaints }) => {
  await daemon.notebook({ 'note.md': '# Note\n' });
  const answer = await page.goto(daemon.link);
  const policy = (await answer?.headerValue('content-security-policy')) ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  const html = (await answer?.text()) ?? '';
  expect(html.match(/<script(?![^>]*\bsrc=)|<style|\sstyle=/g)).toBeNull();
  expect(html).not.toMatch(/\son[a-z]+=/);
  await page.getByRole('treeitem', { name: 'note.md' }).click();
  await expect(page.locator('.cm-content')).toContainText('Note');
  // The browser reports what the policy stopped.
  expect(complaints).toEqual([]);
});

test('nothing hostile in a note runs or reaches out', async ({ page, daemon, complaints }) => {
  const hostile = [
    '<img src=x onerror="window.bad=1">', '<script>window.bad=1</script>', '<svg onload="window.bad=1"></svg>',
    '<a href="javascript:window.bad=1">x</a>', '[x](javascript:window.bad=1)', '<iframe srcdoc="<script>parent.bad=1</script>"></iframe>',
    '<form action="https://example.org"><button>x</button></form>', '![far](https://example.org/x.png)', '<style>body{display:none}</style>',
    '<math><mtext><table><mglyph><style><img src=x onerror="window.bad=1">', '<div style="background:url(https://example.org/x)">y</div>',
  ];
  await daemon.notebook({ 'hostile.md': `the beginning\n\n${hostile.join('\n\n')}\n` });
  const outside: string[] = [];
  page.on('request', (request) => request.url().startsWith(daemon.url) || request.url().startsWith('data:') || outside.push(request.url()));
  await daemon.openEntry(page, 'lab', 'hostile.md');
  await page.getByRole('button', { name: 'Read', exact: true }).click();
  await expect(page.locator('.prose')).toContainText('the beginning');
  expect(await page.evaluate(() => (globalThis as { bad?: number }).bad)).toBeUndefined();
  await expect(page.locator('.prose :is(script, iframe, form, style, [onerror], [onload], a[href^=javascript])')).toHaveCount(0);
  expect(outside).toEqual([]);
  // What the policy stopped is told when it is told: once the page is left, all of it was.
  await page.goto('about:blank');
  complaints.splice(0);
});
