/** Plugins of this device, what they may do, and what is asked on their behalf. */
import { BASE, json, query, send } from './client';
import type { components } from './schema';
import type { FileRow, PropertyValue } from './types';

type Schemas = components['schemas'];

export type Json = PropertyValue;
export type Dict = Record<string, Json>;

export type PermissionName = 'read_files' | 'modify_metadata' | 'write_files' | 'network_request' | 'store_config' | 'render_blocks';

export interface Permission {
  permission: PermissionName;
  paths: string[];
  notebooks: string[];
  hosts: string[];
  granted: boolean;
  /** Not wanted, or not all of it, when the plugin was enabled last. */
  is_new: boolean;
}

/** One key of a configuration. */
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

export interface ViewKind {
  id: string;
  name: string;
  description: string;
  icon: string;
  config_schema: Record<string, KeySchema>;
  script?: string | boolean | null;
}

export interface BlockKind extends ViewKind {
  auto_detect: boolean;
  url_patterns: string[];
}

export interface Theme {
  display_name: string;
  category: 'light' | 'dark' | 'both';
  class_name: string;
  colors: Record<string, string>;
}

/** A setting that a plugin has. */
export interface Property {
  name: string;
  type: string;
  description: string;
  required: boolean;
  default?: Json;
  enum?: Json[] | null;
  secure: boolean;
  ui?: { type?: string; label?: string; placeholder?: string; help?: string; options?: Json[] } | null;
}

interface Named {
  id: string;
  name: string;
  description: string;
}

export interface Plugin extends Named {
  version: string;
  type: string;
  author: string;
  license: string;
  bundled: boolean;
  path: string | null;
  state: 'on' | 'off' | 'changed' | 'blocked';
  reason: string | null;
  hash: string;
  permissions: Permission[];
  views: ViewKind[];
  blocks: BlockKind[];
  theme: Theme | null;
  templates: Named[];
  endpoints: (Named & { method: string })[];
  importers: (Named & { extensions: string[] })[];
  properties: Property[];
  config: Dict;
  /** Names of secrets that are set; values are never read. */
  secrets: string[];
  /** Whether the user is signed in at its service; `null`: there is nothing to sign in to. */
  signed_in: boolean | null;
  calls: number;
  refused: number;
  refusals: { at: string; call: string; reason: string }[];
  warnings: string[];
  notebooks: { notebook: string; enabled: boolean }[];
}

export interface Problem {
  file: string;
  key: string | null;
  line: number | null;
  message: string;
}

export interface Plugins {
  interface: string;
  folder: string;
  plugins: Plugin[];
  problems: Problem[];
}

export interface Change {
  workspace?: string;
  notebook?: string;
  /** With `notebook`, `null` is: as its workspace. */
  enabled?: boolean | null;
  permissions?: PermissionName[];
  hash?: string;
  config?: Dict;
  secrets?: Record<string, string | null>;
}

export interface Answer {
  files: FileRow[];
  groups: Record<string, FileRow[]> | null;
  total: number;
}

/** An entry that an importer makes, or would. */
export type Imported = Schemas['Imported'];
export type ImportAnswer = Schemas['ImportAnswer'];

/** What a `.cdx` says. */
export interface ViewFile {
  view_type: string;
  title: string;
  description: string;
  query: Dict;
  config: Dict;
  layout: Json[] | null;
  /** Markdown above the view. */
  body: string;
  plugin: string | null;
  view: ViewKind | null;
  warnings: { line: number | null; key: string | null; message: string }[];
  version?: string;
}

export interface Appearance {
  theme: string | null;
  workspaces: Record<string, string>;
}

const at = (id: string) => `/plugins/${encodeURIComponent(id)}`;

export const plugins = (which: { notebook?: string; workspace?: string } = {}) => json<Plugins>('GET', `/plugins${query(which)}`);
export const change = (id: string, what: Change) => json<Plugin>('PUT', at(id), { body: what });
export const add = (path: string) => json<Plugin>('POST', '/plugins', { body: { path } });
export const remove = (id: string) => json<unknown>('DELETE', at(id));

/** What a plugin asks for, with its own permissions. */
export const call = <T>(id: string, notebook: string, what: Dict) => json<T>('POST', `${at(id)}/calls`, { body: { ...what, notebook } });
export const endpoint = (id: string, name: string, notebook: string, parameters: Dict) =>
  json<{ data: Json; media_type: string; as_of: string; stale: boolean }>('POST', `${at(id)}/endpoints/${encodeURIComponent(name)}`, { body: { notebook, parameters } });
export const picture = async (id: string, notebook: string, entry: string): Promise<Blob> =>
  (await send('GET', `${at(id)}/picture${query({ notebook, entry })}`, { headers: { accept: 'image/*' } })).blob();

/** An importer's code has its time, and each entry is written. */
const IMPORT_TIMEOUT_MS = 10 * 60_000;
/** Makes entries of a file; with `preview` only says which. */
export const importFile = (id: string, importer: string, where: { notebook: string; name: string; folder: string; preview: boolean }, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal) =>
  json<ImportAnswer>('POST', `${at(id)}/importers/${encodeURIComponent(importer)}${query({ ...where, preview: where.preview ? 'true' : null })}`, {
    raw: bytes, headers: { 'content-type': 'application/octet-stream' }, timeoutMs: IMPORT_TIMEOUT_MS, ...(signal ? { signal } : {}),
  });

/** The document that a script of a plugin runs in. */
export const frameUrl = (id: string, which: { view?: string; block?: string; notebook: string }) => `${BASE}${at(id)}/frame${query(which)}`;

export const viewOf = (nb: string, e: string) => json<ViewFile>('GET', `/notebooks/${encodeURIComponent(nb)}/entries/${encodeURIComponent(e)}/view`);
/** What a text would say as a `.cdx`. */
export const checkView = (text: string) => json<ViewFile>('POST', '/views/check', { body: { text } });

export const appearance = () => json<Appearance>('GET', '/appearance');
export const setAppearance = (what: { theme: string | null; workspace?: string }) => json<Appearance>('PUT', '/appearance', { body: what });
export const themeCss = async (id: string, workspace: string): Promise<string> => (await send('GET', `${at(id)}/theme.css${query({ workspace })}`, { headers: { accept: 'text/css' } })).text();

/** How many entries a question finds, as whoever sits here. */
export const count = async (notebook: string, asked: Dict, signal?: AbortSignal): Promise<number> => {
  const body = { notebook_ids: [notebook], ...asked, limit: 1 };
  return (await json<{ total: number }>('POST', '/query', { body, ...(signal ? { signal } : {}) })).total;
};

/** Begins a sign-in: where to go with the browser. `plugins.changed` tells when it is done. */
export const signIn = (id: string, workspace: string) => json<{ url: string; until: string }>('POST', `${at(id)}/sign-in${query({ workspace })}`);
export const signOut = (id: string, workspace: string) => json<unknown>('DELETE', `${at(id)}/sign-in${query({ workspace })}`);
