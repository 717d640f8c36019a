/** A view on paper, or taken along. No script draws there: what it asks for stands in a table. */
import * as api from '../api/plugins';
import type { FileRow } from '../api/types';
import type { Place } from '../editor/place';
import { byteSize, fullTime } from '../i18n/format';
import { paper as words } from '../i18n/en-paper';
import { labelOf } from './fields';

/** Rows of one view at most. */
const MOST_ROWS = 500;
/** Properties that are shown where the view names none. */
const USUAL = 5;

interface Column {
  name: string;
  title: string;
}

/** The columns that a view's settings name; else the properties that most of its entries have. */
export function columnsOf(config: api.Dict, files: readonly FileRow[]): Column[] {
  const named = [config['columns'], config['card_fields']].map((list) => (Array.isArray(list) ? list.flatMap(column) : [])).find((list) => list.length > 0);
  const counts = new Map<string, number>();
  for (const file of files) for (const name of Object.keys(file.properties)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const usual = [...counts].sort((a, b) => b[1] - a[1]).slice(0, USUAL).map(([name]) => ({ name, title: labelOf(name) }));
  return (named ?? usual).filter(({ name }) => name !== 'title' && name !== 'name');
}

function column(one: unknown): Column[] {
  const named = typeof one === 'object' && one !== null ? (one as Record<string, unknown>) : { property: one };
  const name = named['property'] ?? named['field'];
  if (typeof name !== 'string') return [];
  return [{ name, title: typeof named['title'] === 'string' ? named['title'] : labelOf(name) }];
}

const FACTS = new Map<string, (file: FileRow) => string>([
  ['path', ({ path }) => path],
  ['kind', ({ kind }) => kind],
  ['media_type', ({ media_type: type }) => type],
  ['size', ({ size }) => byteSize(size)],
  ['created', ({ created }) => fullTime(created)],
  ['modified', ({ modified }) => fullTime(modified)],
  ['tags', ({ tags }) => tags.join(', ')],
]);

const shown = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(shown).join(', ');
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

/** What stands in a cell: the entry's own property, before what its file says. */
export const cellOf = (file: FileRow, name: string): string => {
  const own = Object.hasOwn(file.properties, name) ? (file.properties as Record<string, unknown>)[name] : null;
  return shown(own ?? FACTS.get(name)?.(file));
};

/** Its table; `null` for a view that asks for no entries. */
export async function stillView(place: Place, { query, config }: Pick<api.ViewFile, 'query' | 'config'>): Promise<HTMLElement | null> {
  if (Object.keys(query).length === 0) return null;
  const notebooks = query['notebook_ids'];
  const others = Array.isArray(notebooks) && notebooks.length > 0;
  const limit = Math.min(Number(query['limit'] ?? 100) || 0, MOST_ROWS);
  const { files, total } = await api.listed({ ...query, notebook_ids: others ? notebooks : [place.notebook], limit, group_by: null });
  const figure = document.createElement('div');
  figure.className = 'still-view';
  const table = figure.appendChild(document.createElement('table'));
  const columns = columnsOf(config, files);
  const head = table.createTHead().insertRow();
  for (const { title } of [{ title: words.entry }, ...columns]) head.appendChild(document.createElement('th')).textContent = title;
  const body = table.createTBody();
  for (const file of files) {
    const row = body.insertRow();
    const cell = row.insertCell();
    const name = file.title || file.name;
    // Of another notebook it is no page of this one.
    if (others) cell.textContent = name;
    else {
      const link = cell.appendChild(document.createElement('a'));
      link.setAttribute('href', place.link(file.path));
      link.textContent = name;
    }
    for (const { name: key } of columns) row.insertCell().textContent = cellOf(file, key);
  }
  if (total > files.length) {
    const more = figure.appendChild(document.createElement('p'));
    more.className = 'quiet';
    more.textContent = words.more(files.length, total);
  }
  return figure;
}
