/** Which rows of a list are chosen. Pure: every act answers with a new selection. */
export interface Selection {
  keys: ReadonlySet<string>;
  /** Where a range begins. */
  anchor: string | null;
}

export const NONE: Selection = { keys: new Set(), anchor: null };

export const only = (key: string): Selection => ({ keys: new Set([key]), anchor: key });

export function toggled(selection: Selection, key: string): Selection {
  const keys = new Set(selection.keys);
  if (!keys.delete(key)) keys.add(key);
  return { keys, anchor: key };
}

/** From the anchor to a row, both included. `order` is the rows' keys as they show. */
export function rangeTo(selection: Selection, key: string, order: readonly string[]): Selection {
  const to = order.indexOf(key);
  const from = selection.anchor === null ? to : order.indexOf(selection.anchor);
  if (to < 0 || from < 0) return only(key);
  return { keys: new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1)), anchor: selection.anchor ?? key };
}

/** What is gone is chosen no more. */
export function pruned(selection: Selection, exists: (key: string) => boolean): Selection {
  const keys = [...selection.keys].filter(exists);
  return keys.length === selection.keys.size ? selection : { keys: new Set(keys), anchor: selection.anchor };
}

/** Of paths, those that lie in none of the others: what happens to a folder happens to all in it. */
export function outermost<T extends { path: string }>(items: readonly T[]): T[] {
  const paths = new Set(items.map((item) => item.path));
  const inside = ({ path }: T) => {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) if (paths.has(path.slice(0, at))) return true;
    return false;
  };
  return items.filter((item) => !inside(item));
}
