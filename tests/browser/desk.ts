/** A page that shows one view in a frame as the daemon makes it, and speaks its protocol, with entries made up here. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Page } from '@playwright/test';

const plugins = join(import.meta.dirname, '../../plugins');
const at = 'http://desk.test/';

export type Properties = Record<string, unknown>;

/** An entry as a query answers it. */
export interface File {
  notebook: string;
  id: string;
  path: string;
  name: string;
  kind: string;
  media_type: string;
  size: number;
  hash: string;
  title: string;
  properties: Properties;
  tags: string[];
  created: string;
  modified: string;
  author: string;
}

export const file = (id: string, properties: Properties = {}, more: Partial<File> = {}): File => ({
  notebook: 'lab', id, path: `tasks/${id}.md`, name: `${id}.md`, kind: 'text', media_type: 'text/markdown', size: 420, hash: id,
  title: typeof properties['title'] === 'string' ? properties['title'] : id,
  properties, tags: Array.isArray(properties['tags']) ? properties['tags'].map(String) : [],
  created: '2026-11-01T09:00:00Z', modified: '2026-11-20T15:30:00Z', author: 'd1', ...more,
});

interface Begin {
  kind?: 'view' | 'block';
  config?: Properties;
  layout?: unknown[] | null;
  body?: string;
  values?: Properties;
  dark?: boolean;
  total?: number;
  groups?: Record<string, File[]>;
  today?: string;
  locale?: string;
  keys?: unknown[];
  /** What `text` answers, by entry. */
  texts?: Record<string, string>;
}

/** What the page around the frame can be asked for in a test. */
export interface Desk {
  /** All messages of the frame, the oldest first. */
  log: Record<string, unknown>[];
  files: File[];
  /** Calls of these names are refused. */
  refused: string[];
  /** Calls of these names wait until they are taken out. */
  held: string[];
  texts: Record<string, string>;
  send(message: unknown): void;
  change(more?: Record<string, unknown>): void;
  release(): void;
}

declare global {
  interface Window {
    desk: Desk;
  }
}

/** The document that `GET …/frame` answers, and its policy. */
function frame(script: string, style: string): { html: string; policy: string } {
  const sdk = (name: string): string => readFileSync(join(plugins, 'sdk', name), 'utf8');
  const scripts = [sdk('fence.js'), sdk('codex.js'), script] as const;
  const html = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>view</title><meta name="viewport" content="width=device-width">
<script>${scripts[0]}</script><style>${sdk('codex.css')}</style><style>${style}</style><body>
<script>${scripts[1]}</script><script type="module">${scripts[2]}</script></body></html>`;
  const hashes = scripts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
  const policy = `sandbox allow-scripts; default-src 'none'; script-src ${hashes}; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'none'; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  return { html, policy };
}

/** Runs in the page. */
function host(begin: Record<string, unknown>, files: File[]): void {
  const frame = document.querySelector('iframe') as HTMLIFrameElement;
  const { port1, port2 } = new MessageChannel();
  let waiting: (() => void)[] = [];
  const answer = () => ({ files: desk.files, groups: begin['groups'] ?? null, total: begin['total'] ?? desk.files.length });
  const desk: Desk = {
    log: [], files, refused: [], held: [], texts: (begin['texts'] ?? {}) as Record<string, string>,
    send: (message) => port1.postMessage(message),
    change: (more = {}) => port1.postMessage({ type: 'change', answer: answer(), ...more }),
    release() {
      desk.held = [];
      const all = waiting;
      waiting = [];
      for (const one of all) one();
    },
  };
  window.desk = desk;
  const reply = (message: Record<string, unknown>): void => {
    const id = message['id'];
    const call = String(message['call']);
    if (desk.refused.includes(call)) {
      port1.postMessage({ type: 'reply', id, error: { code: 'not_permitted', message: `it may not ${call}` } });
      return;
    }
    if (desk.held.includes(call)) {
      waiting.push(() => reply(message));
      return;
    }
    let value: unknown = {};
    if (call === 'query') value = answer();
    if (call === 'text') value = { text: desk.texts[String(message['entry'])] ?? '', version: 'v1' };
    if (call === 'picture') {
      const hue = (String(message['entry']).charCodeAt(0) * 47 + String(message['entry']).length * 91 + parseInt(String(message['entry']).replace(/\D/g, '') || '0', 10) * 37) % 360;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300" fill="hsl(${hue} 35% 62%)"/><circle cx="${120 + (hue % 160)}" cy="150" r="70" fill="hsl(${(hue + 60) % 360} 40% 42%)"/></svg>`;
      value = { media_type: 'image/svg+xml', base64: btoa(svg) };
    }
    if (call === 'set') {
      desk.files = desk.files.map((each) => {
        if (each.id !== message['entry']) return each;
        const properties = { ...each.properties, ...(message['properties'] as Properties) };
        for (const name of message['remove'] as string[]) delete properties[name];
        return { ...each, properties, tags: Array.isArray(properties['tags']) ? properties['tags'].map(String) : [] };
      });
    }
    port1.postMessage({ type: 'reply', id, value });
    if (call === 'set') desk.change();
  };
  port1.onmessage = (event: MessageEvent<Record<string, unknown>>) => {
    desk.log.push(event.data);
    if (event.data['type'] === 'size' && event.data['fit'] === true) frame.style.height = `${String(event.data['height'])}px`;
    if (event.data['type'] === 'call') reply(event.data);
  };
  frame.contentWindow?.postMessage({ codex: 1 }, '*', [port2]);
  port1.postMessage({ type: 'begin', ...begin, answer: answer() });
}

/** A view of a plugin, in the page; the frame that it is in. */
export async function show(page: Page, where: string, files: File[], begin: Begin = {}): Promise<Frame> {
  const read = (name: string): string => {
    try {
      return readFileSync(join(plugins, 'views', name), 'utf8');
    } catch {
      return '';
    }
  };
  return showScript(page, read(`${where}.js`), files, begin, read(`${where}.css`));
}

/** A script of one's own in the page; `first` happens before the page speaks with the frame. */
export async function showScript(page: Page, script: string, files: File[] = [], begin: Begin = {}, style = '', first?: () => Promise<void>): Promise<Frame> {
  await page.route(`${at}**`, (route) => {
    if (route.request().url().endsWith('/frame')) {
      const { html, policy } = frame(script, style);
      return route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': policy }, body: html });
    }
    return route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><html lang="en"><title>desk</title><style>body{margin:0}iframe{border:0;display:block;width:100vw;height:100vh}</style><iframe sandbox="allow-scripts" title="view" src="/frame"></iframe>',
    });
  });
  await page.goto(at);
  await first?.();
  const { dark = false, ...rest } = begin;
  const message = {
    kind: 'view', view: 'x', config: {}, layout: null, values: {}, body: '', theme: { dark, reducedMotion: false }, locale: 'en-GB', today: '2026-11-27', ...rest,
  };
  await page.evaluate(([code, given, entries]) => {
    (new Function(`return ${code}`)() as typeof host)(given, entries);
  }, [host.toString(), message, files] as const);
  const found = page.frames().find((each) => each.url().endsWith('/frame'));
  if (!found) throw new Error('there is no frame');
  await found.waitForSelector('#codex > *', { state: 'attached' });
  return found;
}

/** The messages of one kind that the frame sent. */
export const sent = (page: Page, type: string): Promise<Record<string, unknown>[]> =>
  page.evaluate((wanted) => window.desk.log.filter((each) => each['type'] === wanted || each['call'] === wanted), type);
