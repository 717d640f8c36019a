/** Plugins of this device, what they may do, and what is asked on their behalf. */
import { BASE, json, query, send } from './client';
import type { components } from './schema';
import type { FileRow, PropertyValue } from './types';

type Schemas = components['schemas'];

export type Json = PropertyValue;
export type Dict = Record<string, Json>;

/** What the daemon describes, with the JSON in it said more closely: it calls that an object, or unknown. */
type With<T, Closer> = Omit<T, keyof Closer> & Closer;

export type PermissionName = Schemas['Permission'];

/** One key of a configuration: what the daemon hands on of a manifest as it stands there. */
export interface KeySchema {
  type?: string;
  description?: string;
  enum?: Json[];
  default?: Json;
  minimum?: number;
  maximum?: number;
  items?: KeySchema;
  properties?: Record<string, KeySchema>;
}

type Configured = { config_schema: Record<string, KeySchema> };
export type ViewKind = With<Schemas['ViewKind'], Configured>;
export type BlockKind = With<Schemas['BlockKind'], Configured>;

/** A setting that a plugin has. */
export type Property = With<Schemas['Property'], { default?: Json; enum: Json[]; ui: { type?: string; label?: string; placeholder?: string; help?: string; options?: Json[] } }>;

type Theme = With<Schemas['Theme'], { category: 'light' | 'dark' | 'both' }>;

export type Plugin = With<Schemas['PluginRow'], { views: ViewKind[]; blocks: BlockKind[]; theme?: Theme | null; properties: Property[]; config: Dict }>;
export type Plugins = With<Schemas['PluginPage'], { plugins: Plugin[] }>;
export type Change = With<Schemas['PluginChange'], { config?: Dict; secrets?: Record<string, string | null> }>;

export type Answer = With<Pick<Schemas['QueryPage'], 'files' | 'total'>, { groups: Record<string, FileRow[]> | null }>;

/** An entry that an importer makes, or would. */
export type Imported = With<Schemas['Imported'], { properties?: Dict }>;
export type ImportAnswer = With<Schemas['ImportAnswer'], { entries: Imported[] }>;

export type ExportedFile = Schemas['Exported'];

/** What a `.cdx` says. */
export type ViewFile = With<Schemas['ViewFile'], { query: Dict; config: Dict; layout?: Json[] | null; view?: ViewKind | null }>;

/** A view to start from. */
export type ExampleView = Schemas['ExampleView'];

export type Appearance = Schemas['Appearance'];

const at = (id: string) => `/plugins/${encodeURIComponent(id)}`;

export const plugins = (which: { notebook?: string; workspace?: string } = {}) => json<Plugins>('GET', `/plugins${query(which)}`);
export const change = (id: string, what: Change) => json<Plugin>('PUT', at(id), { body: what });
export const add = (path: string) => json<Plugin>('POST', '/plugins', { body: { path } });
export const remove = (id: string) => json<unknown>('DELETE', at(id));

/** What a plugin asks for, with its own permissions. */
export const call = <T>(id: string, notebook: string, what: Dict) => json<T>('POST', `${at(id)}/calls`, { body: { ...what, notebook } });
/** With `fresh` the service is asked now, whatever it said before. */
export const endpoint = (id: string, name: string, asked: { notebook: string; parameters: Dict } | { workspace: string; fresh: true }) =>
  json<With<Schemas['EndpointAnswer'], { data: Json }>>('POST', `${at(id)}/endpoints/${encodeURIComponent(name)}`, { body: asked });
export const picture = async (id: string, notebook: string, entry: string): Promise<Blob> =>
  (await send('GET', `${at(id)}/picture${query({ notebook, entry })}`, { headers: { accept: 'image/*' } })).blob();

/** An importer's code has its time, and each entry is written. */
const IMPORT_TIMEOUT_MS = 10 * 60_000;
/** Makes entries of a file; with `preview` only says which. */
export const importFile = (id: string, importer: string, where: { notebook: string; name: string; folder: string; preview: boolean }, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal) =>
  json<ImportAnswer>('POST', `${at(id)}/importers/${encodeURIComponent(importer)}${query({ ...where, preview: where.preview ? 'true' : null })}`, {
    raw: bytes, headers: { 'content-type': 'application/octet-stream' }, timeoutMs: IMPORT_TIMEOUT_MS, ...(signal ? { signal } : {}),
  });

/** Files that an exporter makes of what a question finds. */
export const exportFiles = (id: string, exporter: string, notebook: string, asked: Dict, signal?: AbortSignal) =>
  json<Schemas['ExportAnswer']>('POST', `${at(id)}/exporters/${encodeURIComponent(exporter)}`, { body: { notebook, query: asked }, timeoutMs: IMPORT_TIMEOUT_MS, ...(signal ? { signal } : {}) });

/** Changes an entry with a transformer; with `preview` only says what would change. Of another version than the one given nothing is changed. */
export const transform = (id: string, transformer: string, what: { notebook: string; entry: string; preview: boolean; version?: string }) =>
  json<Schemas['TransformAnswer']>('POST', `${at(id)}/transformers/${encodeURIComponent(transformer)}`, { body: what, timeoutMs: IMPORT_TIMEOUT_MS });

/** The document that a script of a plugin runs in. */
export const frameUrl = (id: string, which: { view?: string; block?: string; notebook: string }) => `${BASE}${at(id)}/frame${query(which)}`;

export const viewOf = (nb: string, e: string) => json<ViewFile>('GET', `/notebooks/${encodeURIComponent(nb)}/entries/${encodeURIComponent(e)}/view`);
/** What a query finds. */
export const listed = (query: Dict) => json<{ files: Schemas['FileRow'][]; total: number }>('POST', '/query', { body: query });
/** Views to start from, of the plugins that are on in a notebook. */
export const exampleViews = async (notebook: string) => (await json<Schemas['ExampleViews']>('GET', `/views/examples${query({ notebook })}`)).examples;
/** What a text would say as a `.cdx`. */
export const checkView = (text: string) => json<ViewFile>('POST', '/views/check', { body: { text } });

export const appearance = () => json<Appearance>('GET', '/appearance');
export const setAppearance = (what: Schemas['NewAppearance']) => json<Appearance>('PUT', '/appearance', { body: what });
export const themeCss = async (id: string, workspace: string): Promise<string> => (await send('GET', `${at(id)}/theme.css${query({ workspace })}`, { headers: { accept: 'text/css' } })).text();

/** How many entries a question finds, as whoever sits here. */
export const count = async (notebook: string, asked: Dict, signal?: AbortSignal): Promise<number> => {
  const body = { notebook_ids: [notebook], ...asked, limit: 1 };
  return (await json<{ total: number }>('POST', '/query', { body, ...(signal ? { signal } : {}) })).total;
};

/** Begins a sign-in: where to go with the browser. `plugins.changed` tells when it is done. */
export const signIn = (id: string, workspace: string) => json<{ url: string; until: string }>('POST', `${at(id)}/sign-in${query({ workspace })}`);
export const signOut = (id: string, workspace: string) => json<unknown>('DELETE', `${at(id)}/sign-in${query({ workspace })}`);
