/** Real daemons in folders of their own, and pages that are signed in to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Page, expect, test as base } from '@playwright/test';

const codexd = process.env['CODEXD'] ?? join(import.meta.dirname, '../../target/debug/codexd');

interface RunFile {
  url: string;
  token: string;
  pid: number;
  p2p_addrs: string[];
}

export interface Status {
  notebooks: {
    id: string;
    slug: string;
    path: string;
    state: string;
    entries: number;
    pending: number;
    unsynced_records: number;
    held_by: [number, number];
    scan: { busy: boolean };
    peers: { connected: boolean; records_behind: number }[];
  }[];
}

/** One daemon on one home; may be killed and started again at the same address. */
export class Daemon {
  readonly home: string;
  /** The link that signs a browser in, once. */
  link = '';
  #process: ChildProcess | null = null;
  #port = 0;
  #p2p = 0;

  constructor(
    readonly root: string,
    readonly name: string,
  ) {
    this.home = join(root, `home-${name}`);
  }

  get run(): RunFile {
    return JSON.parse(readFileSync(join(this.home, 'run/daemon.json'), 'utf8')) as RunFile;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const args = [
      '--home', this.home, 'serve', '--listen', `127.0.0.1:${this.#port}`, '--p2p-listen', `127.0.0.1:${this.#p2p}`,
      '--relay', 'none', '--no-discovery',
    ];
    const child = spawn(codexd, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    const lines = createInterface({ input: child.stdout });
    const link = await new Promise<string>((done, failed) => {
      lines.on('line', (line) => {
        const found = /http:\S+/.exec(line);
        if (found) done(found[0]);
      });
      child.on('exit', (code) => failed(new Error(`codexd ended with ${code}`)));
      child.on('error', failed);
    });
    this.link = link;
    this.#port = Number(new URL(link).port);
    this.#p2p = Number(this.run.p2p_addrs[0]?.split(':').at(-1));
  }

  /** SIGKILL: nothing is tidied up. SIGTERM: an ordinary end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  /** Stands still: accepts connections, and answers nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { url, token } = this.run;
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(`${url}/api/v1${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  status(): Promise<Status> {
    return this.api('GET', '/status');
  }

  /** Registers `ROOT/NAME-nb` with these files and waits until it is all in. */
  async notebook(files: Record<string, string | Buffer>, name = 'lab'): Promise<Folder> {
    const folder = new Folder(join(this.root, `${this.name}-${name}`));
    folder.make(files);
    await this.api('POST', '/notebooks', { path: folder.path, name });
    await this.idle();
    return folder;
  }

  async idle(): Promise<void> {
    await expect
      .poll(async () => (await this.status()).notebooks.filter((nb) => nb.state !== 'ready' || nb.pending > 0 || nb.scan.busy))
      .toEqual([]);
  }

  /** Until it has what stands in these files of a notebook's folder: `idle` alone may be so because it has not noticed yet. */
  async took(folder: Folder, ...paths: string[]): Promise<void> {
    const notebook = (await this.status()).notebooks.find(({ path }) => path === folder.path)?.id;
    if (notebook === undefined) throw new Error(`${folder.path} is no notebook of ${this.name}`);
    for (const path of paths) {
      const same = async () => {
        const id = await this.entry(notebook, path).catch(() => null);
        return id !== null && folder.bytes(path).equals(await this.content(notebook, id));
      };
      await expect.poll(same, { message: `${path} is taken in` }).toBe(true);
    }
    await this.idle();
  }

  async content(notebook: string, entry: string): Promise<Buffer> {
    const { url, token } = this.run;
    const response = await fetch(`${url}/api/v1/notebooks/${notebook}/entries/${entry}/content`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`the content of ${entry}: ${response.status} ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** A page that is signed in, at the place that a link names. */
  async open(page: Page, place = ''): Promise<void> {
    const { url } = await this.api<{ url: string }>('POST', '/session/links', {});
    await page.goto(url);
    await page.waitForURL((at) => at.search === "");
    await page.waitForSelector('aside .notebook, .welcome', { state: 'attached' });
    if (place !== '') await page.goto(`${this.url}/${place}`);
  }

  /** The id of the entry at a path. */
  async entry(notebook: string, path: string): Promise<string> {
    const page = await this.api<{ items: { id: string }[] }>('GET', `/notebooks/${notebook}/entries?path=${encodeURIComponent(path)}`);
    const [item] = page.items;
    if (!item) throw new Error(`there is nothing at ${path}`);
    return item.id;
  }

  async openEntry(page: Page, notebook: string, path: string): Promise<void> {
    await this.open(page, `#/n/${notebook}/e/${await this.entry(notebook, path)}`);
    await page.waitForSelector('.cm-content');
  }
}

/** A notebook's folder, as any other program sees it. */
export class Folder {
  constructor(readonly path: string) {}

  make(files: Record<string, string | Buffer>): void {
    mkdirSync(this.path, { recursive: true });
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), content);
  }

  remove(paths: string[]): void {
    for (const path of paths) rmSync(join(this.path, path));
  }

  bytes(path: string): Buffer {
    return readFileSync(join(this.path, path));
  }

  read(path: string): string {
    return this.bytes(path).toString('utf8');
  }

  /** Until the file says this. */
  async says(path: string, content: string | RegExp): Promise<void> {
    const poll = expect.poll(() => {
      try {
        return this.read(path);
      } catch {
        return null;
      }
    }, { message: path });
    if (typeof content === 'string') await poll.toBe(content);
    else await poll.toMatch(content);
  }
}

/** So many times slower than this machine is each page, as on an old laptop: `CODEX_SLOW=6`. */
const slow = Number(process.env['CODEX_SLOW'] ?? 1);
if (!(slow >= 1)) throw new Error(`CODEX_SLOW is to be a number from 1 on, and is “${process.env['CODEX_SLOW']}”`);

async function slowDown(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slow });
}

interface Fixtures {
  root: string;
  /** A running daemon without a notebook. */
  daemon: Daemon;
  /** Another one. */
  other: Daemon;
  /** What the page's console complained about; empty at the end of every test. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  page: async ({ page }, use, info) => {
    if (slow > 1) {
      info.setTimeout(info.timeout * slow);
      await slowDown(page);
    }
    await use(page);
  },
  root: async ({}, use) => {
    const root = mkdtempSync(join(tmpdir(), 'codex-browser-'));
    await use(root);
    rmSync(root, { recursive: true, force: true });
  },
  daemon: async ({ root }, use) => {
    const daemon = new Daemon(root, 'a');
    await daemon.start();
    await use(daemon);
    daemon.thaw();
    await daemon.stop();
  },
  other: async ({ root }, use) => {
    const daemon = new Daemon(root, 'b');
    await daemon.start();
    await use(daemon);
    await daemon.stop();
  },
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(`${error.message}`));
      page.on('console', (message) => {
        // A daemon that is away, and entries that are gone, are part of the tests.
        const network = /net::ERR_|Failed to load resource|WebSocket connection/.test(message.text());
        // What is read of a part that is gone may be old; Svelte only warns of it.
        const stale = /derived_inert/.test(message.text());
        if ((message.type() === 'error' && !network) || stale) complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

/** Two daemons that share the notebook `lab`. */
export async function pair(daemon: Daemon, other: Daemon, files: Record<string, string | Buffer>): Promise<[Folder, Folder]> {
  const here = await daemon.notebook(files);
  const { ticket } = await daemon.api<{ ticket: string }>('POST', '/invites', { unattended: true, notebook: 'lab', hours: 1 });
  const there = new Folder(join(other.root, 'b-lab'));
  await other.api('POST', '/join', { ticket, path: there.path });
  await synced(daemon);
  await synced(other);
  return [here, there];
}

/** Until the other device has all that this one has, and has said so. */
export async function synced(daemon: Daemon): Promise<void> {
  await expect
    .poll(async () => (await daemon.status()).notebooks.filter((nb) => nb.state !== 'ready' || nb.pending > 0 || nb.held_by[0] < 2))
    .toEqual([]);
}

/** The cursor at the end of the line that holds this text. */
export async function cursorAfter(page: Page, text: string): Promise<void> {
  await page.locator('.cm-line', { hasText: text }).click();
  await page.keyboard.press('End');
}

export { expect };
