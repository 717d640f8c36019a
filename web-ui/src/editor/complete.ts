/** What is offered while typing: names and headings after `[[`, commands after `/` at the beginning of a line. */
import { type Completion, type CompletionContext, type CompletionResult, autocompletion, pickedCompletion } from '@codemirror/autocomplete';
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { t } from '../i18n/en';
import { BOX, MARK } from './boxes';
import { type Name, ports } from './live/context';
import { type Heading, headingsOf, slug } from './paths';
import { pickFiles, plainLink } from './uploads';

const base = (path: string): string => path.split('/').at(-1) ?? path;
const bare = (path: string): string => path.replace(/\.(md|markdown)$/i, '');

/** What stands in the brackets for each file: its name, or its path where a name is two files'. */
export function writtenNames(names: readonly Name[]): { written: string; path: string; title: string }[] {
  const count = new Map<string, number>();
  const key = (path: string) => bare(base(path)).toLowerCase();
  for (const { path } of names) count.set(key(path), (count.get(key(path)) ?? 0) + 1);
  return names.map(({ path, title }) => ({ written: bare((count.get(key(path)) ?? 0) > 1 ? path : base(path)), path, title }));
}

const inCode = (state: EditorState, pos: number): boolean => {
  for (let node = syntaxTree(state).resolveInner(pos, -1); node.parent; node = node.parent) {
    if (/^(FencedCode|CodeBlock|InlineCode|BlockMath|InlineMath)$/.test(node.name)) return true;
  }
  return false;
};

/** Names that brackets cannot hold: a part of them would say something else there. */
export const isWritable = (written: string): boolean => !/[[\]#|\n]/.test(written) && written.trim() === written;

/** Puts `text` in the place of what was typed, `open` characters before it, and the brackets behind it. */
const putting = (text: string, open: number) => (view: EditorView, completion: Completion, from: number, to: number) => {
  const closed = view.state.doc.sliceString(to, to + 2) === ']]';
  view.dispatch({
    changes: { from: from - open, to: closed ? to + 2 : to, insert: text },
    selection: { anchor: from - open + text.length },
    annotations: pickedCompletion.of(completion),
    userEvent: 'input.complete',
  });
};

const closing = (written: string) => putting(`${written}]]`, 0);

/** What stands behind `#` for a heading: as it reads, unless a link cannot hold that or another heading reads so too. */
export function writtenHeading({ text, anchor }: Heading): string {
  const own = text.replace(/[[\]|#]+/g, ' ').replace(/\s+/g, ' ').trim();
  const number = anchor.slice(slug(text).length);
  return number === '' ? own : `${own}${number}|${own}`;
}

/** The heading that one is below, where two read the same. */
function above(all: readonly Heading[], at: number): string {
  const one = all[at];
  if (!one || all.filter((each) => slug(each.text) === slug(one.text)).length < 2) return '';
  const parent = all.slice(0, at).findLast((each) => each.level < one.level);
  return parent ? ` ${parent.text}` : '';
}

async function links(context: CompletionContext): Promise<CompletionResult | null> {
  const typed = context.matchBefore(/\[\[[^[\]\n|]*$/);
  const given = context.state.facet(ports);
  if (!typed || !given || inCode(context.state, context.pos)) return null;
  const inside = typed.text.slice(2);
  const hash = inside.indexOf('#');
  if (hash >= 0) {
    const target = inside.slice(0, hash).trim();
    const text = target === '' ? context.state.doc.toString() : await given.textOf(target);
    if (text === null) return null;
    const options = headingsOf(text).map((heading, at, all) => ({
      label: heading.text, detail: `${'#'.repeat(heading.level)}${above(all, at)}`, type: 'heading', apply: closing(writtenHeading(heading)),
    }));
    return { from: typed.from + 2 + hash + 1, options, validFor: /^[^[\]|\n]*$/ };
  }
  const stop = new AbortController();
  context.addEventListener('abort', () => stop.abort());
  const { names, all } = await given.names(inside, stop.signal);
  const options = writtenNames(names).map(({ written, path, title }): Completion => {
    const detail = title !== written && title !== base(path) ? title : path.split('/').slice(0, -1).join('/');
    return { label: written, detail, type: 'name', apply: isWritable(written) ? closing(written) : putting(plainLink(given.place.path, path, bare(base(path))), 2) };
  });
  return { from: typed.from + 2, options, filter: all, ...(all ? { validFor: /^[^[\]|#\n]*$/ } : {}) };
}

const two = (n: number): string => String(n).padStart(2, '0');
const today = (now = new Date()): string => `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
const time = (now = new Date()): string => `${two(now.getHours())}:${two(now.getMinutes())}`;

/** `|` is where the cursor goes. */
const commands: Record<Exclude<keyof typeof t.editor.commands, 'footnote'>, string | (() => string) | ((view: EditorView) => void)> = {
  heading1: '# |',
  heading2: '## |',
  heading3: '### |',
  list: '- |',
  numbers: '1. |',
  task: '- [ ] |',
  quote: '> |',
  callout: '> [!note] |\n> ',
  table: '| ¦ |  |\n| --- | --- |\n|  |  |\n',
  code: '```|\n\n```\n',
  math: '$$\n|\n$$\n',
  diagram: '```mermaid\nflowchart LR\n  A --> B|\n```\n',
  rule: '---\n|',
  link: '[[|',
  date: () => `${today()}|`,
  time: () => `${time()}|`,
  image: (view: EditorView) => pickFiles(view, 'image/*'),
  file: (view: EditorView) => pickFiles(view, ''),
};

/** A command's text without the sign for the cursor, and where that was. */
export function template(text: string): { insert: string; cursor: number } {
  const sign = text.includes('¦') ? '¦' : '|';
  const cursor = text.indexOf(sign);
  return { insert: text.slice(0, cursor) + text.slice(cursor + 1), cursor };
}

/** A footnote's sign in the place of what was typed, and where its text is begun: at the end, with the other ones. */
export function footnoteIn(text: string, to: number): { sign: string; end: number; insert: string } {
  const taken = new Set([...text.matchAll(/\[\^([^\s[\]]+)\]/g)].map(([, label]) => label));
  let n = 1;
  while (taken.has(String(n))) n += 1;
  const sign = `[^${n}]`;
  const end = Math.max(to, text.trimEnd().length);
  const last = text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
  return { sign, end, insert: `${/^\[\^[^\s[\]]+\]:/.test(last) && end > to ? '\n' : '\n\n'}${sign}: ` };
}

function addFootnote(view: EditorView, completion: Completion, from: number, to: number): void {
  const { sign, end, insert } = footnoteIn(view.state.doc.toString(), to);
  view.dispatch({
    changes: [{ from, to, insert: sign }, { from: end, insert }],
    selection: { anchor: end - (to - from) + sign.length + insert.length },
    annotations: pickedCompletion.of(completion),
    scrollIntoView: true,
    userEvent: 'input.complete',
  });
}

/** What stands before each further line of what is put behind `before`: a quote's marks, and room for a list's. */
export function continued(before: string): string {
  const mark = LISTED.exec(before);
  return mark?.[1] === undefined ? before : before.slice(0, mark.index) + ' '.repeat(mark[1].length);
}
const LISTED = new RegExp(String.raw`(${MARK})(?:${BOX}[ \t]+)?$`);

function run(name: keyof typeof t.editor.commands, view: EditorView, completion: Completion, from: number, to: number): void {
  if (name === 'footnote') return addFootnote(view, completion, from, to);
  const what = commands[name];
  const line = view.state.doc.lineAt(from);
  const said = typeof what === 'function' ? (what as (view: EditorView) => string | void)(view) : what;
  const { insert, cursor } = typeof said === 'string' ? template(said.replaceAll('\n', `\n${continued(line.text.slice(0, from - line.from))}`)) : { insert: '', cursor: 0 };
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + cursor },
    annotations: pickedCompletion.of(completion),
    scrollIntoView: true,
    userEvent: 'input.complete',
  });
}

const LINE_BEGINS = new RegExp(String.raw`^[\s>]*(?:${MARK}(?:${BOX}[ \t]+)?)?$`);

function slash(context: CompletionContext): CompletionResult | null {
  const typed = context.matchBefore(/\/[\p{L}\p{N}]*$/u);
  if (!typed || inCode(context.state, context.pos)) return null;
  const line = context.state.doc.lineAt(typed.from);
  // At the beginning of what the line says: behind a list's mark too.
  if (!LINE_BEGINS.test(line.text.slice(0, typed.from - line.from))) return null;
  const options = Object.entries(t.editor.commands).map(([name, [label, detail]], at): Completion => ({
    label: `/${label}`,
    displayLabel: label,
    detail,
    type: 'command',
    boost: -at,
    apply: (view, completion, from, to) => run(name as keyof typeof t.editor.commands, view, completion, from, to),
  }));
  return { from: typed.from, options, validFor: /^\/[\p{L}\p{N}]*$/u };
}

/** One source for both: while one of several is asked, what another one shows cannot be chosen. */
const offers = (context: CompletionContext): CompletionResult | null | Promise<CompletionResult | null> => slash(context) ?? links(context);

/** They are asked for by signs that say little else: whoever types fast may choose at once. */
export const completions = autocompletion({ override: [offers], icons: false, interactionDelay: 0 });
