/** Property values as text in a field, and back. */
import type { PropertyValue } from '../api/types';

export const isSimple = (value: PropertyValue): value is string | number | boolean | null =>
  value === null || typeof value !== 'object';

export const isSimpleList = (value: PropertyValue): value is (string | number | boolean | null)[] =>
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
  const quoted = /^"([^"\\]*)"$/.exec(text) ?? /^'([^']*)'$/.exec(text);
  if (quoted) return quoted[1] ?? '';
  if (/^[[{&*!|>%@`"'#]/.test(text) || / #|: /.test(text)) return undefined;
  return guess(text);
}
