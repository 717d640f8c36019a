/** What was: versions of an entry, what lies between them, and what happened. */
import type { components } from './schema';
import { json, query, send, versionUrl, BASE } from './client';
import type { EntryDetails, Page, VersionRow } from './types';

type Schemas = components['schemas'];
export type Line = Schemas['Line'];
export type Hunk = Schemas['Hunk'];
export type Difference = Schemas['Difference'];
export type VersionSide = Schemas['Side'];
export type Activity = Schemas['Activity'];
export type ActivityEntry = Schemas['ActivityEntry'];

const id = encodeURIComponent;
const entryPath = (nb: string, e: string) => `/notebooks/${id(nb)}/entries/${id(e)}`;

export const history = (nb: string, e: string, limit: number, cursor: string | null) =>
  json<Page<VersionRow>>('GET', `${entryPath(nb, e)}/history${query({ limit, cursor })}`);

/** Without `from`: against the version right before `to`. */
export const diff = (nb: string, e: string, from: string | null, to: string, context?: number) =>
  json<Difference>('GET', `${entryPath(nb, e)}/diff${query({ from, to, context })}`);

/** The media type of a version's bytes; refused if they are not here. */
export async function mediaOf(nb: string, e: string, version: string): Promise<string> {
  const path = versionUrl(nb, e, version).slice(BASE.length);
  const response = await send('GET', path, { headers: { accept: '*/*', range: 'bytes=0-0' } });
  await response.body?.cancel();
  return response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
}

/** Brings back a version, or, without one, what is deleted as it was. */
export const restore = (nb: string, e: string, version: string | null, amend: boolean) =>
  json<EntryDetails>('POST', `${entryPath(nb, e)}/restore`, { body: version === null ? {} : { version, amend } });

export const activity = (notebook: string | null, limit: number, cursor: string | null) =>
  json<Page<Activity>>('GET', `/activity${query({ notebook, limit, cursor })}`);
