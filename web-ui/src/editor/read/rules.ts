/** What notes know beyond CommonMark and GFM, for the reading side: the same as `../syntax` knows for the editor. */
import type { Env as AnyEnv, MarkdownIt, StateBlock as Block, StateCore as Core, StateInline as Inline, Token } from 'markdown-it';
import { t } from '../../i18n/en';
import { BOX, isDone } from '../boxes';
import { calloutOf } from '../callouts';
import { anchorsOf, parseWiki, wikiLabel } from '../paths';
import { mathLength } from '../syntax';

/** `env.firstLine`: how many lines of the file come before what is rendered. */
export interface Env extends AnyEnv {
  firstLine: number;
}

export function notes(md: MarkdownIt): void {
  md.inline.ruler.before('link', 'wikilink', wikilink);
  md.inline.ruler.before('escape', 'math', math);
  md.block.ruler.before('fence', 'math_block', mathBlock, { alt: ['paragraph', 'reference', 'blockquote', 'list'] });
  md.core.ruler.before('inline', 'callouts', callouts);
  md.core.ruler.push('tasks', tasks);
  md.core.ruler.push('headings', headings);
  const { rules } = md.renderer;
  const escape = md.utils.escapeHtml;
  rules['wikilink'] = (tokens, at) => {
    const { content = '', meta } = tokens[at] ?? {};
    const shown = escape(wikiLabel(parseWiki(content)));
    return meta?.['embed'] === true
      ? `<span class="embed" data-embed="${escape(content)}">${shown}</span>`
      : `<a class="wikilink" data-wiki="${escape(content)}">${shown}</a>`;
  };
  rules['math'] = (tokens, at) => {
    const { content = '', markup = '' } = tokens[at] ?? {};
    return `<span class="math${markup === '$$' ? ' math-block' : ''}">${escape(content)}</span>`;
  };
  rules['math_block'] = (tokens, at) => `<div class="math math-block"${linesOf(tokens[at])}>${escape(tokens[at]?.content ?? '')}</div>\n`;
  const fence = rules.fence;
  rules.fence = (tokens, at, options, env, self) => {
    const token = tokens[at];
    if (token && /^mermaid\b/i.test(token.info.trim())) return `<pre class="diagram"${linesOf(token)}><code>${escape(token.content)}</code></pre>\n`;
    return fence ? fence(tokens, at, options, env, self) : '';
  };
  for (const cell of ['td_open', 'th_open']) {
    rules[cell] = (tokens, at, options, _, self) => {
      const token = tokens[at];
      const align = /text-align:(center|right)/.exec(String(token?.attrGet('style') ?? ''))?.[1];
      if (token) token.attrs = align === undefined ? null : [['class', `align-${align}`]];
      return self.renderToken(tokens, at, options);
    };
  }
  footnotes(md);
}

const linesOf = (token: Token | undefined): string => {
  const of = token?.attrGet('data-lines');
  return of ? ` data-lines="${of}"` : '';
};

/** Places in the text are found by attributes of ours: an `id` could take the place of something of the page's. */
function footnotes(md: MarkdownIt): void {
  const { rules } = md.renderer;
  const number = (token: Token | undefined) => Number(token?.meta?.['id'] ?? 0) + 1;
  rules['footnote_ref'] = (tokens, at) => {
    const n = number(tokens[at]);
    return `<sup class="footnote-ref"><a href="#" data-note="${n}" aria-label="${t.editor.footnote(n)}">${n}</a></sup>`;
  };
  rules['footnote_block_open'] = () => `<section class="footnotes" aria-label="${t.editor.footnotes}"><ol>\n`;
  rules['footnote_block_close'] = () => '</ol></section>\n';
  rules['footnote_open'] = (tokens, at) => `<li class="footnote-item" data-note-text="${number(tokens[at])}">`;
  rules['footnote_close'] = () => '</li>\n';
  rules['footnote_anchor'] = (tokens, at) =>
    ` <a class="footnote-back" href="#" data-note-back="${number(tokens[at])}" aria-label="${t.editor.footnoteBack}">↩</a>`;
}

function wikilink(state: Inline, silent: boolean): boolean {
  const { src, pos } = state;
  const embed = src.startsWith('![[', pos);
  if (!embed && !src.startsWith('[[', pos)) return false;
  const start = pos + (embed ? 3 : 2);
  const inside = /^[^[\]\n]+(?=\]\])/.exec(src.slice(start, start + 1000))?.[0];
  if (inside === undefined) return false;
  if (!silent) {
    const token = state.push('wikilink', '', 0);
    token.content = inside;
    token.meta = { embed };
  }
  state.pos = start + inside.length + 2;
  return true;
}

function math(state: Inline, silent: boolean): boolean {
  if (state.src[state.pos] !== '$') return false;
  const found = mathLength(state.src.slice(state.pos, state.pos + 4000));
  if (!found) return false;
  const mark = found.display ? 2 : 1;
  if (!silent) {
    const token = state.push('math', '', 0);
    token.markup = '$'.repeat(mark);
    token.content = state.src.slice(state.pos + mark, state.pos + found.length - mark);
  }
  state.pos += found.length;
  return true;
}

const lineOf = (state: Block, line: number): string =>
  state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line] ?? 0);

function mathBlock(state: Block, first: number, end: number, silent: boolean): boolean {
  const start = lineOf(state, first);
  if (!start.startsWith('$$') || /^\$\$.*\$\$\s*\S/.test(start)) return false;
  let last = first;
  if (!/^\$\$.*\S.*\$\$\s*$/.test(start)) {
    do last += 1;
    while (last < end && lineOf(state, last).trim() !== '' && !lineOf(state, last).trimEnd().endsWith('$$'));
    if (last >= end || lineOf(state, last).trim() === '') return false;
  }
  if (silent) return true;
  const lines = Array.from({ length: last - first + 1 }, (_, at) => lineOf(state, first + at));
  const token = state.push('math_block', '', 0);
  token.content = lines.join('\n').trim().slice(2, -2).trim();
  token.map = [first, last + 1];
  state.line = last + 1;
  return true;
}

function callouts(state: Core): void {
  const { tokens } = state;
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const open = tokens[at];
    const inline = tokens[at + 2];
    if (open?.type !== 'blockquote_open' || tokens[at + 1]?.type !== 'paragraph_open' || !inline) continue;
    const [firstLine = '', ...rest] = inline.content.split('\n');
    const callout = calloutOf(firstLine);
    const end = tokens.findIndex((each, index) => index > at && each.type === 'blockquote_close' && each.level === open.level);
    const close = tokens[end];
    if (!callout || !close) continue;
    const [outer, title] = callout.fold === '' ? ['div', 'div'] : ['details', 'summary'];
    open.tag = close.tag = outer;
    open.attrSet('class', `callout callout-${callout.sort}`);
    if (callout.fold === '+') open.attrSet('open', '');
    const heading = ['callout_title_open', 'inline', 'callout_title_close'].map((type, n) => {
      const token = new state.Token(type, n === 1 ? '' : title, ([1, 0, -1] as const)[n] ?? 0);
      token.block = true;
      return token;
    });
    heading[0]?.attrSet('class', 'callout-title');
    if (heading[1]) Object.assign(heading[1], { content: callout.title, children: [] });
    if (rest.length === 0) tokens.splice(at + 1, 3, ...heading);
    else {
      inline.content = rest.join('\n');
      tokens.splice(at + 1, 0, ...heading);
    }
  }
}

const BOX_FIRST = new RegExp(String.raw`^${BOX}(?:\s+|$)`);

/** `- [ ]` and `- [x]` as boxes that know their line. */
function tasks(state: Core): void {
  const { firstLine = 0 } = state.env as Partial<Env>;
  state.tokens.forEach((token, at) => {
    const match = BOX_FIRST.exec(token.content);
    const item = state.tokens[at - 2];
    if (token.type !== 'inline' || item?.type !== 'list_item_open' || !match) return;
    const first = token.children?.[0];
    if (!first || first.type !== 'text') return;
    first.content = first.content.slice(match[0].length);
    const box = new state.Token('html_inline', '', 0);
    const done = isDone(match[0]);
    const line = firstLine + (token.map?.[0] ?? 0);
    box.content = `<input type="checkbox" class="task" disabled data-line="${line}" aria-label="${done ? t.editor.done : t.editor.toDo}"${done ? ' checked' : ''}> `;
    token.children?.unshift(box);
    item.attrJoin('class', done ? 'task done' : 'task');
  });
}

function headings(state: Core): void {
  const found = state.tokens.flatMap((token, at) => {
    const text = state.tokens[at + 1]?.content;
    return token.type === 'heading_open' && text !== undefined ? [{ token, text }] : [];
  });
  const anchors = anchorsOf(found.map(({ text }) => text));
  found.forEach(({ token }, at) => token.attrSet('data-heading', anchors[at] ?? ''));
}

/** Each block says which lines of the file it stands for: the first one, and the one behind it. */
export function blockLines(md: MarkdownIt): void {
  md.core.ruler.push('lines', (state: Core) => {
    const { firstLine = 0 } = state.env as Partial<Env>;
    for (const token of state.tokens) {
      if (!token.map || token.nesting < 0 || /^(inline|html_block)$/.test(token.type)) continue;
      token.attrSet('data-lines', `${firstLine + token.map[0]} ${firstLine + token.map[1]}`);
    }
  });
}
