/** Seals on the page: sign, confirm, see what changed, amend. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cursorAfter, expect, pair, test } from './world';

const note = '---\nph: 7\n---\n# Lamp\n\nfirst line\n';

test('what one seals another confirms, and a later change shows beside it', async ({ page, browser, daemon, other }) => {
  const [, there] = await pair(daemon, other, { 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', typed');
  await page.getByRole('button', { name: 'Seals', exact: true }).click();
  await page.getByRole('button', { name: 'Seal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it means').fill('Measured by me');
  await dialog.getByRole('button', { name: 'Seal', exact: true }).click();
  await expect(page.locator('.seals .seal')).toContainText('Measured by me');
  await expect(page.getByText('Sealed, and unchanged since.')).toBeVisible();

  const second = await (await browser.newContext()).newPage();
  await other.openEntry(second, 'lab', 'lamp.md');
  await second.getByRole('button', { name: 'Seals', exact: true }).click();
  await second.getByRole('button', { name: 'Confirm' }).click();
  await second.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click();
  await expect(second.locator('.seals .witness')).toContainText('Witnessed');
  await expect(page.locator('.seals .witness')).toContainText('Witnessed');

  there.write('lamp.md', note.replace('ph: 7', 'ph: 8').replace('first line', 'first line, typed'));
  await expect(page.locator('.seals .mark')).toHaveText('Changed since it was sealed');
  await page.getByRole('button', { name: 'What changed' }).click();
  await expect(page.locator('.old-text del')).toHaveText('7');
  await expect(page.locator('.old-text ins')).toHaveText('8');
});

test('a locked entry takes no letter until it is to be amended', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Seals', exact: true }).click();
  await page.getByRole('button', { name: 'Seal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Lock it').check();
  await dialog.getByRole('button', { name: 'Seal', exact: true }).click();
  await expect(page.getByText('It is locked, so changes are amendments.')).toBeVisible();
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', not taken');
  await expect(page.locator('.cm-content')).not.toContainText('not taken');
  await expect(page.getByLabel('ph', { exact: true })).toHaveCount(0);
  await page.getByRole('button', { name: 'Amend' }).click();
  await cursorAfter(page, 'first line');
  await page.keyboard.type(', amended');
  await folder.says('lamp.md', note.replace('first line', 'first line, amended'));
  await expect(page.getByText('Amended since it was sealed.')).toBeVisible();
  await page.getByRole('button', { name: 'What changed' }).click();
  await expect(page.locator('.old-text ins')).toHaveText(', amended');
});

/** What was typed before the lock was known is not lost: it stays in the browser, and amends when that is said. */
test('what was typed while somebody locked the entry is kept and can amend it', async ({ page, daemon }) => {
  const folder = await daemon.notebook({ 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await cursorAfter(page, 'first line');
  await daemon.stop('SIGKILL');
  await page.keyboard.type(', typed late');
  await expect(page.locator('.save.failing')).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event('pagehide')));
  await page.goto('about:blank');
  await daemon.start();
  await daemon.idle();
  const entry = await daemon.entry('lab', 'lamp.md');
  const { version } = await daemon.api<{ version: string }>('GET', `/notebooks/lab/entries/${entry}`);
  await daemon.api('POST', `/notebooks/lab/entries/${entry}/seals`, { meaning: 'finished', locks: true, version });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(page.locator('.save.failing')).toBeVisible();
  await expect(page.locator('.cm-content')).toContainText('typed late');
  await page.getByRole('button', { name: 'Amend' }).click();
  await folder.says('lamp.md', note.replace('first line', 'first line, typed late'));
});

/** An authority for timestamps that is `openssl ts`, with certificates made here. */
function authority(root: string): { server: Server; certificate: string } {
  const dir = join(root, 'authority');
  mkdirSync(dir);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Institute root');
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'tsa.key', '-out', 'tsa.csr', '-subj', '/CN=Institute clock');
  writeFileSync(join(dir, 'ext'), 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n');
  openssl('x509', '-req', '-in', 'tsa.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'tsa.pem', '-extfile', 'ext');
  const settings = ['serial = serial', 'signer_cert = tsa.pem', 'signer_key = tsa.key', 'signer_digest = sha256', 'digests = sha256'];
  writeFileSync(join(dir, 'settings'), ['[tsa]', 'default_tsa = here', '[here]', ...settings, 'default_policy = 1.2.3.4.1', ''].join('\n'));
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      writeFileSync(join(dir, 'query'), Buffer.concat(parts));
      openssl('ts', '-reply', '-config', 'settings', '-queryfile', 'query', '-out', 'reply');
      response.end(readFileSync(join(dir, 'reply')));
    });
  });
  return { server, certificate: readFileSync(join(dir, 'tsa.pem'), 'utf8') };
}

test('the time that an authority says shows by itself, and where nobody believes it, that shows', async ({ page, browser, root, daemon, other }) => {
  const { server, certificate } = authority(root);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`;
  await pair(daemon, other, { 'lamp.md': note });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await page.getByRole('button', { name: 'Seals', exact: true }).click();
  await page.getByRole('button', { name: 'Seal', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Seal', exact: true }).click();
  await expect(page.getByText('Sealed, and unchanged since.')).toBeVisible();
  await expect(page.locator('.seals .seal')).not.toContainText('Existed before');
  await daemon.api('PUT', '/timestamps', { url, certificate, after_seconds: 0 });
  await expect(page.locator('.seals .stamp')).toContainText(/Existed before .* says Institute clock/);
  await expect(page.locator('.seals .stamp')).not.toContainText('not believed');

  const second = await (await browser.newContext()).newPage();
  await other.openEntry(second, 'lab', 'lamp.md');
  await second.getByRole('button', { name: 'Seals', exact: true }).click();
  await expect(second.locator('.seals .stamp')).toContainText('not believed here');
  server.close();
});
