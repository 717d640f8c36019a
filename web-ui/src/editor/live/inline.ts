/**
 * The text as it reads: marks are hidden and what they mean is shown, except where the cursor is. The text itself is
 * never changed by that. Only what is on the screen is looked at.
 */
import { syntaxTree } from '@codemirror/language';
import { type EditorState, type Range } from '@codemirror/state';
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';
import type { SyntaxNodeRef } from '@lezer/common';
import { isDone } from '../boxes';
import { calloutOf } from '../callouts';
import { languageName } from '../languages';
import { parseWiki } from '../paths';
import { headEnd, isFocused, linksRead, ports, touched } from './context';
import { Bullet, Embed, Formula, Image, Label, Rule, TaskBox } from './widgets';

const hidden = Decoration.replace({});
const bullet = Decoration.replace({ widget: new Bullet() });
const within = Decoration.replace({ widget: new Label(' › ', 'cm-wiki-within') });
const rule = Decoration.replace({ widget: new Rule() });
const mark = (name: string) => Decoration.mark({ class: name });
const link = mark('cm-live-link');
const missing = mark('cm-live-link cm-missing');
const footnote = mark('cm-footnote');
const doneLine = Decoration.line({ class: 'cm-done-line' });

/** Collects what is to be drawn. */
class Drawing {
  readonly ranges: Range<Decoration>[] = [];
  readonly #seen = new Set<string>();

  constructor(
    readonly view: EditorView,
    readonly state: EditorState,
  ) {}

  /** What one visible range ends in, the next may begin in. */
  again({ name, from }: SyntaxNodeRef): boolean {
    const key = `${name} ${from}`;
    return this.#seen.has(key) || !this.#seen.add(key);
  }

  text(from: number, to: number): string {
    return this.state.doc.sliceString(from, to);
  }

  touched(from: number, to: number): boolean {
    return touched(this.state, from, to);
  }

  lineTouched(pos: number): boolean {
    const line = this.state.doc.lineAt(pos);
    return this.touched(line.from, line.to);
  }

  add(from: number, to: number, what: Decoration): void {
    if (from < to) this.ranges.push(what.range(from, to));
  }

  /** A part of one line; what goes over a line's end is left as it is written. */
  replace(from: number, to: number, what: Decoration = hidden): void {
    if (from < to && this.state.doc.lineAt(from).to >= to) this.ranges.push(what.range(from, to));
  }

  line(pos: number, what: Decoration): void {
    this.ranges.push(what.range(this.state.doc.lineAt(pos).from));
  }

  /** Where the spaces after a place end. */
  pastSpace(pos: number): number {
    return pos + (/^[ \t]*/.exec(this.text(pos, Math.min(pos + 8, this.state.doc.lineAt(pos).to)))?.[0].length ?? 0);
  }
}

type Draw = (on: Drawing, node: SyntaxNodeRef) => boolean | void;

/** Hidden unless the cursor is in what the marks belong to. */
const inlineMark: Draw = (on, node) => {
  const parent = node.node.parent;
  if (parent && parent.name !== 'FencedCode' && !on.touched(parent.from, parent.to)) on.replace(node.from, node.to);
};

const drawers: Record<string, Draw> = {
  HeaderMark(on, node) {
    const parent = node.node.parent;
    if (!parent?.name.startsWith('ATX') || on.lineTouched(node.from)) return;
    if (node.from === parent.from) on.replace(node.from, on.pastSpace(node.to));
    else on.replace(node.from - (/[ \t]*$/.exec(on.text(parent.from, node.from))?.[0].length ?? 0), node.to);
  },
  EmphasisMark: inlineMark,
  StrikethroughMark: inlineMark,
  CodeMark: inlineMark,
  Escape(on, node) {
    if (!on.touched(node.from, node.to)) on.replace(node.from, node.from + 1);
  },
  Link(on, node) {
    const url = node.node.getChild('URL');
    const [open, close] = node.node.getChildren('LinkMark');
    if (!url || !open || !close) return;
    on.add(node.from, node.to, link);
    if (on.touched(node.from, node.to)) return;
    on.replace(open.from, open.to);
    on.replace(close.from, node.to);
  },
  Autolink(on, node) {
    if (on.touched(node.from, node.to)) return;
    for (const each of node.node.getChildren('LinkMark')) on.replace(each.from, each.to);
  },
  Image(on, node) {
    const url = node.node.getChild('URL');
    const [, close] = node.node.getChildren('LinkMark');
    if (!url || !close || on.touched(node.from, node.to)) return;
    const source = on.text(url.from, url.to).replace(/^<|>$/g, '');
    on.replace(node.from, node.to, Decoration.replace({ widget: new Image(source, on.text(node.from + 2, close.from)) }));
    return false;
  },
  Wikilink(on, node) {
    const inside = on.text(node.from + 2, node.to - 2);
    const { target, alias, heading } = parseWiki(inside);
    const found = target === '' ? undefined : on.state.facet(ports)?.place.find(target);
    on.add(node.from, node.to, found === null ? missing : link);
    if (on.touched(node.from, node.to)) return;
    const start = alias === null ? 0 : inside.indexOf('|') + 1;
    // As the reading side has it: a heading behind its note's name, or alone.
    const hash = alias === null && heading !== null ? inside.indexOf('#') : -1;
    if (hash >= 0 && target !== '') on.replace(node.from + 2 + hash, node.from + 3 + hash, within);
    on.replace(node.from, node.from + (hash >= 0 && target === '' ? 3 + hash : 2 + start));
    on.replace(node.to - 2, node.to);
  },
  URL(on, node) {
    if (node.node.parent?.name !== 'Link' && node.node.parent?.name !== 'Image' && node.node.parent?.name !== 'LinkReference') on.add(node.from, node.to, link);
  },
  Embed(on, node) {
    if (on.touched(node.from, node.to)) return;
    const inside = on.text(node.from + 3, node.to - 2);
    const found = on.state.facet(ports)?.place.find(parseWiki(inside).target);
    const known = found ? `${found.entry} ${found.path}` : String(found);
    on.replace(node.from, node.to, Decoration.replace({ widget: new Embed(inside, known) }));
  },
  InlineMath(on, node) {
    if (!on.touched(node.from, node.to)) on.replace(node.from, node.to, formula(on.text(node.from + 1, node.to - 1), false));
  },
  DisplayMath(on, node) {
    if (!on.touched(node.from, node.to)) on.replace(node.from, node.to, formula(on.text(node.from + 2, node.to - 2), true));
  },
  Footnote(on, node) {
    on.add(node.from, node.to, footnote);
    if (on.touched(node.from, node.to)) return;
    on.replace(node.from, node.from + 2);
    on.replace(node.to - 1, node.to);
  },
  ListMark(on, node) {
    const item = node.node.parent;
    const task = item?.getChild('Task')?.getChild('TaskMarker');
    if (task) {
      const done = isDone(on.text(task.from, task.to));
      if (done) on.line(node.from, doneLine);
      // One character of the text may hold a cursor behind the box; within it, it is text.
      if (!on.touched(node.from, task.to)) on.replace(node.from, task.to, Decoration.replace({ widget: new TaskBox(done) }));
    } else if (item?.parent?.name === 'BulletList' && !on.touched(node.from, node.to)) on.replace(node.from, node.to, bullet);
  },
  HorizontalRule(on, node) {
    if (!on.lineTouched(node.from)) on.replace(node.from, node.to, rule);
  },
  QuoteMark(on, node) {
    if (!on.lineTouched(node.from)) on.replace(node.from, Math.min(node.to + 1, on.pastSpace(node.to)));
  },
  /** A table that is being written keeps its columns. */
  Table: (on, node) => !on.touched(node.from, node.to),
  Blockquote: drawCallout,
  FencedCode: drawFence,
};

const formula = (tex: string, display: boolean) => Decoration.replace({ widget: new Formula(tex.trim(), display) });

function drawCallout(on: Drawing, node: SyntaxNodeRef): void {
  const { doc } = on.state;
  const first = doc.lineAt(node.from);
  const quoted = /^\s*>[ \t]?/.exec(first.text.slice(node.from - first.from));
  const after = node.from + (quoted?.[0].length ?? 0);
  const callout = calloutOf(on.text(after, first.to));
  if (!quoted || !callout) return;
  const line = Decoration.line({ class: `cm-callout cm-callout-${callout.sort}` });
  const { from, to } = on.view.viewport;
  for (let at = doc.lineAt(Math.max(node.from, from)).from; at <= Math.min(node.to, to); at = doc.lineAt(at).to + 1) {
    on.line(at, line);
    if (doc.lineAt(at).to >= doc.length) break;
  }
  on.line(first.from, Decoration.line({ class: 'cm-callout-title' }));
  if (on.lineTouched(first.from)) return;
  const title = after + callout.titleAt;
  // A title that is written stands there; for another, the sort's name does.
  if (on.text(title, first.to).trim() !== '') on.replace(after, title);
  else on.replace(after, first.to, Decoration.replace({ widget: new Label(callout.title, 'cm-callout-name') }));
}

function drawFence(on: Drawing, node: SyntaxNodeRef): void {
  if (on.touched(node.from, node.to)) return;
  const marks = node.node.getChildren('CodeMark');
  const info = node.node.getChild('CodeInfo');
  const [open, close] = [marks[0], marks[1]];
  const { doc } = on.state;
  if (!open || !close) return;
  const name = info ? languageName(on.text(info.from, info.to)) : '';
  on.replace(open.from, doc.lineAt(open.from).to, Decoration.replace({ widget: new Label(name, 'cm-code-name') }));
  on.replace(close.from, close.to);
  on.line(open.from, Decoration.line({ class: 'cm-fence' }));
  on.line(close.from, Decoration.line({ class: 'cm-fence cm-fence-end' }));
}

function draw(view: EditorView): DecorationSet {
  const on = new Drawing(view, view.state);
  const head = headEnd(view.state);
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter(node) {
        const drawer = drawers[node.name];
        if (!drawer || node.from < head || on.again(node)) return;
        return drawer(on, node);
      },
    });
  }
  return Decoration.set(on.ranges, true);
}

export const livePreview = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = draw(view);
    }
    update(update: ViewUpdate) {
      const { state, startState } = update;
      const parsed = syntaxTree(startState) !== syntaxTree(state);
      const told = update.transactions.some((tr) => tr.effects.some((effect) => effect.is(linksRead)));
      if (update.docChanged || update.viewportChanged || update.selectionSet || parsed || told || isFocused(state) !== isFocused(startState)) {
        this.decorations = draw(update.view);
      }
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
