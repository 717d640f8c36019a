/** Every theme can be read: the contrast of all pairs of colours that the page uses, as WCAG reckons it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const at = (path: string) => new URL(path, import.meta.url);
const read = (path: string) => readFileSync(at(path), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');

function variables(css: string, selector: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, selectors = '', body = ''] of css.matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
    if (!selectors.split(',').some((one) => one.trim() === selector)) continue;
    for (const [, name = '', value = ''] of body.matchAll(/(--[\w-]+)\s*:\s*([^;]+);/g)) found.set(name, value.trim().replace(/\s+/g, ' '));
  }
  return found;
}

const page = variables(read('../src/styles/tokens.css'), 'body');
const notes = variables(read('../src/styles/notes.css'), ':root');

/** Inside of the brackets that open at a place. */
function inner(text: string, open: number): string {
  let depth = 0;
  for (let end = open; end < text.length; end += 1) {
    if (text[end] === '(') depth += 1;
    if (text[end] === ')' && (depth -= 1) === 0) return text.slice(open + 1, end);
  }
  throw new Error(`never closed: ${text}`);
}
function split(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const each of text) {
    if (each === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += each;
    depth += each === '(' ? 1 : each === ')' ? -1 : 0;
  }
  return parts.map((part) => part.trim());
}

type Colour = [number, number, number, number];
type Scheme = 'light' | 'dark';
class Look {
  constructor(
    readonly theme: Map<string, string>,
    readonly scheme: Scheme,
  ) {}

  value(name: string): string {
    const given = this.theme.get(name) ?? page.get(name) ?? notes.get(name);
    if (given === undefined) throw new Error(`there is no ${name}`);
    return this.reduced(given);
  }

  reduced(text: string): string {
    const call = /^(var|light-dark)\(/.exec(text);
    if (!call) return text;
    const [first = '', ...rest] = split(inner(text, call[0].length - 1));
    if (call[1] === 'light-dark') return this.reduced(this.scheme === 'light' ? first : rest.join(','));
    const known = this.theme.get(first) ?? page.get(first);
    return this.reduced(known ?? rest.join(', '));
  }

  colour(name: string): Colour {
    const value = this.value(name);
    const hex = /^#([0-9a-f]{6})$/i.exec(value)?.[1];
    if (hex) return [...[0, 2, 4].map((from) => parseInt(hex.slice(from, from + 2), 16)), 1] as Colour;
    const rgb = /^rgb\((\d+) (\d+) (\d+)(?: \/ ([\d.]+)%)?\)$/.exec(value);
    if (!rgb) throw new Error(`${name} is no colour that can be reckoned with: ${value}`);
    return [Number(rgb[1]), Number(rgb[2]), Number(rgb[3]), rgb[4] === undefined ? 1 : Number(rgb[4]) / 100];
  }

  /** Colours over one another, the lowest last: `hover side` is what lies on the sidebar. */
  over(names: string): Colour {
    return names.split(' ').map((name) => this.colour(`--${name}`)).reduceRight((below, [r, g, b, a]) => [r * a + below[0] * (1 - a), g * a + below[1] * (1 - a), b * a + below[2] * (1 - a), 1], [255, 255, 255, 1] as Colour);
  }

  contrast(front: string, ground: string): number {
    const [a, b] = [luminance(this.over(`${front} ${ground}`)), luminance(this.over(ground))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
}

function luminance([r, g, b]: Colour): number {
  const part = (value: number) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}

const grounds = ['ground', 'page', 'side', 'raised', 'hover ground', 'hover page', 'hover side', 'hover raised', 'code', 'chosen ground', 'chosen page', 'chosen side', 'chosen raised'];
const callouts = [...notes.keys()].filter((name) => name.startsWith('--callout-')).map((name) => name.slice(2));
/** What is read, and on what. */
const TEXT: [string, string[]][] = [
  ['ink', [...grounds, 'mark', 'selection', 'good-ground', 'warn-ground', 'bad-ground']],
  ['pen', ['page', 'ground', 'raised', 'code', 'mark', 'selection', 'hover page', 'chosen page']],
  ['quiet', grounds],
  ['accent', [...grounds, 'warn-ground', 'good-ground', 'bad-ground']],
  ['accent-strong', ['ground', 'page', 'raised', 'side']],
  ['on-accent', ['accent', 'accent-strong']],
  ['ground', ['bad']],
  ['good', ['ground', 'page', 'side', 'raised', 'code', 'good-ground']],
  ['warn', ['ground', 'page', 'side', 'raised', 'code', 'warn-ground']],
  ['bad', ['ground', 'page', 'side', 'raised', 'bad-ground']],
  ...callouts.map((name): [string, string[]] => [name, ['page', 'ground']]),
];
/** What shows where one is, and where something is to be put in. */
const SHAPES: [string, string[]][] = [
  ['focus', ['ground', 'page', 'side', 'raised']],
  ['field-line', ['ground', 'page', 'side', 'raised']],
  ['accent', ['raised', 'ground']],
];

const folder = at('../../plugins/themes/');
const ids = readdirSync(folder).sort();
const manifest = (id: string) => {
  const text = readFileSync(new URL(`${id}/manifest.yml`, folder), 'utf8');
  const said = (key: string) => new RegExp(`^\\s*${key}: "?(.*?)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: said('id'), category: said('category'), class_name: said('className'), stylesheet: said('stylesheet') };
};
const css = (id: string) => readFileSync(new URL(`${id}/${manifest(id).stylesheet}`, folder), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');

test('there are the eight themes and the one of high contrast', () => {
  expect(ids).toEqual(['antiquarian', 'cream', 'fieldnotes', 'high-contrast', 'labnotebook', 'manila', 'notebook-theme', 'obsidian', 'white']);
  for (const id of ids) expect(manifest(id), id).toMatchObject({ id, stylesheet: `${id}.css` });
});

describe.each(ids)('%s', (id) => {
  const { category, class_name } = manifest(id);
  const theme = variables(css(id), `.${class_name}`);
  const schemes: Scheme[] = category === 'both' ? ['light', 'dark'] : [category as Scheme];

  test.each(schemes)('can be read when it is %s', (scheme) => {
    const look = new Look(theme, scheme);
    const least = id === 'high-contrast' ? 7 : 4.5;
    const poor: string[] = [];
    for (const [pairs, enough] of [[TEXT, least], [SHAPES, 3]] as const) {
      for (const [front, all] of pairs) {
        for (const ground of all) {
          const has = look.contrast(front, ground);
          if (has < enough) poor.push(`${front} on ${ground}: ${has.toFixed(2)} of ${enough}`);
        }
      }
    }
    expect(poor).toEqual([]);
    expect(luminance(look.over('ground')) > 0.4 ? 'light' : 'dark').toBe(scheme);
  });

  test('sets only variables that are known, below its own class', () => {
    expect([...css(id).matchAll(/([^{}]+)\{/g)].map(([, selector = '']) => selector.trim())).toEqual([`.${class_name}`]);
    const known = new Set([...page.values(), ...notes.values()].flatMap((value) => [...value.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name)));
    expect([...theme.keys()].filter((name) => !known.has(name))).toEqual([]);
    expect(existsSync(new URL(`${id}/manifest.yml`, folder))).toBe(true);
  });
});

test('without a theme the page looks as cream', () => {
  const cream = variables(css('cream'), '.theme-cream');
  const differing = [...page.keys()].filter((name) => {
    const [bare, worn] = [new Map<string, string>(), cream].map((theme) => (['light', 'dark'] as const).map((scheme) => new Look(theme, scheme).value(name)).join(' | '));
    return bare !== worn;
  });
  expect(differing).toEqual([]);
});

test('the sidebar takes the sunken surface of a theme, under either of its names', () => {
  const side = (theme: Record<string, string>) => new Look(new Map(Object.entries(theme)), 'light').value('--side');
  expect(side({ '--color-surface-sunken': '#123456' })).toBe('#123456');
  expect(side({ '--notebook-sidebar': '#654321' })).toBe('#654321');
  expect(side({ '--color-surface-sunken': '#123456', '--notebook-sidebar': '#654321' })).toBe('#123456');
});

test('each variable that whoever writes a theme is told of is one that the page knows', () => {
  const [, told = ''] = readFileSync(at('../../docs/plugins.md'), 'utf8').split('## A theme in ten minutes');
  const names = [...(told.split('\n## ')[0] ?? '').matchAll(/--(?:color|font|text|radius|shadow|notebook)-[\w-]*\w/g)].map(([name]) => name);
  const known = new Set([...page.values(), ...notes.values()].flatMap((value) => [...value.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name)));
  expect(names).toContain('--color-surface-sunken');
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test('paper looks the same under every theme: it sets each colour and font that its text uses', () => {
  const own = variables(read('../src/styles/sheet.css'), '.sheet');
  const used = ['prose', 'sheet'].flatMap((name) => [...read(`../src/styles/${name}.css`).matchAll(/var\((--[\w-]+)/g)].map(([, name = '']) => name));
  // A width is no look: the sheet has its own.
  expect([...new Set(used)].filter((name) => page.has(name) && !own.has(name) && name !== '--measure')).toEqual([]);
});
