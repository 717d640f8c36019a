/** A configuration as fields of a form: what each holds as text, and what the text means. Pure. */
import type { Json, KeySchema, Property } from '../api/plugins';
import { plugins } from '../i18n/en-plugins';
import { layoutOf, rowsOf, textOfLayout, textOfThings, thingsOf } from './rows';

/** `any`: a text, or JSON. `rows`: things with fields of their own. `views`: other views, with their widths. */
export type FieldKind = 'text' | 'secret' | 'number' | 'choice' | 'flag' | 'names' | 'rows' | 'views' | 'any' | 'json';

/** What a key is called: `due_date` is “Due date”. */
export const labelOf = (key: string): string => {
  const words = key.replace(/^propert(y|ies)\./, '').replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
};

/** How a key is asked for. */
export function kindOf(schema: KeySchema): FieldKind {
  if (schema.enum && schema.enum.length > 0) return 'choice';
  switch (schema.type) {
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
      return 'flag';
    case 'array':
      if (schema.items?.properties) return schema.items.properties['components'] ? 'views' : 'rows';
      return ['string', 'any', undefined].includes(schema.items?.type) ? 'names' : 'json';
    case 'any':
      return 'any';
    case 'object':
      return 'json';
    default:
      return 'text';
  }
}

/** As it stands in the field; nothing that is set is an empty one. */
export function textOf(schema: KeySchema, value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  const kind = kindOf(schema);
  if (kind === 'rows') return textOfThings(schema, Array.isArray(value) ? value : []);
  if (kind === 'views') return textOfLayout(Array.isArray(value) ? value : []);
  if (kind === 'any') return typeof value === 'string' && meant(value) === value ? value : JSON.stringify(value);
  if (kind === 'names' && Array.isArray(value) && value.every((each) => typeof each === 'string' && !each.includes(','))) return value.join(', ');
  if (kind === 'json' || kind === 'names') return JSON.stringify(value);
  return typeof value === 'string' ? value : kind === 'text' || kind === 'number' || kind === 'flag' || kind === 'choice' ? (typeof value === 'object' ? JSON.stringify(value) : String(value)) : JSON.stringify(value);
}

/** What a field's text means; `undefined` for an empty one. What it cannot mean is thrown, in words. */
export function valueOf(name: string, schema: KeySchema, text: string): Json | undefined {
  const { settings: words } = plugins;
  const bare = text.trim();
  if (bare === '') return undefined;
  switch (kindOf(schema)) {
    case 'choice':
      return schema.enum?.find((each) => textOf({ ...schema, enum: [] }, each) === bare || String(each) === bare) ?? bare;
    case 'number': {
      const value = Number(bare.replace(',', '.'));
      if (!Number.isFinite(value) || (schema.type === 'integer' && !Number.isInteger(value))) throw new Error(words.notNumber(name));
      const { minimum, maximum } = schema;
      if ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum)) throw new Error(words.outside(name, minimum, maximum));
      return value;
    }
    case 'flag':
      return bare === 'true';
    case 'names':
      if (bare.startsWith('[')) return fromJson(name, bare);
      return bare.split(',').map((each) => each.trim()).filter((each) => each !== '');
    case 'rows':
      return thingsOf(name, schema, rowsOf(bare));
    case 'views':
      return layoutOf(rowsOf(bare));
    case 'any':
      return /^[[{]/.test(bare) ? fromJson(name, bare) : meant(bare);
    case 'json':
      return fromJson(name, bare);
    default:
      return text;
  }
}

/** What is JSON is meant so; the rest is a text. */
function meant(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function fromJson(name: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Error(plugins.settings.notJson(name));
  }
}

/** A setting of a plugin as such a key. */
export function schemaOf(property: Property): KeySchema {
  const type = property.type === 'bool' ? 'boolean' : property.type === 'date' ? 'string' : property.type;
  const options = property.enum.length > 0 ? property.enum : (property.ui.options ?? []);
  return { type, description: property.ui.help ?? property.description, ...(options.length > 0 ? { enum: options } : {}), ...(property.default != null ? { default: property.default } : {}) };
}

/** A `.cdx` of these answers. Each value is JSON, which is YAML too; things are one a line. */
export function cdxOf(said: { title: string; view: string; query: Record<string, Json>; config: Record<string, Json> }): string {
  const isThing = (value: Json): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  const write = (value: Json): string => (Array.isArray(value) && value.length > 0 && value.every(isThing) ? value.map((each) => `\n    - ${JSON.stringify(each)}`).join('') : ` ${JSON.stringify(value)}`);
  const map = (values: Record<string, Json>) => Object.entries(values).map(([key, value]) => `  ${/^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key)}:${write(value)}`);
  const part = (name: string, values: Record<string, Json>) => (Object.keys(values).length === 0 ? [] : [`${name}:`, ...map(values)]);
  return ['---', 'type: view', `view_type: ${said.view}`, `title: ${JSON.stringify(said.title)}`, ...part('query', said.query), ...part('config', said.config), '---', ''].join('\n');
}

/** A `.cdx` with another title: its line is written anew, or one is put below what the view is. The rest stays as it was written. */
export function withTitle(text: string, title: string): string {
  const front = /^---[ \t]*\r?\n([\s\S]*?)^---[ \t]*$/m.exec(text);
  if (!front || front.index !== 0 || title === '') return text;
  const line = `title: ${JSON.stringify(title)}`;
  const [whole, inner = ''] = front;
  const start = whole.indexOf('\n') + 1;
  // A title that goes on in lines below is indented there.
  const said = /^title:[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*/m;
  const after = /^(?:view_type|type):[^\r\n]*/gm;
  let written: string;
  if (said.test(inner)) written = inner.replace(said, () => line);
  else {
    const last = [...inner.matchAll(after)].at(-1);
    const at = last ? last.index + last[0].length : -1;
    written = at < 0 ? `${line}\n${inner}` : `${inner.slice(0, at)}\n${line}${inner.slice(at)}`;
  }
  return text.slice(0, start) + written + text.slice(start + inner.length);
}

/** The host of the service that this device asks instead of the one that a plugin names. */
export function ownHost(config: Record<string, unknown>): string | null {
  const base = config['base_url'];
  return typeof base === 'string' && URL.canParse(base) ? new URL(base).host : null;
}
