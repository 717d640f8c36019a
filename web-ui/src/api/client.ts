/** The only place of the page that calls `fetch`. */
import { t } from '../i18n/en';
import type {
  Conflict, EntryDetails, EntryKind, FileRow, LinkChanges, LinkRow, MoveUndo, NotebookProperties, Page, PeerRow, PropertyKey, PropertyValue, SealItem, SearchPage, Status, Storage, TreeItem, VersionRow, Waiting,
} from './types';

export const BASE = '/api/v1';
/** A request that has not been answered by then counts as failed. */
const TIMEOUT_MS = 20_000;
/** A ticket is good for days. */
const JOIN_TIMEOUT_MS = 14 * 24 * 60 * 60_000;
/** A large file takes its time. */
const UPLOAD_TIMEOUT_MS = 60 * 60_000;
/** Browsers carry at most 64 KiB in requests that outlive the page. */
const KEEPALIVE_BYTES = 60_000;

/** A request that was refused, or that reached nobody (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: unknown = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether the daemon may or may not have carried the request out. */
  get unsure(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** The bytes of one version, as text, and its tag. */
export interface TextContent {
  text: string;
  etag: string;
}

interface Options {
  body?: unknown;
  raw?: Uint8Array<ArrayBuffer>;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (method !== 'GET') headers['x-codex-csrf'] = '1';
  if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  } else if (options.form !== undefined) {
    init.body = options.form;
  } else if (options.raw !== undefined) {
    headers['content-type'] ??= 'text/plain; charset=utf-8';
    init.body = options.raw;
    init.keepalive = options.raw.length < KEEPALIVE_BYTES;
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  init.signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, 'unreachable', t.errors.unreachable);
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  const fallback = response.status === 401 ? t.errors.session : t.errors.status(response.status);
  try {
    const body = (await response.json()) as { error?: { code?: string; message?: string; details?: unknown } };
    const { code, message, details } = body.error ?? {};
    const words = response.status === 401 ? t.errors.session : (message ?? fallback);
    return new ApiError(response.status, code ?? 'error', words, details);
  } catch {
    return new ApiError(response.status, 'error', fallback);
  }
}

export async function json<T>(method: string, path: string, options?: Options): Promise<T> {
  const response = await send(method, path, options);
  const text = await body(response);
  return (text.trim() === '' ? {} : JSON.parse(text)) as T;
}

/** A body may break off in the middle: that is nobody's answer either. */
async function body(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch {
    throw new ApiError(0, 'unreachable', t.errors.unreachable);
  }
}

/** Exact text: a byte order mark stays, bytes that are not UTF-8 are refused. */
async function exactText(response: Response): Promise<string> {
  let bytes: ArrayBuffer;
  try {
    bytes = await response.arrayBuffer();
  } catch {
    throw new ApiError(0, 'unreachable', t.errors.unreachable);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ApiError(415, 'not_text', t.errors.notText);
  }
}

/**
 * Sends one large body and says how far it is. `fetch` cannot tell that, so this is the one request of the page that
 * is made otherwise; it takes as long as it takes.
 */
export function sendFile<T>(path: string, body: Blob | FormData, sent: (bytes: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('POST', BASE + path);
    request.setRequestHeader('x-codex-csrf', '1');
    if (body instanceof Blob) request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onerror = () => failed(new ApiError(0, 'unreachable', t.errors.unreachable));
    request.onabort = () => failed(new DOMException('', 'AbortError'));
    request.onload = () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) done((responseText.trim() === '' ? {} : JSON.parse(responseText)) as T);
      else refusal(new Response(responseText, { status })).then(failed, failed);
    };
    signal?.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

const id = encodeURIComponent;
const entryPath = (nb: string, entry: string) => `/notebooks/${id(nb)}/entries/${id(entry)}`;
const eachPart = (path: string) => path.split('/').map(encodeURIComponent).join('/');

export function query(values: Record<string, string | number | undefined | null>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** Where an entry's bytes can be had; for images and downloads. */
export const contentUrl = (nb: string, entry: string, version?: string) =>
  `${BASE}${entryPath(nb, entry)}/content${version ? `?v=${id(version)}` : ''}`;
/** The same by path. */
export const fileUrl = (nb: string, path: string) => `${BASE}/notebooks/${id(nb)}/files/${eachPart(path)}`;
/** The bytes of an old version. */
export const versionUrl = (nb: string, entry: string, version: string) =>
  `${BASE}${entryPath(nb, entry)}/versions/${id(version)}/content`;

export const status = () => json<Status>('GET', '/status');

export const children = (nb: string, parent: string | null, limit: number, cursor?: string | null) =>
  json<Page<TreeItem>>('GET', `/notebooks/${id(nb)}/entries${query({ parent, limit, cursor })}`);

export async function entryAt(nb: string, path: string): Promise<TreeItem | null> {
  const page = await json<Page<TreeItem>>('GET', `/notebooks/${id(nb)}/entries${query({ path, limit: 1 })}`);
  return page.items?.find((item) => item.path === path) ?? null;
}

export const entry = (nb: string, e: string) => json<EntryDetails>('GET', entryPath(nb, e));

export const createEntry = (nb: string, what: { path: string; content?: string; kind?: EntryKind }) =>
  json<EntryDetails>('POST', `/notebooks/${id(nb)}/entries`, { body: what });

export const changeEntry = (
  nb: string,
  e: string,
  change: { path?: string; links?: 'preview' | 'rewrite' | 'keep'; properties?: Record<string, PropertyValue>; remove_properties?: string[]; amend?: boolean },
) => json<EntryDetails & { links?: LinkChanges | null }>('PATCH', entryPath(nb, e), { body: change });

/** Takes a move with what it did to links back; what was written since stays. */
export const undoMove = (nb: string, undo: MoveUndo) => json<EntryDetails>('POST', `/notebooks/${id(nb)}/moves/undo`, { body: undo });

export const deleteEntry = (nb: string, e: string) => json<unknown>('DELETE', entryPath(nb, e));

export async function readText(nb: string, e: string): Promise<TextContent> {
  const response = await send('GET', `${entryPath(nb, e)}/content`, { headers: { accept: '*/*' } });
  return { text: await exactText(response), etag: response.headers.get('etag') ?? '' };
}

/** A text may have so many bytes; what is larger, or holds a zero byte, is an attachment. */
const TEXT_BYTES = 1 << 20;

/**
 * Saves what was made from `base`; answers with what the entry now says, others' changes merged in. A locked entry is
 * only amended.
 */
export async function writeText(nb: string, e: string, text: string, base: string, amend = false): Promise<TextContent> {
  const bytes = new TextEncoder().encode(text);
  if (text.includes('\0') || bytes.length > TEXT_BYTES) {
    throw new ApiError(413, 'not_text', t.save.tooLarge);
  }
  const response = await send('PUT', `${entryPath(nb, e)}/content${amend ? '?amend=true' : ''}`, {
    raw: bytes,
    headers: { 'if-match': base, accept: '*/*' },
    timeoutMs: 10_000,
  });
  const etag = response.headers.get('etag') ?? base;
  if (response.status === 204) return { text, etag };
  return { text: await exactText(response), etag };
}

export async function readVersion(nb: string, e: string, version: string): Promise<string> {
  return exactText(await send('GET', `${entryPath(nb, e)}/versions/${id(version)}/content`, { headers: { accept: '*/*' } }));
}

/** Puts a file into a folder; a name that is taken gets a number. Gives the path that it got. */
export async function upload(nb: string, folder: string, file: File): Promise<string> {
  const form = new FormData();
  form.append('folder', folder);
  form.append('file', file, file.name);
  const { items } = await json<Page<EntryDetails>>('POST', `/notebooks/${id(nb)}/entries/upload`, { form, timeoutMs: UPLOAD_TIMEOUT_MS });
  const [made] = items;
  if (!made) throw new ApiError(500, 'error', t.errors.status(500));
  return made.path;
}

/** Links out of an entry, and what they mean. */
export const links = (nb: string, e: string) => json<Page<LinkRow>>('GET', `${entryPath(nb, e)}/links`);

/** Files of a notebook: those at paths that fit a pattern, the latest first. */
export const files = (nb: string, paths: string[], limit: number, signal?: AbortSignal) =>
  json<{ files: FileRow[]; total: number }>('POST', '/query', {
    body: { notebook_ids: [nb], paths, sort: 'modified desc', limit },
    ...(signal ? { signal } : {}),
  });

export const history = (nb: string, e: string) => json<Page<VersionRow>>('GET', `${entryPath(nb, e)}/history`);

/** Brings a version back, as a new one; also what was deleted. */
export const restore = (nb: string, e: string, version: string, amend = false) =>
  json<EntryDetails>('POST', `${entryPath(nb, e)}/restore`, { body: { version, amend } });

export const seals = (nb: string, e: string) => json<Page<SealItem>>('GET', `${entryPath(nb, e)}/seals`);
/** Signs what the entry is at a version. */
export const seal = (nb: string, e: string, what: { meaning: string; locks: boolean; version: string }) =>
  json<SealItem>('POST', `${entryPath(nb, e)}/seals`, { body: what });
/** Confirms somebody else's seal. */
export const witness = (nb: string, e: string, seal: string, meaning: string) =>
  json<SealItem>('POST', `${entryPath(nb, e)}/seals/${id(seal)}/witnesses`, { body: { meaning } });
/** Where the bytes that were sealed can be had. */
export const sealedUrl = (nb: string, e: string, seal: string) => `${BASE}${entryPath(nb, e)}/seals/${id(seal)}/content`;
export async function sealedText(nb: string, e: string, seal: string): Promise<string> {
  return exactText(await send('GET', `${entryPath(nb, e)}/seals/${id(seal)}/content`, { headers: { accept: '*/*' } }));
}

export const changeNotebook = (nb: string, change: { paused?: boolean; accept_deletions?: boolean; start_alone?: boolean; name?: string; fetch?: string }) =>
  json<unknown>('PATCH', `/notebooks/${id(nb)}`, { body: change });

/** A notebook's own properties, in `.metadata` at its top. */
export const notebookProperties = (nb: string) => json<NotebookProperties>('GET', `/notebooks/${id(nb)}/properties`);
export const setNotebookProperties = (nb: string, properties: Record<string, PropertyValue>, remove: string[] = []) =>
  json<NotebookProperties>('PATCH', `/notebooks/${id(nb)}/properties`, { body: { properties, remove_properties: remove } });

/** Which keys the entries have, of which type, with which values. */
export const propertyKeys = (nb: string) => json<Page<PropertyKey>>('GET', `/notebooks/${id(nb)}/keys`);

export const search = (q: string, notebook: string | undefined, limit: number, signal: AbortSignal) =>
  json<SearchPage>('GET', `/search${query({ q, notebook, limit })}`, { signal });

export const conflicts = () => json<Page<Conflict>>('GET', '/conflicts');
export const settle = (nb: string, number: number) =>
  json<unknown>('POST', `/notebooks/${id(nb)}/conflicts/${number}`, { body: {} });

export const peers = () => json<Page<PeerRow>>('GET', '/peers');
export const invite = (what: { notebook: string; hours: number; role: string; unattended: boolean; own_device: boolean }) =>
  json<{ ticket: string; expires: string }>('POST', '/invites', { body: what });
export const requests = () => json<Page<Waiting>>('GET', '/requests');
export const answer = (request: number, how: 'approve' | 'reject') =>
  json<Waiting>('POST', `/requests/${request}/${how}`, { body: {} });
/** Takes as long as somebody there needs to say yes. */
export const join = (ticket: string, path: string, phrase: string, name: string, signal: AbortSignal) => {
  const given = Object.entries({ path, phrase, name }).filter(([, text]) => text !== '');
  return json<{ id?: string; slug?: string }>('POST', '/join', { body: { ticket, ...Object.fromEntries(given) }, signal, timeoutMs: JOIN_TIMEOUT_MS });
};
export const addExample = () => json<{ id?: string; slug?: string }>('POST', '/examples', { body: {} });
/** Forgets a notebook on this device; its files stay. */
export const forgetNotebook = (nb: string) => json<unknown>('DELETE', `/notebooks/${id(nb)}`);
export const rebuildIndex = (nb: string) => json<unknown>('POST', `/notebooks/${id(nb)}/mirror/rebuild`, { body: {} });
export const storage = () => json<Storage>('GET', '/storage');
export const recovery = (notebook: string) => json<{ phrase: string }>('POST', '/recovery', { body: { notebook } });
export const addNotebook = (path: string, name: string) =>
  json<{ id?: string; slug?: string }>('POST', '/notebooks', { body: name === '' ? { path } : { path, name } });
