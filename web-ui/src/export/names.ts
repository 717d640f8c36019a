/** What things are called in an export, and how one leads to another. Pure. */

export interface Listed {
  path: string;
  note: boolean;
}

/** File systems may take names that differ in case alone for one. */
const plain = (name: string): string => name.normalize('NFC').toLowerCase();

/** Names for all that is taken along. Every one is given once; a note becomes a page beside the files. */
export class Names {
  readonly index: string;
  #names = new Map<string, string>();
  #taken = new Set<string>();

  /** `root`: the folder that is exported; empty for a whole notebook. */
  constructor(
    private readonly root: string,
    all: readonly Listed[],
  ) {
    // Files keep their names, whatever the pages are called.
    for (const { path, note } of all) if (!note) this.#give(path, this.#inside(path));
    this.index = this.#free('index.html');
    this.#taken.add(plain(this.index));
    for (const { path, note } of all) {
      if (!note) continue;
      const name = this.#inside(path);
      const page = name.replace(/\.(md|markdown)$/i, '') + '.html';
      this.#give(path, this.#taken.has(plain(page)) ? `${name}.html` : page);
    }
  }

  of(path: string): string | undefined {
    return this.#names.get(path);
  }

  /** A file that lies elsewhere and is shown here comes along. */
  attach(path: string): string {
    return this.#names.get(path) ?? this.#give(path, `_attached/${path}`);
  }

  #inside(path: string): string {
    return this.root !== '' && path.startsWith(`${this.root}/`) ? path.slice(this.root.length + 1) : path;
  }

  #give(path: string, name: string): string {
    const given = this.#free(name);
    this.#taken.add(plain(given));
    this.#names.set(path, given);
    return given;
  }

  #free(name: string): string {
    const [, stem = name, end = ''] = /^(.*?)(\.[^./]+)?$/s.exec(name) ?? [];
    let given = name;
    for (let n = 2; this.#taken.has(plain(given)); n += 1) given = `${stem}-${n}${end}`;
    return given;
  }
}

/** The address of one file as seen from another. */
export function relative(from: string, to: string): string {
  const [here, there] = [from.split('/').slice(0, -1), to.split('/')];
  let same = 0;
  while (same < here.length && same < there.length - 1 && here[same] === there[same]) same += 1;
  const up = here.slice(same).map(() => '..');
  return [...up, ...there.slice(same).map(encodeURIComponent)].join('/');
}
