/** What is taken along: one entry as one page, or a folder as pages and files in a zip. */
import * as api from '../api/client';
import { type ExportedFile, type Plugin, exportFiles } from '../api/plugins';
import type { EntryDetails, NotebookStatus, TreeItem } from '../api/types';
import { paper as p } from '../i18n/en-paper';
import { byteSize, fullTime } from '../i18n/format';
import { isMarkdown, sheetOf } from '../lookback/paper';
import { htmlPage } from './html';
import { indexPage } from './index';
import { Names, relative } from './names';
import { marked, settle } from './settle';
import { MOST_BYTES, MOST_FILES, type ZipFile, blobOf, bytesOf, zipped } from './zip';

export interface Missing {
  path: string;
  why: string;
}

export interface Taken {
  name: string;
  blob: Blob;
  missing: Missing[];
}

export interface Progress {
  done: number;
  total: number;
  path: string;
}

export interface Job {
  notebook: Pick<NotebookStatus, 'slug' | 'name'>;
  signal: AbortSignal;
  progress(how: Progress): void;
}

/** More of one picture or sound is not put into a page. */
const MOST_INSIDE = 48 << 20;
const LEVEL = 1000;
const stem = (name: string): string => name.replace(/\.(md|markdown)$/i, '');
const now = (): string => p.exported(fullTime(new Date().toISOString()));
/** A file of the notebook by its path, or by its entry. */
const fileAt = ({ notebook, signal }: Job, path: string, headers = {}) => ask(api.fileUrl(notebook.slug, path), signal, headers);
const fileOf = ({ notebook, signal }: Job, id: string) => ask(api.contentUrl(notebook.slug, id), signal);
const ask = (address: string, signal: AbortSignal, headers = {}) =>
  api.send('GET', address.slice(api.BASE.length), { headers: { accept: '*/*', ...headers }, signal, timeoutMs: 60 * 60_000 });

/** Why something is not in it, if that does not end the whole. */
function reason(error: unknown, job: Job): string {
  job.signal.throwIfAborted();
  if (!(error instanceof api.ApiError) || error.status === 0 || error.status === 401) throw error;
  if (error.code === 'not_available' || error.status === 503) return p.notHeld;
  return error.status === 404 || error.status === 410 ? p.notThere : p.failed(error.message);
}

/** One entry as one page, with its pictures in it. */
export async function takeEntry(job: Job, details: EntryDetails): Promise<Taken> {
  const { notebook } = job;
  job.progress({ done: 0, total: 1, path: details.path });
  const missing: Missing[] = [];
  const sheet = await sheetOf(notebook, details, now(), { link: marked, plainMath: true });
  await settle(sheet, {
    notebook: notebook.slug,
    link: (path) => (path === details.path ? '' : undefined),
    media: async (path) => {
      try {
        return await dataUrl(await fileAt(job, path));
      } catch (error) {
        const why = error instanceof TooLarge ? p.tooLarge : reason(error, job);
        if (!missing.some((each) => each.path === path)) missing.push({ path, why });
        return undefined;
      }
    },
  });
  const html = htmlPage(details.title || details.name, [sheet]);
  job.progress({ done: 1, total: 1, path: details.path });
  return { name: `${stem(details.name)}.html`, blob: new Blob([html], { type: 'text/html;charset=utf-8' }), missing };
}

class TooLarge extends Error {}

async function dataUrl(response: Response): Promise<string> {
  if (Number(response.headers.get('content-length') ?? 0) > MOST_INSIDE) {
    await response.body?.cancel();
    throw new TooLarge();
  }
  const blob = await response.blob();
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error ?? new Error());
    reader.readAsDataURL(blob);
  });
}

/** All that lies in a folder, folders themselves left out. */
async function list(job: Job, parent: string | null, found: TreeItem[] = []): Promise<TreeItem[]> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof api.children>> = await api.children(job.notebook.slug, parent, LEVEL, cursor);
    for (const item of page.items) {
      job.signal.throwIfAborted();
      if (item.kind === 'folder') await list(job, item.id, found);
      else found.push(item);
    }
    job.progress({ done: 0, total: 0, path: found.at(-1)?.path ?? '' });
    cursor = page.cursor ?? null;
  } while (cursor !== null);
  return found;
}

/** A folder, or with `null` the whole notebook. */
export async function takeFolder(job: Job, folder: Pick<EntryDetails, 'id' | 'path' | 'name'> | null): Promise<Taken> {
  const items = await list(job, folder?.id ?? null);
  const bytes = items.reduce((sum, item) => sum + item.size, 0);
  if (items.length === 0) throw new Error(p.empty);
  if (items.length > MOST_FILES) throw new Error(p.tooMany(items.length));
  if (bytes > MOST_BYTES) throw new Error(p.tooBig(byteSize(bytes)));
  const missing: Missing[] = [];
  const blob = await blobOf(zipped(filesOf(job, folder, items, missing)), 'application/zip');
  return { name: `${folder?.name ?? job.notebook.name}.zip`, blob, missing };
}

async function* filesOf(job: Job, folder: Pick<EntryDetails, 'path' | 'name'> | null, items: readonly TreeItem[], missing: Missing[]): AsyncGenerator<ZipFile> {
  const names = new Names(folder?.path ?? '', items.map((item) => ({ path: item.path, note: isMarkdown(item) })));
  const pictures = new Pictures(job, new Set(items.map((item) => item.path)), missing);
  const taken: TreeItem[] = [];
  let done = 0;
  for (const item of items) {
    job.signal.throwIfAborted();
    job.progress({ done, total: items.length, path: item.path });
    try {
      yield item.kind === 'symlink' ? refuse() : isMarkdown(item) ? await pageOf(job, item, names, pictures) : await copyOf(job, item, names);
      taken.push(item);
    } catch (error) {
      missing.push({ path: item.path, why: item.kind === 'symlink' ? p.link : reason(error, job) });
    }
    done += 1;
  }
  for (const path of pictures.attached) {
    try {
      const response = await fileAt(job, path);
      yield { name: names.attach(path), time: new Date(), bytes: bytesOf(response), pack: false };
    } catch (error) {
      missing.push({ path, why: reason(error, job) });
    }
  }
  job.progress({ done, total: items.length, path: names.index });
  const title = folder?.name ?? job.notebook.name;
  const index = indexPage({ title, where: p.where(job.notebook.name, folder?.path ?? ''), made: now(), items: taken, names, missing });
  yield page(names.index, htmlPage(title, [index]), new Date());
}

/** What pages show: whether it can be had is asked once. What lies outside the folder comes along. */
class Pictures {
  readonly attached = new Set<string>();
  #known = new Map<string, Promise<boolean>>();

  constructor(
    private readonly job: Job,
    private readonly listed: ReadonlySet<string>,
    private readonly missing: Missing[],
  ) {}

  has(path: string): Promise<boolean> {
    let known = this.#known.get(path);
    if (!known) this.#known.set(path, (known = this.#ask(path)));
    return known;
  }

  async #ask(path: string): Promise<boolean> {
    try {
      const response = await fileAt(this.job, path, { range: 'bytes=0-0' });
      await response.body?.cancel();
      if (!this.listed.has(path)) this.attached.add(path);
      return true;
    } catch (error) {
      const why = reason(error, this.job);
      // What is in the folder is named when its turn comes.
      if (!this.listed.has(path)) this.missing.push({ path, why });
      return false;
    }
  }
}

export interface Exporter {
  plugin: string;
  id: string;
  name: string;
}

/** Exporters of the plugins that run. */
export const exportersOf = (plugins: readonly Plugin[]): Exporter[] =>
  plugins.filter(({ state }) => state === 'on').flatMap((plugin) => plugin.exporters.map(({ id, name }) => ({ plugin: plugin.id, id, name: p.of(name, plugin.name) })));

/** What it made: a text, or bytes. */
const contentOf = ({ text, bytes }: ExportedFile): Uint8Array<ArrayBuffer> =>
  bytes == null ? new TextEncoder().encode(text ?? '') : Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0));

/** What an exporter makes of an entry, of all that lies in a folder, or with `null` in the notebook: its file, or a zip of several. */
export async function takeWith({ notebook, signal, progress }: Job, { plugin, id, name }: Exporter, what: Pick<EntryDetails, 'path' | 'name' | 'kind'> | null): Promise<Taken> {
  progress({ done: 0, total: 0, path: what?.path ?? notebook.name });
  // A name may hold what is a sign in a pattern.
  const exactly = what?.path.replace(/[*?[{}]/g, '[$&]').replace(/\\/g, '\\\\') ?? '';
  const paths = what === null ? [] : [what.kind === 'folder' ? `${exactly}/**` : exactly];
  const { files } = await exportFiles(plugin, id, notebook.slug, { paths, sort: 'path asc' }, signal);
  const [first] = files;
  if (first === undefined) throw new Error(p.noFiles(name));
  if (files.length === 1) return { name: first.name, blob: new Blob([contentOf(first)], { type: 'application/octet-stream' }), missing: [] };
  const time = new Date();
  const all = files.map((file): ZipFile => ({ name: file.name, time, bytes: [contentOf(file)], pack: true }));
  return { name: `${what?.name ?? notebook.name}.zip`, blob: await blobOf(zipped(each(all)), 'application/zip'), missing: [] };
}

async function* each<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}

const refuse = (): never => {
  throw new Error(p.link);
};

const page = (name: string, html: string, time: Date): ZipFile => ({ name, time, bytes: [new TextEncoder().encode(html)], pack: true });

async function copyOf(job: Job, item: TreeItem, names: Names): Promise<ZipFile> {
  const response = await fileOf(job, item.id);
  return { name: names.of(item.path) ?? item.path, time: new Date(item.modified), bytes: bytesOf(response), pack: item.kind === 'text' };
}

async function pageOf(job: Job, item: TreeItem, names: Names, pictures: Pictures): Promise<ZipFile> {
  const details = await api.entry(job.notebook.slug, item.id);
  const own = names.of(item.path) ?? item.path;
  const sheet = await sheetOf(job.notebook, details, now(), { link: marked, plainMath: true });
  await settle(sheet, {
    notebook: job.notebook.slug,
    link: (path) => {
      const name = names.of(path);
      return name === undefined ? undefined : relative(own, name);
    },
    media: async (path) => ((await pictures.has(path)) ? relative(own, names.attach(path)) : undefined),
  });
  const back = document.createElement('nav');
  const link = document.createElement('a');
  link.setAttribute('href', relative(own, names.index));
  link.textContent = p.index;
  back.className = 'export-nav';
  back.append(link, ` / ${item.path}`);
  return page(own, htmlPage(details.title || details.name, [back, sheet]), new Date(details.modified));
}
