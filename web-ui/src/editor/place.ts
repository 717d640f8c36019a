/** Where a text stands: what its links mean, and the pages they lead to. */

export interface Found {
  entry: string;
  path: string;
  title: string;
}

export interface Place {
  notebook: string;
  path: string;
  /** The page of the entry at a path. */
  link(path: string): string;
  /** What a wikilink's name means: `null` for nothing, `undefined` as long as it is not known. */
  find(target: string): Found | null | undefined;
}
