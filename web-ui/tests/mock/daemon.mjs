/**
 * A stand-in for the daemon, for looking at the page: answers as the contract says, from memory, and serves
 * `dist` under the daemon's content policy. `node tests/mock/daemon.mjs [port]`; never shipped.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = join(fileURLToPath(import.meta.url), '../../../dist');
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const NOTEBOOK = 'a1'.repeat(16);
const LAPTOP = 'd0'.repeat(32);
const FIELD = 'f1'.repeat(32);

const NOTE = `---
title: Calibration of the spectrometer
tags: [optics, calibration]
date: 2026-11-20
instrument: Ocean HR4000
runs: 12
verified: false
---
# Calibration of the spectrometer

The **mercury** lamp was left to warm up for *20 minutes* before the first run.
See [the protocol](../protocols/lamp.md) and \`runs/2026-11-20.csv\`.

## Results

- [x] dark spectrum taken
- [ ] compare with the run of October

| line / nm | measured | shift |
|-----------|---------:|------:|
| 404.66    | 404.71   | 0.05  |
| 435.83    | 435.86   | 0.03  |

> The shift is within what the maker states. No correction was made.

\`\`\`python
shift = (measured - reference).mean()
print(f"{shift:.3f} nm")
\`\`\`

![Spectrum](spectrum.svg)
`;

const IMAGE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 260"><rect width="600" height="260" fill="#fff"/><path d="M20 240h560" stroke="#888"/><path d="M20 236 L120 234 L140 60 L160 235 L300 232 L315 110 L330 232 L430 236 L440 30 L452 236 L580 236" fill="none" stroke="#17665f" stroke-width="3"/></svg>`;

/** A daemon in memory, listening; `entries` is the size of the one large folder. */
export async function startMock({ port = 0, entries = 100_000, empty = false } = {}) {
  const world = makeWorld(entries, empty);
  const sockets = new Set();
  const tell = (notice) => {
    const event = { number: (world.number += 1), notebook: NOTEBOOK, ...notice };
    world.log.push(event);
    for (const socket of sockets) sendFrame(socket, event);
  };
  world.tell = tell;
  const server = createServer((request, response) => {
    answer(world, request, response).catch((error) => refuse(response, 500, 'mock', String(error)));
  });
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const since = new URL(request.url, 'http://mock').searchParams.get('since');
    if (since !== null) for (const event of world.log) if (event.number > Number(since)) sendFrame(socket, event);
    sockets.add(socket);
    for (const end of ['close', 'error', 'end']) socket.on(end, () => sockets.delete(socket));
    socket.on('data', (data) => (data[0] & 15) === 8 && socket.end());
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    world,
    tell,
    /** Somebody else changes a text. */
    edit(id, change) {
      const entry = world.entries.get(id);
      entry.content = change(entry.content);
      entry.version += 1;
      tell({ type: 'entry.modified', entry: id, path: entry.path, version: `v${entry.version}`, by: FIELD });
    },
    dropSockets: () => sockets.forEach((socket) => socket.destroy()),
    stop: () => new Promise((done) => {
      sockets.forEach((socket) => socket.destroy());
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

function sendFrame(socket, value) {
  const bytes = Buffer.from(JSON.stringify(value));
  const head = bytes.length < 126 ? Buffer.from([0x81, bytes.length]) : Buffer.from([0x81, 126, bytes.length >> 8, bytes.length & 255]);
  socket.write(Buffer.concat([head, bytes]));
}

function makeWorld(many, empty) {
  const world = { entries: new Map(), number: 0, log: [], empty, down: false, slow: 0, conflicts: [], puts: 0, next: 1 };
  const add = (path, kind, content = '', media = null) => addEntry(world, path, kind, content, media);
  for (const folder of ['experiments', 'protocols', 'meetings', 'raw data']) add(folder, 'folder');
  add('experiments/calibration.md', 'text', NOTE, 'text/markdown');
  add('experiments/spectrum.svg', 'blob', IMAGE, 'image/svg+xml');
  add('experiments/runs', 'folder');
  add('experiments/runs/2026-11-20.csv', 'text', 'wavelength,counts\n404.71,1822\n435.86,2410\n', 'text/csv');
  add('protocols/lamp.md', 'text', '# Lamp\n\nSwitch the lamp on. Wait for 20 minutes.\n', 'text/markdown');
  add('meetings/2026-11-18.md', 'text', '# Meeting\n\nAsked about the mercury lamp.\n', 'text/markdown');
  add('README.md', 'text', '# Spectroscopy\n\nThe journal of the optics bench.\n', 'text/markdown');
  add('manual HR4000.pdf', 'blob', '%PDF-1.7 …', 'application/pdf');
  for (let at = 0; at < many; at += 1) add(`raw data/scan-${String(at).padStart(6, '0')}.csv`, 'text', 'a,b\n', 'text/csv');
  const note = byPath(world, 'experiments/calibration.md').id;
  const image = byPath(world, 'experiments/spectrum.svg').id;
  world.conflicts = [
    { notebook: NOTEBOOK, number: 1, entry: note, path: 'experiments/calibration.md', kind: { type: 'property', key: 'instrument', shown: 'instrument: Ocean HR4000\n', others: ['instrument: Avantes ULS2048\n'] }, noticed: '2026-11-22T09:12:00Z' },
    { notebook: NOTEBOOK, number: 2, entry: image, path: 'experiments/spectrum.svg', kind: { type: 'attachment', copy: note }, noticed: '2026-11-21T15:40:00Z' },
  ];
  return world;
}

function addEntry(world, path, kind, content, media) {
  const id = `e${String((world.next += 1)).padStart(6, '0')}`;
  const parent = path.includes('/') ? byPath(world, path.slice(0, path.lastIndexOf('/')))?.id : '';
  const entry = { id, path, kind, content, media, parent, version: 1, children: [], modified: '2026-11-22T16:20:00Z' };
  world.entries.set(id, entry);
  world.paths ??= new Map();
  world.paths.set(path, entry);
  world.top ??= [];
  (parent === '' ? world.top : world.entries.get(parent).children).push(id);
  return entry;
}

const byPath = (world, path) => world.paths?.get(path);
const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1);
const item = (e) => ({ id: e.id, name: nameOf(e.path), path: e.path, kind: e.kind, media_type: e.media, size: e.kind === 'folder' ? null : Buffer.byteLength(e.content), children: e.children.length, modified: e.modified });

function details(e) {
  return { ...item(e), hash: 'b3'.repeat(32), version: `v${e.version}`, properties: properties(e), tags: e.path.endsWith('calibration.md') ? ['optics', 'calibration', 'lamp'] : [], title: /^title: (.*)$/m.exec(e.content)?.[1] ?? null, created: e.modified, author: FIELD, author_name: 'Field laptop', available: true, warnings: [] };
}

function properties(e) {
  const block = e.media === 'text/markdown' ? /^---\n([\s\S]*?\n)---\n/.exec(e.content) : null;
  if (!block) return {};
  return Object.fromEntries(block[1].trim().split('\n').map((line) => {
    const [key, ...rest] = line.split(': ');
    const text = rest.join(': ');
    if (text.startsWith('[')) return [key, text.slice(1, -1).split(', ').filter(Boolean)];
    if (text === 'true' || text === 'false') return [key, text === 'true'];
    return [key, /^\d+$/.test(text) ? Number(text) : text];
  }));
}

function status(world) {
  const peers = [
    { device: FIELD, name: 'Field laptop', connected: true, records_behind: 0, blobs_missing: 0 },
    { device: 'c3'.repeat(32), name: 'Lab desktop', connected: false, records_behind: 14, blobs_missing: 2 },
  ];
  const one = { id: NOTEBOOK, slug: 'spectroscopy', name: 'Spectroscopy', path: '/home/ada/journals/spectroscopy', state: 'ready', reason: null, entries: world.entries.size, pending: 0, unsynced_records: 3, blobs_missing: 0, peers, held_by: [2, 3], scan: { busy: false, looked_at: 0, read: 0 } };
  const two = { ...one, id: 'b2'.repeat(16), slug: 'garden', name: 'Garden', path: '/home/ada/garden', state: 'scanning', entries: 412, unsynced_records: 0, peers: [], held_by: [1, 1], scan: { busy: true, looked_at: 300, read: 12 } };
  return { device: { id: LAPTOP, name: 'Ada’s laptop' }, notebooks: world.empty ? [] : [one, two] };
}

const reply = (response, code, value) => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const refuse = (response, code, name, message) => reply(response, code, { error: { code: name, message, details: null } });

async function answer(world, request, response) {
  const url = new URL(request.url, 'http://mock');
  if (!url.pathname.startsWith('/api/')) return page(url.pathname, response);
  if (world.down) return request.socket.destroy();
  let body = '';
  for await (const chunk of request) body += chunk;
  if (request.method !== 'GET' && request.headers['x-codex-csrf'] !== '1') return refuse(response, 403, 'csrf', 'The CSRF header is missing.');
  const parts = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
  if (parts[0] === 'notebooks' && parts.length > 1) return notebook(world, request, url, parts, body, response);
  switch (parts[0]) {
    case 'status': return reply(response, 200, status(world));
    case 'conflicts': return reply(response, 200, { items: world.conflicts });
    case 'peers': return reply(response, 200, { items: [] });
    case 'invites': return reply(response, 200, { ticket: `codex1${'qk7ma3zt'.repeat(14)}` });
    case 'search': return reply(response, 200, { items: find(world, url.searchParams.get('q')) });
    default: return refuse(response, 404, 'not_found', `There is no ${url.pathname}.`);
  }
}

function find(world, q) {
  const hits = [];
  for (const e of world.entries.values()) {
    const at = e.kind === 'text' ? e.content.toLowerCase().indexOf(q.toLowerCase()) : -1;
    if (at < 0) continue;
    const end = at + q.length;
    hits.push({ notebook: NOTEBOOK, entry: e.id, path: e.path, title: details(e).title ?? nameOf(e.path), score: 1, snippet: [{ text: e.content.slice(Math.max(0, at - 50), at), hit: false }, { text: e.content.slice(at, end), hit: true }, { text: e.content.slice(end, end + 60), hit: false }] });
    if (hits.length === 20) break;
  }
  return hits;
}

async function notebook(world, request, url, parts, body, response) {
  const { method } = request;
  if (parts[2] === 'files') return content(byPath(world, parts.slice(3).join('/')), response);
  if (parts[2] === 'conflicts') {
    world.conflicts = world.conflicts.filter((each) => String(each.number) !== parts[3]);
    return reply(response, 200, {});
  }
  if (parts.length === 3 && method === 'GET') return listing(world, url, response);
  if (parts.length === 3 && method === 'POST') {
    const { path, content: text = '', kind = 'text' } = JSON.parse(body);
    const made = addEntry(world, path, kind, text, kind === 'text' ? 'text/markdown' : null);
    world.tell({ type: 'entry.created', entry: made.id, path, version: 'v1' });
    return reply(response, 201, details(made));
  }
  const e = world.entries.get(parts[3]);
  if (!e) return refuse(response, 404, 'not_found', 'There is no such entry.');
  if (parts[4] === 'content') return method === 'PUT' ? put(world, e, request, body, response) : content(e, response);
  if (parts[4] === 'history') return reply(response, 200, { items: Array.from({ length: e.version }, (_, at) => ({ version: `v${e.version - at}`, device: FIELD, device_name: at % 2 ? 'Ada’s laptop' : 'Field laptop', time: new Date(Date.UTC(2026, 10, 22, 16 - at)).toISOString() })) });
  if (parts[4] === 'restore') return reply(response, 200, details(e));
  if (parts[4] === 'versions') return content(e, response);
  if (method === 'PATCH') return patch(world, e, JSON.parse(body), response);
  if (method === 'DELETE') {
    const list = e.parent === '' ? world.top : world.entries.get(e.parent).children;
    list.splice(list.indexOf(e.id), 1);
    world.entries.delete(e.id);
    world.tell({ type: 'entry.deleted', entry: e.id, path: e.path });
    return reply(response, 200, {});
  }
  return reply(response, 200, details(e));
}

function listing(world, url, response) {
  const path = url.searchParams.get('path');
  if (path !== null) return reply(response, 200, { items: byPath(world, path) ? [item(byPath(world, path))] : [] });
  const parent = url.searchParams.get('parent');
  const ids = parent ? (world.entries.get(parent)?.children ?? []) : world.top;
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const limit = Number(url.searchParams.get('limit') ?? 100);
  const items = ids.slice(from, from + limit).map((id) => item(world.entries.get(id)));
  return reply(response, 200, from + limit < ids.length ? { items, cursor: String(from + limit) } : { items });
}

function content(e, response) {
  if (!e) return refuse(response, 404, 'not_found', 'There is no such file.');
  response.writeHead(200, { 'content-type': e.media ?? 'text/plain', etag: `"v${e.version}"`, 'content-security-policy': "default-src 'none'" }).end(e.content);
}

/** No merge: an old version is refused here; the daemon merges it. Others' words come by `edit`. */
async function put(world, e, request, body, response) {
  world.puts += 1;
  if (world.slow > 0) await new Promise((done) => setTimeout(done, world.slow));
  if (request.headers['if-match'] !== `"v${e.version}"`) return refuse(response, 412, 'stale', 'The entry has moved on.');
  e.content = body;
  e.version += 1;
  world.tell({ type: 'entry.modified', entry: e.id, path: e.path, version: `v${e.version}`, by: LAPTOP });
  content(e, response);
}

function patch(world, e, change, response) {
  if (change.path) {
    const old = e.path;
    world.paths.delete(old);
    e.path = change.path;
    world.paths.set(e.path, e);
    world.tell({ type: 'entry.moved', entry: e.id, path: e.path, old_path: old, version: `v${e.version}` });
  }
  for (const [key, value] of Object.entries(change.properties ?? {})) setProperty(e, key, value);
  for (const key of change.remove_properties ?? []) setProperty(e, key, undefined);
  if (change.properties || change.remove_properties) {
    e.version += 1;
    world.tell({ type: 'entry.modified', entry: e.id, path: e.path, version: `v${e.version}` });
  }
  reply(response, 200, details(e));
}

function setProperty(e, key, value) {
  const line = value === undefined ? '' : `${key}: ${Array.isArray(value) ? `[${value.join(', ')}]` : value}\n`;
  const old = new RegExp(`^${key}: .*\n`, 'm');
  if (!e.content.startsWith('---\n')) e.content = `---\n${line}---\n${e.content}`;
  else if (old.test(e.content)) e.content = e.content.replace(old, () => line);
  else e.content = e.content.replace('\n---\n', () => `\n${line}---\n`);
}

async function page(path, response) {
  const file = join(DIST, normalize(path === '/' ? '/index.html' : path));
  try {
    const bytes = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP }).end(bytes);
  } catch {
    refuse(response, 404, 'not_found', `There is no ${path}.`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ port: Number(process.argv[2] ?? 7421) });
  console.log(mock.url);
}
