/** How a folder shows itself, as its `.metadata` says. Pure. */
import type { PropertyValue, TreeItem } from '../api/types';

export const MODES = ['list', 'compact', 'grid', 'rendered'] as const;
export const SORTS = ['name', 'date', 'type', 'size'] as const;
export type Mode = (typeof MODES)[number];
export type Sort = (typeof SORTS)[number];

export interface FolderView {
  mode: Mode;
  sort: Sort;
  down: boolean;
}

const oneOf = <T extends string>(all: readonly T[], value: PropertyValue | undefined, otherwise: T): T =>
  typeof value === 'string' && (all as readonly string[]).includes(value.toLowerCase()) ? (value.toLowerCase() as T) : otherwise;

/** What is not said, or not understood, is a list by name. */
export function viewOf(properties: Record<string, PropertyValue>): FolderView {
  return {
    mode: oneOf(MODES, properties['view_mode'], 'list'),
    sort: oneOf(SORTS, properties['sort_by'], 'name'),
    down: /^desc/i.test(String(properties['sort_direction'] ?? '')),
  };
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const ending = (name: string) => (name.includes('.') ? (name.split('.').at(-1) ?? '') : '');

/** Folders first, then by what was asked for, then by name. */
export function inOrder(items: readonly TreeItem[], { sort, down }: Pick<FolderView, 'sort' | 'down'>): TreeItem[] {
  const by: Record<Sort, (a: TreeItem, b: TreeItem) => number> = {
    name: () => 0,
    date: (a, b) => a.modified.localeCompare(b.modified),
    type: (a, b) => words.compare(ending(a.name), ending(b.name)),
    size: (a, b) => a.size - b.size,
  };
  return [...items].sort((a, b) => {
    if ((a.kind === 'folder') !== (b.kind === 'folder')) return a.kind === 'folder' ? -1 : 1;
    const order = by[sort](a, b) || words.compare(a.name, b.name);
    return down ? -order : order;
  });
}
