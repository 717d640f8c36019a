/** Blocks of plugins in Markdown: what they say, and which addresses are some. Pure. */
import type { BlockKind, Dict, Json, KeySchema, Plugin } from '../api/plugins';
import { kindOf, valueOf } from './fields';

export interface Block {
  plugin: Plugin;
  kind: BlockKind;
}

/** An address that is longer is none of a card. */
const LONGEST = 256;

/**
 * A plugin's pattern, if this page may try it: a pattern can be written so that it takes for ever, and the page would stand still
 * meanwhile. Allowed is what cannot: no reference back, no repetition of what repeats, and few repetitions at all.
 */
export function patternOf(text: string): RegExp | null {
  if (text.length > 400 || /\\[1-9]|\\k|\(\?[<=!]/.test(text)) return null;
  const bare = text.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if ((bare.match(/[*+]|\{\d+,\d*\}/g) ?? []).length > 4) return null;
  // The innermost groups first: one that repeats, or chooses, may not be repeated.
  for (let rest = bare; ; ) {
    const group = /\((?:\?:)?([^()]*)\)(\*|\+|\{\d+,?\d*\})?/.exec(rest);
    if (!group) break;
    if (group[2] && /[*+{|?]/.test(group[1] ?? '')) return null;
    rest = rest.replace(group[0], group[2] || /[*+{|?]/.test(group[1] ?? '') ? 'x+' : 'x');
  }
  try {
    return new RegExp(text);
  } catch {
    return null;
  }
}

/** All blocks of plugins that run; of two with one name, the one that was loaded last. */
export class BlockTable {
  readonly #blocks = new Map<string, Block>();
  readonly #patterns: { pattern: RegExp; block: Block }[] = [];

  constructor(plugins: readonly Plugin[]) {
    for (const plugin of plugins) {
      const may = plugin.permissions.some(({ permission, granted }) => permission === 'render_blocks' && granted);
      if (plugin.state !== 'on' || !may) continue;
      for (const kind of plugin.blocks) {
        this.#blocks.set(kind.id, { plugin, kind });
        if (!kind.auto_detect) continue;
        for (const text of kind.url_patterns) {
          const pattern = patternOf(text);
          if (pattern) this.#patterns.unshift({ pattern, block: { plugin, kind } });
        }
      }
    }
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** By the word behind the fence. */
  named(name: string): Block | null {
    return this.#blocks.get(name) ?? null;
  }

  /** By an address on a line of its own: that which names more of it comes before one for any. */
  forAddress(address: string): Block | null {
    if (address.length > LONGEST || !/^https?:\/\/\S+$/.test(address)) return null;
    const fitting = this.#patterns.filter(({ pattern }) => pattern.test(address));
    return fitting.sort((a, b) => b.pattern.source.length - a.pattern.source.length)[0]?.block ?? null;
  }
}

/** What a block says that its plugin does not know: a key, or a value of a key that has only some. */
export interface Odd {
  key: string;
  value: string | null;
  /** What there is instead. */
  known: string[];
}

/** What the lines of a block say; `bad`: the first line, from 1, that says nothing; `odd`: what it says in vain. */
export function readBlock(body: string, schema: Record<string, KeySchema>): { values: Dict; bad: number | null; odd: Odd[] } {
  const said: [string, string][] = [];
  let bad: number | null = null;
  body.split('\n').forEach((line, at) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return;
    const pair = /^([A-Za-z_][\w.-]*)\s*:(?:\s+(.*)|)$/.exec(line);
    const last = said.at(-1);
    if (pair) said.push([pair[1] ?? '', (pair[2] ?? '').trim()]);
    // What is indented, or an item of a list, goes on with what is above it.
    else if (last && /^(\s+|-\s)/.test(line)) last[1] += `${last[1] === '' ? '' : '\n'}${line.trimEnd()}`;
    else bad ??= at + 1;
  });
  const values: Dict = Object.create(null) as Dict;
  for (const [key, spec] of Object.entries(schema)) if (spec.default !== undefined) values[key] = spec.default;
  for (const [key, text] of said) values[key] = typed(key, text, Object.hasOwn(schema, key) ? schema[key] : undefined);
  return { values, bad, odd: said.flatMap(([key]) => oddOf(key, values[key] ?? null, schema)) };
}

function oddOf(key: string, value: Json, schema: Record<string, KeySchema>): Odd[] {
  const known = Object.keys(schema);
  // A plugin that names no keys takes any.
  if (known.length === 0) return [];
  const field = Object.hasOwn(schema, key) ? schema[key] : undefined;
  if (!field) return [{ key, value: null, known }];
  const some = field.enum ?? [];
  return some.length > 0 && !some.some((each) => each === value || String(each) === value) ? [{ key, value: typeof value === 'string' ? value : JSON.stringify(value), known: some.map(String) }] : [];
}

function typed(key: string, text: string, schema: KeySchema | undefined): Json {
  const bare = /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      // As YAML writes lists of words.
      if (/^\[[^[\]{}]*\]$/.test(text)) return text.slice(1, -1).split(',').map((each) => each.trim().replace(/^(["'])(.*)\1$/, '$2')).filter((each) => each !== '');
    }
  }
  if (!schema || !['number', 'flag', 'names'].includes(kindOf(schema))) return bare;
  try {
    return valueOf(key, schema, bare) ?? bare;
  } catch {
    return bare;
  }
}
