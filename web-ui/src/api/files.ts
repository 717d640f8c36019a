/** Bytes of entries, and where they are held. */
import type { components } from './schema';
import { ApiError, contentUrl, json, send } from './client';
import type { EntryDetails, Page } from './types';
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
