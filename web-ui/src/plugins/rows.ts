/** Lists in a form: a row of fields for each thing, and views with their widths. What a field holds as text, and what the text means. Pure. */
import type { Dict, Json, KeySchema } from '../api/plugins';
import { plugins } from '../i18n/en-plugins';
import { textOf, valueOf } from './fields';

/** A thing, each of its fields as text. */
export type Row = Record<string, string>;

const COLUMNS = 12;
/** Of a view that says none. */
const HALF = '6';

const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value);

const FIRST = ['id', 'title'];
/** Its fields: what names it first. */
const allFields = (schema: KeySchema): [key: string, schema: KeySchema][] =>
  Object.entries(schema.items?.properties ?? {}).sort(([a], [b]) => Number(FIRST.includes(b)) - Number(FIRST.includes(a)));

/** The fields that are asked for. Where it has a title, its id is made of that. */
export function fieldsOf(schema: KeySchema): [key: string, schema: KeySchema][] {
  const all = allFields(schema);
  return all.filter(([key]) => key !== 'id' || !all.some(([other]) => other === 'title'));
}

const slug = (title: string): string => title.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');

/** What `property = value, value; property = value` means: as `properties` of a query; no value is one that is not set. */
function filterOf(name: string, text: string): Dict {
  const found: Dict = {};
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [, key = '', values] = /^\s*([^=:\s][^=:]*?)\s*[=:](.*)$/.exec(part) ?? [];
    if (values === undefined) throw new Error(plugins.wizard.notFilter(name, part.trim()));
    const all = values.split(',').map((each) => each.trim()).filter((each) => each !== '').map(single);
    found[key] = all.length > 1 ? all : (all[0] ?? null);
  }
  return found;
}

const single = (text: string): Json => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text === 'true' || text === 'false' ? text === 'true' : text);

const filterText = (filter: Dict): string =>
  Object.entries(filter).map(([key, value]) => `${key} = ${(Array.isArray(value) ? value : [value]).map((each) => (each === null ? '' : String(each))).join(', ')}`.trim()).join('; ');

const isFilter = (schema: KeySchema): boolean => schema.type === 'object' && !schema.properties;

export const rowsOf = (text: string): Row[] => (text.trim() === '' ? [] : (JSON.parse(text) as Row[]));

/** The things that rows mean. A row without anything is none. */
export function thingsOf(name: string, schema: KeySchema, rows: readonly Row[]): Json[] | undefined {
  const taken = new Set<string>();
  const made = rows.filter((row) => Object.values(row).some((text) => text.trim() !== '')).map((row, at) => {
    const thing: Dict = {};
    for (const [key, field] of allFields(schema)) {
      const text = row[key] ?? (key === 'id' ? slug(row['title'] ?? '') : '');
      const where = plugins.wizard.inRow(name, at + 1);
      if (isFilter(field)) {
        const filter = filterOf(where, text);
        if (Object.keys(filter).length > 0) thing[key] = filter;
        continue;
      }
      const value = valueOf(where, field, text);
      if (value !== undefined) thing[key] = value;
    }
    const { id } = thing;
    if (typeof id === 'string') {
      let own = id;
      for (let n = 2; taken.has(own); n += 1) own = `${id}-${n}`;
      taken.add(own);
      thing['id'] = own;
    }
    return thing;
  });
  return made.length === 0 ? undefined : made;
}

/** The rows of things. */
export const textOfThings = (schema: KeySchema, things: readonly Json[]): string =>
  JSON.stringify(things.filter(isDict).map((thing) => Object.fromEntries(Object.entries(schema.items?.properties ?? {}).map(([key, field]) => {
    const value = thing[key];
    return [key, isFilter(field) ? filterText(isDict(value) ? value : {}) : textOf(field, value)];
  }))));

/** Views one after the other, as rows of twelve columns: what has no room in a row begins the next. */
export function layoutOf(views: readonly Row[]): Json[] | undefined {
  const rows: { components: Dict[] }[] = [];
  let used = COLUMNS;
  for (const { view = '', span = HALF } of views) {
    if (view.trim() === '') continue;
    const wide = Number(span) || Number(HALF);
    if (used + wide > COLUMNS) {
      rows.push({ components: [] });
      used = 0;
    }
    used += wide;
    rows.at(-1)?.components.push({ type: 'mini-view', span: wide, view: view.trim() });
  }
  return rows.length === 0 ? undefined : (rows as unknown as Json[]);
}

/** The views of a layout. */
export const textOfLayout = (layout: readonly Json[]): string =>
  JSON.stringify(layout.flatMap((row) => (isDict(row) && Array.isArray(row['components']) ? row['components'] : [row])).filter(isDict).map(({ view, span }) => ({ view: String(view ?? ''), span: String(span ?? HALF) })));
