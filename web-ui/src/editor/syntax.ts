/** What notes know beyond CommonMark and GFM, for the editor's parser: wikilinks, embeds, math, footnotes. */
import { tags } from '@lezer/highlight';
import type { BlockContext, InlineContext, LeafBlock, LeafBlockParser, Line, MarkdownConfig } from '@lezer/markdown';
import { BOX } from './boxes';

const BANG = 33;
const DOLLAR = 36;
const OPEN = 91;
const CARET = 94;

/** `[[Note#Heading|alias]]` and `![[image.png]]`. */
function wikilink(cx: InlineContext, next: number, pos: number): number {
  const embed = next === BANG;
  const start = embed ? pos + 1 : pos;
  if ((next !== OPEN && !embed) || cx.char(start) !== OPEN || cx.char(start + 1) !== OPEN) return -1;
  const inside = /^[^[\]\n]+(?=\]\])/.exec(cx.slice(start + 2, Math.min(cx.end, start + 1000)))?.[0];
  if (inside === undefined) return -1;
  const end = start + 2 + inside.length;
  const marks = [cx.elt('WikiMark', pos, start + 2), cx.elt('WikiMark', end, end + 2)];
  return cx.addElement(cx.elt(embed ? 'Embed' : 'Wikilink', pos, end + 2, marks));
}

/** `$…$` as Pandoc reads it (prices are not math), and `$$…$$` within a line. */
export function mathLength(text: string): { length: number; display: boolean } | null {
  const display = /^\$\$((?:[^$\\]|\\.)+)\$\$/.exec(text);
  if (display) return { length: display[0].length, display: true };
  const inline = /^\$(?=[^\s$])((?:[^$\\\n]|\\.)*?)(?<=\S)\$(?!\d)/.exec(text);
  return inline && inline[0].length > 2 ? { length: inline[0].length, display: false } : null;
}

function math(cx: InlineContext, next: number, pos: number): number {
  if (next !== DOLLAR) return -1;
  const found = mathLength(cx.slice(pos, Math.min(cx.end, pos + 4000)));
  if (!found) return -1;
  const mark = found.display ? 2 : 1;
  const end = pos + found.length;
  const marks = [cx.elt('MathMark', pos, pos + mark), cx.elt('MathMark', end - mark, end)];
  return cx.addElement(cx.elt(found.display ? 'DisplayMath' : 'InlineMath', pos, end, marks));
}

/** `[^1]` */
function footnote(cx: InlineContext, next: number, pos: number): number {
  if (next !== OPEN || cx.char(pos + 1) !== CARET) return -1;
  const label = /^\[\^[^\s[\]]+\]/.exec(cx.slice(pos, Math.min(cx.end, pos + 200)))?.[0];
  if (label === undefined) return -1;
  return cx.addElement(cx.elt('Footnote', pos, pos + label.length));
}

const opensMath = (line: Line): boolean => {
  const rest = line.text.slice(line.pos);
  return rest.startsWith('$$') && !/^\$\$.*\$\$\s*\S/.test(rest);
};

/** Lines from `$$` to `$$`, without an empty one: what is not closed ends there, and is left as it is. */
function mathBlock(cx: BlockContext, line: Line): boolean {
  if (!opensMath(line)) return false;
  const from = cx.lineStart + line.pos;
  const marks = [cx.elt('MathMark', from, from + 2)];
  const close = (text: string) => {
    const end = cx.lineStart + text.trimEnd().length;
    marks.push(cx.elt('MathMark', end - 2, end));
    cx.nextLine();
    cx.addElement(cx.elt('BlockMath', from, end, marks));
    return true;
  };
  if (/^\$\$.*\S.*\$\$\s*$/.test(line.text.slice(line.pos))) return close(line.text);
  let end = cx.lineStart + line.text.length;
  // A quote or list item that ends, ends what is in it.
  const inside = () => (line as unknown as { depth: number }).depth >= cx.depth;
  while (cx.nextLine() && inside() && line.text.trim() !== '') {
    if (line.text.trimEnd().endsWith('$$')) return close(line.text);
    end = cx.lineStart + line.text.length;
  }
  cx.addElement(cx.elt('OpenMath', from, end, marks));
  return true;
}

/** `[^1]: text`, and further paragraphs of it that are as far in as code would be. */
const FOOTNOTE_TEXT = /^\[\^[^\s[\]]+\]:[ \t]*/;
const FOOTNOTE_INDENT = 4;
const opensFootnote = (line: Line): RegExpExecArray | null => (line.indent < line.baseIndent + 4 ? FOOTNOTE_TEXT.exec(line.text.slice(line.pos)) : null);

function footnoteText(cx: BlockContext, line: Line): boolean | null {
  const found = opensFootnote(line)?.[0];
  if (found === undefined) return false;
  const from = cx.lineStart + line.pos;
  cx.startComposite('FootnoteText', line.pos);
  cx.addElement(cx.elt('FootnoteMark', from, from + found.trimEnd().length));
  line.moveBase(line.pos + found.length);
  return null;
}

function inFootnote(_: BlockContext, line: Line): boolean {
  if (line.indent < line.baseIndent + FOOTNOTE_INDENT && line.next > -1) return false;
  line.moveBaseColumn(line.baseIndent + FOOTNOTE_INDENT);
  return true;
}

/** GFM's tasks, with the boxes that two ticked, and those behind which nothing is written yet. */
class Task implements LeafBlockParser {
  constructor(readonly length: number) {}
  nextLine(): boolean {
    return false;
  }
  finish(cx: BlockContext, leaf: LeafBlock): boolean {
    const box = cx.elt('TaskMarker', leaf.start, leaf.start + this.length);
    const rest = cx.parser.parseInline(leaf.content.slice(this.length), leaf.start + this.length);
    cx.addLeafElement(leaf, cx.elt('Task', leaf.start, leaf.start + leaf.content.length, [box, ...rest]));
    return true;
  }
}
const BOX_OF_TWO = new RegExp(String.raw`^${BOX}(?=\s|$)`);
function boxOfTwo(cx: BlockContext, leaf: LeafBlock): Task | null {
  const found = cx.parentType().name === 'ListItem' ? BOX_OF_TWO.exec(leaf.content) : null;
  return found && new Task(found[0].length);
}

export const notes: MarkdownConfig = {
  defineNodes: [
    { name: 'Wikilink', style: tags.link },
    { name: 'Embed', style: tags.link },
    { name: 'WikiMark', style: tags.processingInstruction },
    { name: 'InlineMath', style: tags.monospace },
    { name: 'DisplayMath', style: tags.monospace },
    { name: 'BlockMath', block: true, style: tags.monospace },
    { name: 'OpenMath', block: true, style: tags.monospace },
    { name: 'MathMark', style: tags.processingInstruction },
    { name: 'Footnote', style: tags.link },
    { name: 'FootnoteText', block: true, composite: inFootnote },
    { name: 'FootnoteMark', style: tags.processingInstruction },
  ],
  parseInline: [
    { name: 'Wikilink', parse: wikilink, before: 'Link' },
    { name: 'Math', parse: math, before: 'Link' },
    { name: 'Footnote', parse: footnote, before: 'Link' },
  ],
  parseBlock: [
    { name: 'TaskOfTwo', leaf: boxOfTwo, before: 'TaskList' },
    { name: 'BlockMath', parse: mathBlock, before: 'FencedCode', endLeaf: (_, line) => opensMath(line) },
    { name: 'FootnoteText', parse: footnoteText, before: 'LinkReference', endLeaf: (_, line) => opensFootnote(line) !== null },
  ],
};
