/** Which page the address names. Addresses live behind `#`, so that any server path serves the page. */

export type Route =
  | { page: 'home' }
  /** An address that says nothing. */
  | { page: 'nowhere' }
  | { page: 'notebook'; notebook: string }
  /** `line`: where to begin, from 1; `thread`: which comments are shown. */
  | { page: 'entry'; notebook: string; entry: string; line?: number; thread?: string }
  /** `at`: a version; `from`: what it is compared with; `show`: it, or what changed. */
  | { page: 'history'; notebook: string; entry: string; at: string | null; from: string | null; show: 'changes' | 'version' }
  | { page: 'print'; notebook: string; entry: string; now: boolean }
  | { page: 'activity'; notebook?: string }
  | { page: 'path'; notebook: string; path: string }
  | { page: 'trash'; notebook: string }
  /** `query`: what is looked at, as it is written in the address. */
  | { page: 'tasks'; query: string }
  | { page: 'jot' }
  /** `folder`: where the entries go. */
  | { page: 'import'; notebook: string | null; folder: string }
  | { page: 'search'; query: string; notebook: string | null }
  /** `tag`: whose entries are shown. */
  | { page: 'tags'; tag: string; notebook: string | null }
  | { page: 'conflicts' }
  | { page: 'comments' }
  | { page: 'people' }
  | { page: 'settings' }
  | { page: 'plugins' }
  | { page: 'add' };

export function parseRoute(hash: string): Route {
  const [, where = '', search = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const asked = new URLSearchParams(search);
  const parts = where.split('/').map(decode);
  const [first, notebook, sort, ...rest] = parts;
  if (first === 'search') return { page: first, query: asked.get('q') ?? '', notebook: asked.get('in') };
  if (first === 'tags') return { page: first, tag: asked.get('tag') ?? '', notebook: asked.get('in') };
  if (first === 'import') return { page: first, notebook: asked.get('in'), folder: asked.get('folder') ?? '' };
  if (first === 'activity') return { page: first };
  if (first === 'tasks') return { page: first, query: search };
  if (first === 'settings' && notebook === 'plugins') return { page: notebook };
  if (first === 'jot' || first === 'conflicts' || first === 'comments' || first === 'people' || first === 'settings' || first === 'add') return { page: first };
  if (first === 'n' && notebook) {
    const [entry, view] = rest;
    if (sort === 'e' && entry && view === 'history') {
      return { page: view, notebook, entry, at: asked.get('at'), from: asked.get('from'), show: asked.get('show') === 'version' ? 'version' : 'changes' };
    }
    if (sort === 'e' && entry && view === 'print') return { page: view, notebook, entry, now: search === 'now' };
    if (sort === 'e' && entry) {
      const line = Number(asked.get('line'));
      const thread = view === 'c' ? rest[2] : undefined;
      return { page: 'entry', notebook, entry, ...(line > 0 ? { line } : {}), ...(thread ? { thread } : {}) };
    }
    if (sort === 'p' && rest.length > 0) return { page: 'path', notebook, path: rest.join('/') };
    if (sort === 'activity') return { page: sort, notebook };
    if (sort === 'trash') return { page: 'trash', notebook };
    return sort ? { page: 'nowhere' } : { page: 'notebook', notebook };
  }
  return first ? { page: 'nowhere' } : { page: 'home' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const enc = encodeURIComponent;
const values = (all: Record<string, string | null>): string => {
  const said = Object.entries(all).filter(([, value]) => value !== null && value !== '');
  return said.length === 0 ? '' : `?${said.map(([key, value]) => `${key}=${enc(value ?? '')}`).join('&')}`;
};
export const links = {
  home: '#/',
  tasks: (query = '') => (query === '' ? '#/tasks' : `#/tasks?${query}`),
  jot: '#/jot',
  importFile: (notebook: string | null = null, folder = '') => `#/import${values({ in: notebook, folder })}`,
  conflicts: '#/conflicts',
  comments: '#/comments',
  people: '#/people',
  settings: '#/settings',
  plugins: '#/settings/plugins',
  add: '#/add',
  /** `notebook`: only there. */
  search: (query: string, notebook: string | null = null) => `#/search${values({ q: query, in: notebook })}`,
  tags: (tag = '', notebook: string | null = null) => `#/tags${values({ tag, in: notebook })}`,
  notebook: (notebook: string) => `#/n/${enc(notebook)}`,
  trash: (notebook: string) => `#/n/${enc(notebook)}/trash`,
  entry: (notebook: string, entry: string, line = 0) => `#/n/${enc(notebook)}/e/${enc(entry)}${line > 0 ? `?line=${line}` : ''}`,
  /** An entry with one thread of its comments. */
  thread: (notebook: string, entry: string, thread: string) => `#/n/${enc(notebook)}/e/${enc(entry)}/c/${enc(thread)}`,
  history: (notebook: string, entry: string, asked: { at?: string | null; from?: string | null; show?: string } = {}) => {
    const given = Object.entries(asked).filter(([key, value]) => value && !(key === 'show' && value === 'changes')) as [string, string][];
    return `#/n/${enc(notebook)}/e/${enc(entry)}/history${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`;
  },
  print: (notebook: string, entry: string, now = false) => `#/n/${enc(notebook)}/e/${enc(entry)}/print${now ? '?now' : ''}`,
  activity: (notebook?: string) => (notebook === undefined ? '#/activity' : `#/n/${enc(notebook)}/activity`),
  path: (notebook: string, path: string) => `#/n/${enc(notebook)}/p/${path.split('/').map(enc).join('/')}`,
};

class Router {
  route = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    window.addEventListener('hashchange', () => {
      this.route = parseRoute(location.hash);
    });
  }

  go(link: string): void {
    location.hash = link;
  }

  /** Without a step in the browser's history. */
  replace(link: string): void {
    history.replaceState(null, '', link);
    this.route = parseRoute(link);
  }

  /** The line to begin at, once: going back to the page later does not jump there again. */
  takeLine(): number {
    const { route } = this;
    if (route.page !== 'entry' || !route.line) return 0;
    this.replace(links.entry(route.notebook, route.entry));
    return route.line;
  }
}

export const router = new Router();
