/** Property values as text in a field, and back. Pure. */
import type { PropertyType, PropertyValue } from '../api/types';
import { frontmatterEnd } from '../editor/frontmatter';

type Simple = string | number | boolean | null;

const isSimple = (value: PropertyValue): value is Simple =>
  value === null || typeof value !== 'object';

export const isSimpleList = (value: PropertyValue): value is Simple[] =>
  Array.isArray(value) && value.every(isSimple);

export const asText = (value: PropertyValue): string => (value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** Text typed where `before` stood: a number stays a number when it still is one. */
export function fromText(text: string, before: PropertyValue | undefined): PropertyValue {
  const bare = text.trim();
  if (bare === '' && (before === null || typeof before === 'number')) return null;
  if (typeof before === 'number' && bare !== '' && Number.isFinite(Number(bare))) return Number(bare);
  return text;
}

/** A new property: plain numbers and true/false are taken as such. */
export function guess(text: string): PropertyValue {
  const bare = text.trim();
  if (bare === 'true' || bare === 'false') return bare === 'true';
  if (/^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(bare)) return Number(bare);
  return bare;
}

/** The tags that are a property, whichever way they are written. */
export function tagList(value: PropertyValue | undefined): string[] {
  if (Array.isArray(value)) return value.filter(isSimple).map(asText).filter((tag) => tag !== '');
  if (typeof value === 'string') return value.split(/[,\s]+/).filter((tag) => tag !== '');
  return [];
}

/** The value of a one-line YAML source `key: value`, when it is a plain scalar; else `undefined`. */
export function scalarOf(source: string): PropertyValue | undefined {
  const match = /^[^:\n]+:[ \t]*([^\n]*?)[ \t]*\n?$/.exec(source);
  const text = match?.[1];
  if (text === undefined) return undefined;
  if (text === '' || text === '~' || text === 'null') return null;
  const single = /^'((?:[^']|'')*)'$/.exec(text)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  if (/^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$/.test(text)) return fromQuoted(text);
  if (/^[[{&*!|>%@`"'#]/.test(text) || / #|: /.test(text)) return undefined;
  return guess(text);
}

/** What double quotes hold; what only YAML knows to say in them is left to it. */
function fromQuoted(text: string): string | undefined {
  try {
    return JSON.parse(text.replaceAll('\t', '\\t')) as string;
  } catch {
    return undefined;
  }
}

/** A one-line source as it is read, not as it is quoted; what is no plain value as it is written. */
export function shownOf(source: string): string {
  const value = scalarOf(source);
  return value === undefined ? source.trim().replace(/^[^:]+:\s*/, '') : asText(value);
}

/** How a value is shown and asked for. `lines`: a text of several; `source`: what no field can hold. */
export type Field = 'checkbox' | 'number' | 'date' | 'date-time' | 'moment' | 'select' | 'person' | 'link' | 'chips' | 'text' | 'lines' | 'source';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const LOCAL = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const LINK = /^\[\[[^[\]\n]+\]\]$/;

/** A day that there is: the 30th of February is none. */
const isDay = (text: string): boolean => DAY.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
const isMoment = (text: string): boolean => MOMENT.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text.replace(' ', 'T')));

/** The field for a value of a key of this type. A value that does not fit keeps a field that can hold it. */
export function fieldOf(value: PropertyValue, type: PropertyType): Field {
  if (value !== null && typeof value === 'object') return isSimpleList(value) && value.every(isExact) ? 'chips' : 'source';
  if (!isExact(value)) return 'source';
  if (typeof value === 'string' && value.includes('\n')) return 'lines';
  if (typeof value === 'boolean') return 'checkbox';
  switch (type) {
    case 'checkbox':
      return value === null ? 'checkbox' : 'text';
    case 'date':
      return value === null || isDay(asText(value)) ? 'date' : 'text';
    case 'date-time':
      return value === null || (LOCAL.test(asText(value)) && isMoment(asText(value))) ? 'date-time' : isMoment(asText(value)) ? 'moment' : 'text';
    case 'list':
    case 'tags':
      return 'chips';
    case 'link':
      return value === null || LINK.test(asText(value)) ? 'link' : 'text';
    default:
      return type;
  }
}

/** A number that this page can hold as it is written. */
const isExact = (value: Simple): boolean => typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value);

/** Whether a value is not what its key's values are: it is shown, and said. */
export function isMisfit(value: PropertyValue, type: PropertyType): boolean {
  if (value === null || value === '') return false;
  switch (type) {
    case 'number':
      return typeof value !== 'number';
    case 'checkbox':
      return typeof value !== 'boolean';
    case 'date':
      return typeof value !== 'string' || !isDay(value);
    case 'date-time':
      return typeof value !== 'string' || !isMoment(value);
    case 'link':
      return typeof value !== 'string' || !LINK.test(value);
    default:
      return false;
  }
}

/** A value as the text of its field. */
export function textOf(value: PropertyValue, field: Field): string {
  const text = asText(value);
  if (field === 'link') return text.replace(/^\[\[|\]\]$/g, '');
  return field === 'date-time' ? text.replace(' ', 'T') : text;
}

export type Wrong = 'number' | 'comma' | 'digits' | 'date' | 'date-time' | 'link' | 'checkbox';

/** What was typed in a field, as a value; or what is wrong with it. */
export function read(text: string, field: Field, before: PropertyValue | undefined): { value: PropertyValue } | { wrong: Wrong } {
  const bare = text.trim();
  const needs = (ok: boolean, wrong: Wrong, value: PropertyValue = bare) => (bare === '' ? { value: null } : ok ? { value } : { wrong });
  switch (field) {
    case 'number':
      return number(bare);
    case 'date':
      return needs(isDay(bare), 'date');
    case 'date-time':
      // With seconds, if it had them.
      return needs(isMoment(bare), 'date-time', /:\d{2}:\d{2}$/.test(asText(before ?? null)) && /T\d{2}:\d{2}$/.test(bare) ? `${bare}:00` : bare);
    case 'moment':
      return needs(isMoment(bare), 'date-time');
    case 'link': {
      const name = bare.replace(/^\[\[|\]\]$/g, '').trim();
      return needs(name !== '' && !/[[\]\n]/.test(name), 'link', `[[${name}]]`);
    }
    case 'checkbox':
      return needs(/^(true|false|yes|no)$/i.test(bare), 'checkbox', /^(true|yes)$/i.test(bare));
    case 'chips':
      return { value: bare.split(',').map((item) => item.trim()).filter((item) => item !== '') };
    default:
      return { value: fromText(text, before) };
  }
}

function number(bare: string): { value: number | null } | { wrong: Wrong } {
  if (bare === '') return { value: null };
  if (/^[+-]?\d+,\d+$/.test(bare)) return { wrong: 'comma' };
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare) || !Number.isFinite(Number(bare))) return { wrong: 'number' };
  const digits = bare.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '');
  return digits.length > 15 ? { wrong: 'digits' } : { value: Number(bare) };
}

/** A list after a change: what stays is what it was, and what is new is a number among numbers. */
export function listOf(texts: readonly string[], before: PropertyValue | undefined): PropertyValue[] {
  const items = Array.isArray(before) ? before : [];
  const rest = [...items];
  const all = items.length > 0 && items.every((item) => typeof item === 'number');
  return texts.map((text) => {
    const at = rest.findIndex((item) => asText(item) === text);
    if (at >= 0) return rest.splice(at, 1)[0] ?? null;
    const as = all ? number(text.trim()) : { wrong: 'number' };
    return 'value' in as && as.value !== null ? as.value : text;
  });
}

/** Where a key and its value are written at the head of a text. */
export function sourceAt(text: string, key: string): { from: number; to: number } | null {
  const end = frontmatterEnd(text);
  if (end === 0) return null;
  const escaped = key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const start = new RegExp(`^(["']?)${escaped}\\1[ \\t]*:`, 'm').exec(text.slice(0, end));
  if (!start) return null;
  const lines = text.slice(start.index, end).split('\n');
  // What is indented belongs to it, and a list that begins with the line.
  let count = 1;
  while (count < lines.length && /^([ \t]|-[ \t]|-$|$)/.test(lines[count] ?? '')) count += 1;
  const source = lines.slice(0, count).join('\n').trimEnd();
  return { from: start.index, to: start.index + source.length };
}
