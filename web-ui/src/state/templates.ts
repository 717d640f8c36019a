/** Templates as the daemon fills them (`daemon/src/http/templates/fill.rs`): to show beforehand what will become of one. Pure. */
import type { Template } from '../api/planning';
import { slug } from '../editor/paths';
import { joinPath } from './tree-model';

/** Where a notebook's own templates are. */
export const FOLDER = '.templates';
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** A text with the values of its tokens; what is no token stays. */
export function filled(text: string, day: string, title: string): string {
  const month = MONTHS[Number(day.slice(5, 7)) - 1] ?? '';
  const values: Record<string, string> = { yyyy: day.slice(0, 4), yy: day.slice(2, 4), mm: day.slice(5, 7), dd: day.slice(8, 10), month, mon: month.slice(0, 3), title };
  const also: Record<string, string> = { YYYY: 'yyyy', YY: 'yy', MM: 'mm', DD: 'dd', Month: 'month', Mon: 'mon' };
  return text.replace(/\{(\w+)\}/g, (whole, token: string) => values[also[token] ?? token] ?? whole);
}

/** A title in a name makes no folders and no hidden file. */
export function nameOf(pattern: string, day: string, title: string): string {
  const safe = title.replace(/[\u0000-\u001f\u007f/\\:*?"<>|]/g, '-').trim().replace(/^\.+/, '').replace(/[. ]+$/, '');
  return filled(pattern, day, [...safe].slice(0, 100).join(''));
}

/** Where an entry made of a template will be, unless something is there. */
export const pathOf = (template: Template, folder: string, day: string, title: string): string =>
  joinPath(folder, nameOf(template.default_name ?? '{title}.md', day, title.trim() === '' ? template.name : title.trim()));

/** Whether the name of what is made is its title. */
export const needsTitle = (template: Template): boolean => (template.default_name ?? '{title}').includes('{title}');

/** Notes before views, which are made where they are made; else as the daemon has them. */
export const inOrder = (all: readonly Template[]): Template[] => {
  const isView = ({ default_name: name, file_extension: end }: Template) => /\.?cdx$/i.test(name ?? end ?? '');
  return [...all.filter((one) => !isView(one)), ...all.filter(isView)];
};

export interface Saved {
  name: string;
  description: string;
  icon: string;
}

/** An entry's text as a template: its title and its day become tokens, if they are to. */
export function asTemplate(text: string, path: string, said: Saved, tokens: { title: string; day: string } | null): { path: string; content: string } {
  const end = /\.[a-z0-9]{1,8}$/i.exec(path)?.[0] ?? '.md';
  let body = text.replace(/^\ufeff/, '');
  if (tokens) {
    if (tokens.day !== '') body = body.replaceAll(tokens.day, '{yyyy}-{mm}-{dd}');
    if (tokens.title.trim().length > 1) body = body.replaceAll(tokens.title, '{title}');
  }
  const head = [
    'type: template',
    `name: ${JSON.stringify(said.name)}`,
    ...(said.description === '' ? [] : [`description: ${JSON.stringify(said.description)}`]),
    ...(said.icon === '' ? [] : [`icon: ${JSON.stringify(said.icon)}`]),
    `file_extension: ${JSON.stringify(end)}`,
    `default_name: ${JSON.stringify(`{title}${end}`)}`,
  ];
  return { path: joinPath(FOLDER, `${slug(said.name) || 'template'}.md`), content: `---\n${head.join('\n')}\n---\n\n${body}` };
}

/** Reads the day out of the paths that a pattern makes of days; `null` when the pattern does not tell whole days. */
export function dayReader(pattern: string): ((path: string) => string | null) | null {
  const parts: Record<string, string> = {
    yyyy: '(?<y>\\d{4})', yy: '(?<s>\\d{2})', mm: '(?<m>\\d{2})', dd: '(?<d>\\d{2})', month: `(?<n>${MONTHS.join('|')})`,
    mon: `(?<b>${MONTHS.map((name) => name.slice(0, 3)).join('|')})`, title: '(?<t>\\d{4}-\\d{2}-\\d{2})',
  };
  const known = new Set<string>();
  const source = pattern.split(/(\{\w+\})/).map((piece) => {
    const token = /^\{(\w+)\}$/.exec(piece)?.[1]?.toLowerCase() ?? '';
    const part = parts[token];
    if (part === undefined) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    // Said twice, it is the same.
    if (known.has(token)) return `\\k<${/<(\w)>/.exec(part)?.[1]}>`;
    known.add(token);
    return part;
  });
  const whole = known.has('title') || ((known.has('yyyy') || known.has('yy')) && known.has('dd') && ['mm', 'month', 'mon'].some((token) => known.has(token)));
  if (!whole) return null;
  const reads = new RegExp(`^${source.join('')}$`);
  return (path) => {
    const said = reads.exec(path)?.groups;
    if (!said) return null;
    if (said['t']) return said['t'];
    const named = MONTHS.findIndex((name) => name === said['n'] || name.slice(0, 3) === said['b']) + 1;
    return `${said['y'] ?? `20${said['s']}`}-${said['m'] ?? String(named).padStart(2, '0')}-${said['d']}`;
  };
}

/** The same as a glob, for the daemon to look for. */
export const dayGlob = (pattern: string): string => pattern.split(/\{\w+\}/).map((piece) => piece.replace(/[[\]{}*?\\!]/g, '?')).join('*');
