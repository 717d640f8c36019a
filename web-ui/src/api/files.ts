/** Bytes of entries, and where they are held. */
import type { components } from './schema';
import { ApiError, contentUrl, json, query, send, sendFile } from './client';
import type { EntryDetails, Page, TreeItem } from './types';
import { t } from '../i18n/en';

type Schemas = components['schemas'];
export type Holder = Schemas['Holder'];

const id = encodeURIComponent;
const entryPath = (nb: string, e: string) => `/notebooks/${id(nb)}/entries/${id(e)}`;

async function bytesOf(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new ApiError(0, 'unreachable', t.errors.unreachable);
  }
}

/** Bytes `from` up to, not including, `end`; fewer where the file ends. */
export async function readBytes(nb: string, e: string, version: string, from: number, end: number): Promise<Uint8Array> {
  const headers = { accept: '*/*', range: `bytes=${from}-${end - 1}` };
  const bytes = await bytesOf(await send('GET', `${entryPath(nb, e)}/content?v=${id(version)}`, { headers }));
  // A small text comes whole.
  return bytes.length > end - from ? bytes.subarray(from, end) : bytes;
}

export async function readAll(nb: string, e: string, version: string): Promise<Uint8Array> {
  return bytesOf(await send('GET', `${entryPath(nb, e)}/content?v=${id(version)}`, { headers: { accept: '*/*' }, timeoutMs: 120_000 }));
}

export const holders = (nb: string, e: string) => json<Page<Holder>>('GET', `${entryPath(nb, e)}/holders`);
/** Wants the bytes that the fetch policy leaves with the others. */
export const fetchNow = (nb: string, e: string) => json<{ missing: number }>('POST', `${entryPath(nb, e)}/fetch`, { body: {} });
export const urlOf = (nb: string, details: EntryDetails) => contentUrl(nb, details.id, details.version);

/** Sends files into a folder; paths seen from there. A taken name gets a number. */
export function upload(nb: string, folder: string, what: readonly { path: string; file: File | null }[], sent: (bytes: number) => void, signal: AbortSignal) {
  const form = new FormData();
  form.append('folder', folder);
  for (const { path, file } of what) if (file) form.append('file', file, path);
  return sendFile<Page<EntryDetails>>(`/notebooks/${id(nb)}/entries/upload`, form, sent, signal);
}

/** What was deleted, the latest first. */
export const deleted = (nb: string, cursor: string | null) => json<Page<TreeItem>>('GET', `/notebooks/${id(nb)}/entries${query({ deleted: 'true', limit: 200, cursor })}`);
/** Brings back what was deleted, a folder with all that was in it. */
export const bringBack = (nb: string, e: string) => json<EntryDetails>('POST', `${entryPath(nb, e)}/restore`, { body: {} });

/** New bytes for an entry, made from a version of it. */
export const writeBytes = (nb: string, e: string, bytes: Uint8Array, base: string) =>
  send('PUT', `${entryPath(nb, e)}/content`, { raw: bytes as Uint8Array<ArrayBuffer>, headers: { 'content-type': 'application/octet-stream', 'if-match': `"${base}"`, accept: '*/*' }, timeoutMs: 300_000 });
