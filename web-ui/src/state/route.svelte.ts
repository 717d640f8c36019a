/** Which page the address names. Addresses live behind `#`, so that any server path serves the page. */

export type Route =
  | { page: 'home' }
  | { page: 'notebook'; notebook: string }
  /** `line`: where to begin, from 1; `thread`: which comments are shown. */
  | { page: 'entry'; notebook: string; entry: string; line?: number; thread?: string }
  | { page: 'path'; notebook: string; path: string }
  | { page: 'trash'; notebook: string }
  /** `query`: what is looked at, as it is written in the address. */
  | { page: 'tasks'; query: string }
  | { page: 'jot' }
  | { page: 'search'; query: string; notebook: string | null }
  | { page: 'conflicts' }
  | { page: 'comments' }
  | { page: 'people' }
  | { page: 'settings' }
  | { page: 'add' };

export function parseRoute(hash: string): Route {
  const asked = /^#\/search(?:\?(.*))?$/s.exec(hash);
  if (asked) {
    const values = new URLSearchParams(asked[1]);
    return { page: 'search', query: values.get('q') ?? '', notebook: values.get('in') };
  }
  const [where = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const parts = where.split('/').map(decode);
  const [first, notebook, sort, ...rest] = parts;
  if (first === 'tasks') return { page: first, query: search };
  if (first === 'jot' || first === 'conflicts' || first === 'comments' || first === 'people' || first === 'settings' || first === 'add') return { page: first };
  if (first === 'n' && notebook) {
    if (sort === 'e' && rest[0]) {
      const line = Number(new URLSearchParams(search).get('line'));
      const thread = rest[1] === 'c' ? rest[2] : undefined;
      return { page: 'entry', notebook, entry: rest[0], ...(line > 0 ? { line } : {}), ...(thread ? { thread } : {}) };
    }
    if (sort === 'p' && rest.length > 0) return { page: 'path', notebook, path: rest.join('/') };
    if (sort === 'trash') return { page: 'trash', notebook };
    return { page: 'notebook', notebook };
  }
  return { page: 'home' };
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
  conflicts: '#/conflicts',
  comments: '#/comments',
  people: '#/people',
  settings: '#/settings',
  add: '#/add',
  /** `notebook`: only there. */
  search: (query: string, notebook: string | null = null) => `#/search${values({ q: query, in: notebook })}`,
  notebook: (notebook: string) => `#/n/${enc(notebook)}`,
  trash: (notebook: string) => `#/n/${enc(notebook)}/trash`,
  entry: (notebook: string, entry: string, line = 0) => `#/n/${enc(notebook)}/e/${enc(entry)}${line > 0 ? `?line=${line}` : ''}`,
  /** An entry with one thread of its comments. */
  thread: (notebook: string, entry: string, thread: string) => `#/n/${enc(notebook)}/e/${enc(entry)}/c/${enc(thread)}`,
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
