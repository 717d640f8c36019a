/** The tree as a flat list of rows, and which of them are on the screen. Pure. */
import type { TreeItem } from '../api/types';

/** One folder's entries, as far as they have been read. */
export interface Level {
  items: TreeItem[];
  cursor: string | null;
  complete: boolean;
}

export type Row =
  | { is: 'entry'; key: string; depth: number; item: TreeItem; open: boolean; parent: string | null }
  | { is: 'more'; key: string; depth: number; parent: string | null };

/** The notebook itself, as a parent. */
export const ROOT = '';

/** Rows in the order in which they show. `levels` by parent id. */
export function flatten(levels: ReadonlyMap<string, Level>, open: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const visit = (parent: string, depth: number) => {
    const level = levels.get(parent);
    const up = parent === ROOT ? null : parent;
    for (const item of level?.items ?? []) {
      const isOpen = item.kind === 'folder' && open.has(item.id);
      rows.push({ is: 'entry', key: item.id, depth, item, open: isOpen, parent: up });
      if (isOpen) visit(item.id, depth + 1);
    }
    if (!level?.complete) rows.push({ is: 'more', key: `more:${parent}`, depth, parent: up });
  };
  visit(ROOT, 0);
  return rows;
}

export interface Span {
  first: number;
  /** One past the last. */
  end: number;
}

/** The rows to draw for what a scroller shows, and some on either side. */
export function spanOf(scrollTop: number, height: number, rowHeight: number, count: number, around = 8): Span {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - around);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + around);
  return { first: Math.min(first, Math.max(0, count)), end: Math.max(end, Math.min(first, count)) };
}

/** Where to scroll so that a row is wholly visible. */
export function reveal(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}

export const parentPath = (path: string): string => path.split('/').slice(0, -1).join('/');
export const baseName = (path: string): string => path.split('/').at(-1) ?? path;
export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
