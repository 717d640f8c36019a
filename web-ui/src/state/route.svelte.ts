/** Which page the address names. Addresses live behind `#`, so that any server path serves the page. */

export type Route =
  | { page: 'home' }
  | { page: 'notebook'; notebook: string }
  | { page: 'entry'; notebook: string; entry: string; thread?: string }
  | { page: 'path'; notebook: string; path: string }
  | { page: 'trash'; notebook: string }
  | { page: 'conflicts' }
  | { page: 'comments' }
  | { page: 'people' }
  | { page: 'settings' }
  | { page: 'add' };

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').split('/').map(decode);
  const [first, notebook, sort, ...rest] = parts;
  if (first === 'conflicts' || first === 'comments' || first === 'people' || first === 'settings' || first === 'add') return { page: first };
  if (first === 'n' && notebook) {
    if (sort === 'e' && rest[0] && rest[1] === 'c' && rest[2]) return { page: 'entry', notebook, entry: rest[0], thread: rest[2] };
    if (sort === 'e' && rest[0]) return { page: 'entry', notebook, entry: rest[0] };
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
export const links = {
  home: '#/',
  conflicts: '#/conflicts',
  comments: '#/comments',
  people: '#/people',
  settings: '#/settings',
  add: '#/add',
  notebook: (notebook: string) => `#/n/${enc(notebook)}`,
  trash: (notebook: string) => `#/n/${enc(notebook)}/trash`,
  entry: (notebook: string, entry: string) => `#/n/${enc(notebook)}/e/${enc(entry)}`,
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
}

export const router = new Router();
