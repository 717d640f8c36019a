/** Which page the address names. Addresses live behind `#`, so that any server path serves the page. */

export type Route =
  | { page: 'home' }
  | { page: 'notebook'; notebook: string }
  | { page: 'entry'; notebook: string; entry: string }
  /** `at`: a version; `from`: what it is compared with; `show`: it, or what changed. */
  | { page: 'history'; notebook: string; entry: string; at: string | null; from: string | null; show: 'changes' | 'version' }
  | { page: 'print'; notebook: string; entry: string; now: boolean }
  | { page: 'activity'; notebook?: string }
  | { page: 'path'; notebook: string; path: string }
  | { page: 'trash'; notebook: string }
  | { page: 'conflicts' }
  | { page: 'people' }
  | { page: 'settings' }
  | { page: 'add' };

export function parseRoute(hash: string): Route {
  const [place = '', search] = hash.replace(/^#\/?/, '').split('?');
  const parts = place.split('/').map(decode);
  const [first, notebook, sort, ...rest] = parts;
  if (first === 'conflicts' || first === 'people' || first === 'settings' || first === 'add') return { page: first };
  if (first === 'n' && notebook) {
    const [entry, view] = rest;
    if (sort === 'e' && entry && view === 'history') {
      const asked = new URLSearchParams(search);
      return { page: view, notebook, entry, at: asked.get('at'), from: asked.get('from'), show: asked.get('show') === 'version' ? 'version' : 'changes' };
    }
    if (sort === 'e' && entry && view === 'print') return { page: view, notebook, entry, now: search === 'now' };
    if (sort === 'e' && rest[0]) return { page: 'entry', notebook, entry: rest[0] };
    if (sort === 'p' && rest.length > 0) return { page: 'path', notebook, path: rest.join('/') };
    if (sort === 'activity') return { page: sort, notebook };
    if (sort === 'trash') return { page: 'trash', notebook };
    return { page: 'notebook', notebook };
  }
  if (first === 'activity') return { page: first };
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
export const links = {
  home: '#/',
  conflicts: '#/conflicts',
  people: '#/people',
  settings: '#/settings',
  add: '#/add',
  notebook: (notebook: string) => `#/n/${enc(notebook)}`,
  trash: (notebook: string) => `#/n/${enc(notebook)}/trash`,
  entry: (notebook: string, entry: string) => `#/n/${enc(notebook)}/e/${enc(entry)}`,
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
}

export const router = new Router();
