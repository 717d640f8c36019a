/** Finding over all notebooks: files, words, tags; and what is linked. */
import { json, query } from './client';
import type { BacklinkRow, FileRow, Graph, Page, SearchPage, TagRow } from './types';

const id = encodeURIComponent;
const entryPath = (nb: string, e: string) => `/notebooks/${id(nb)}/entries/${id(e)}`;
const heard = (signal?: AbortSignal) => (signal ? { signal } : {});

export interface Files {
  files: FileRow[];
  total: number;
  group_totals: Record<string, number>;
}

export interface Asked {
  notebook_ids?: string[];
  paths?: string[];
  tags_any?: string[];
  group_by?: string;
  limit: number;
  offset?: number;
}

/** Files of all notebooks, or of some; the latest first. */
export const files = (asked: Asked, signal?: AbortSignal) => json<Files>('POST', '/query', { body: { sort: 'modified desc', ...asked }, ...heard(signal) });

export const search = (q: string, notebook: string | null, limit: number, cursor: string | null, signal?: AbortSignal) =>
  json<SearchPage>('GET', `/search${query({ q, notebook, limit, cursor })}`, heard(signal));

export const tags = (notebook: string | null) => json<Page<TagRow>>('GET', `/tags${query({ notebook })}`);

export const backlinks = (nb: string, e: string, limit: number, cursor: string | null = null) =>
  json<Page<BacklinkRow>>('GET', `${entryPath(nb, e)}/backlinks${query({ limit, cursor })}`);

export const graph = (nb: string, e: string, depth: number) => json<Graph>('GET', `${entryPath(nb, e)}/graph${query({ depth })}`);
