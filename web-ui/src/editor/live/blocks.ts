/**
 * What stands for several lines: tables, formulas, diagrams. They are looked for around what is on the screen; those
 * that were found stay, so that what is above keeps its height. The block that the cursor is in shows as it is written.
 */
import { syntaxTree } from '@codemirror/language';
import { type EditorState, Prec, type Range, StateEffect, StateField, type Transaction } from '@codemirror/state';
import { type Command, Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, WidgetType, keymap } from '@codemirror/view';
import type { SyntaxNodeRef } from '@lezer/common';
import { languageName } from '../languages';
import { alignsOf, cellsOf, isRuler } from '../tables';
import { type BlockShow, blocksIn } from '../plugin-blocks';
import { headEnd, isFocused, linksRead, ports, setFocus, touched } from './context';

/** So much is looked at before and after what is on the screen, in characters. */
const AROUND = 3000;
const FIRST = 8000;

const lookAt = StateEffect.define<{ from: number; to: number }>();

interface Blocks {
  from: number;
  to: number;
  set: DecorationSet;
}

/** A click puts the cursor into the block, which then shows as it is written. */
abstract class Block extends WidgetType {
  constructor(readonly source: string) {
    super();
  }
  override eq(other: Block): boolean {
    return other.source === this.source;
  }
  protected abstract fill(element: HTMLElement, view: EditorView): void;
  /** Where the cursor goes, from the block's start. */
  protected placeOf(_target: Element): number {
    return this.source.indexOf('\n') + 1;
  }
  override toDOM(view: EditorView): HTMLElement {
    const element = document.createElement('div');
    element.className = 'cm-block';
    this.fill(element, view);
    element.addEventListener('mousedown', (event) => {
      const target = event.target instanceof Element ? event.target : element;
      if (event.button !== 0 || event.ctrlKey || event.metaKey || target.closest('button, input')) return;
      event.preventDefault();
      const anchor = view.posAtDOM(element) + this.placeOf(target);
      view.focus();
      // With it the block shows as it is written at once: in a widget the browser would put the cursor before it.
      view.dispatch({ selection: { anchor }, effects: setFocus.of(true) });
    });
    return element;
  }
}

class Formula extends Block {
  protected override fill(element: HTMLElement, view: EditorView): void {
    element.classList.add('cm-block-math', 'math', 'math-block');
    const tex = this.source.trim().slice(2, -2).trim();
    element.textContent = tex;
    import('../read/math').then(({ showMath }) => showMath(element, tex, true, () => view.requestMeasure()), () => {});
  }
}

class Diagram extends Block {
  protected override fill(element: HTMLElement, view: EditorView): void {
    element.classList.add('diagram');
    const source = this.source.split('\n').slice(1, -1).join('\n');
    const code = document.createElement('code');
    code.textContent = source;
    element.append(code);
    import('../read/diagram').then(({ showDiagram }) => showDiagram(element, source, () => view.requestMeasure()), () => {});
  }
}

class Table extends Block {
  constructor(
    source: string,
    readonly known: string,
  ) {
    super(source);
  }
  override eq(other: Table): boolean {
    return other.source === this.source && other.known === this.known;
  }
  override get estimatedHeight(): number {
    return this.source.split('\n').length * 36;
  }
  protected override fill(element: HTMLElement, view: EditorView): void {
    element.classList.add('cm-block-table', 'prose-part');
    const table = element.appendChild(document.createElement('table'));
    const lines = this.source.split('\n');
    const aligns = alignsOf(lines[1] ?? '');
    const cells: [HTMLElement, string][] = [];
    let from = 0;
    lines.forEach((line, row) => {
      if (row !== 1) {
        const tr = table.appendChild(document.createElement('tr'));
        cellsOf(line).slice(0, aligns.length).forEach((span, column) => {
          const cell = tr.appendChild(document.createElement(row === 0 ? 'th' : 'td'));
          const align = aligns[column];
          if (align) cell.className = `align-${align}`;
          cell.dataset['at'] = String(from + span.to);
          const text = line.slice(span.from, span.to).replaceAll('\\|', '|');
          cell.textContent = text;
          if (/[*_`~[\]$<&\\!:]/.test(text)) cells.push([cell, text]);
        });
      }
      from += line.length + 1;
    });
    const place = view.state.facet(ports)?.place;
    if (!place || cells.length === 0) return;
    // Without it the cells stay as they are written.
    import('../read/reader').then(({ enrich, renderInline }) => {
      for (const [cell, text] of cells) cell.replaceChildren(renderInline(text, place));
      enrich(element, { place, inside: [view.state.facet(ports)?.entry ?? ''], done: () => view.requestMeasure() });
      view.requestMeasure();
    }, () => {});
  }
  protected override placeOf(target: Element): number {
    return Number(target.closest<HTMLElement>('[data-at]')?.dataset['at'] ?? 2);
  }
}

/** What a plugin draws. Its frame takes every click: the bar above it leads into the text. */
class PluginBlock extends Block {
  constructor(
    source: string,
    readonly name: string | null,
    readonly show: BlockShow,
  ) {
    super(source);
  }
  override eq(other: PluginBlock): boolean {
    return other.source === this.source && other.show === this.show;
  }
  protected override fill(element: HTMLElement, view: EditorView): void {
    const given = view.state.facet(ports);
    if (!given) return;
    const { table, mount } = this.show;
    element.classList.add('cm-plugin-block');
    const bar = element.appendChild(document.createElement('div'));
    bar.className = 'cm-plugin-bar';
    bar.textContent = (this.name === null ? table.forAddress(this.source.trim()) : table.named(this.name))?.kind.name ?? '';
    const body = this.name === null ? this.source.trim() : this.source.split('\n').slice(1, -1).join('\n');
    const { notebook, path } = given.place;
    mount(element.appendChild(document.createElement('div')), { name: this.name, body }, { notebook, path, done: () => view.requestMeasure() });
  }
  protected override placeOf(): number {
    return this.name === null ? this.source.length : this.source.indexOf('\n') + 1;
  }
}

function widgetFor(state: EditorState, node: SyntaxNodeRef, source: string): WidgetType | null {
  switch (node.name) {
    case 'Table': {
      const place = state.facet(ports)?.place;
      const names = [...source.matchAll(/\[\[([^\]|#\\]+)/g)].map(([, name = '']) => place?.find(name.trim())?.path ?? '?');
      return isRuler(source.split('\n')[1] ?? '') ? new Table(source, names.join('\n')) : null;
    }
    case 'BlockMath':
      return new Formula(source);
    case 'FencedCode': {
      const info = node.node.getChild('CodeInfo');
      if (!info || node.node.getChildren('CodeMark').length < 2) return null;
      const name = languageName(state.doc.sliceString(info.from, info.to));
      const show = blocksIn(state.facet(ports)?.place.notebook ?? '');
      return name === 'mermaid' ? new Diagram(source) : show?.table.named(name) ? new PluginBlock(source, name, show) : null;
    }
    case 'Paragraph': {
      const show = blocksIn(state.facet(ports)?.place.notebook ?? '');
      return show?.table.forAddress(source.trim()) ? new PluginBlock(source, null, show) : null;
    }
    default:
      return null;
  }
}

const inside = /^(Document|BulletList|OrderedList|ListItem|Table|BlockMath|FencedCode|Paragraph)$/;

function find(state: EditorState, from: number, to: number): { from: number; to: number; widget: Range<Decoration> | null }[] {
  const found: { from: number; to: number; widget: Range<Decoration> | null }[] = [];
  const head = headEnd(state);
  syntaxTree(state).iterate({
    from,
    to,
    enter(node) {
      if (!inside.test(node.name)) return false;
      if (!/^(Table|BlockMath|FencedCode|Paragraph)$/.test(node.name)) return;
      // Of texts only an address alone may be a block.
      if (node.name === 'Paragraph' && (node.to - node.from > 300 || !/^https?:\/\/\S+$/.test(state.doc.sliceString(node.from, node.to)))) return false;
      const [first, last] = [state.doc.lineAt(node.from), state.doc.lineAt(node.to)];
      // A block takes whole lines: what begins behind a list's mark stays text.
      const whole = node.from >= head && first.text.slice(0, node.from - first.from).trim() === '' && last.to === node.to;
      const widget = whole && !touched(state, first.from, last.to) ? widgetFor(state, node, state.doc.sliceString(node.from, node.to)) : null;
      found.push({ from: first.from, to: last.to, widget: widget && Decoration.replace({ block: true, widget }).range(first.from, last.to) });
      return false;
    },
  });
  return found;
}

function renew(state: EditorState, { from, to, set }: Blocks): Blocks {
  const found = find(state, from, to);
  const low = Math.min(from, ...found.map((block) => block.from));
  const high = Math.max(to, ...found.map((block) => block.to));
  const filter = (start: number, end: number) => (end < low || start > high) && !touched(state, start, end);
  const add = found.flatMap(({ widget }) => widget ?? []);
  return { from, to, set: set.update({ filter, add, sort: true }) };
}

/** What was changed outside the part that is looked at is looked at anew when it comes to the screen. */
function mapped({ from, to, set }: Blocks, tr: Transaction): Blocks {
  let next = set.map(tr.changes);
  tr.changes.iterChangedRanges((_a, _b, start, end) => {
    next = next.update({ filter: (a, b) => b < start || a > end });
  });
  return { from: tr.changes.mapPos(from, -1), to: tr.changes.mapPos(to, 1), set: next };
}

const field = StateField.define<Blocks>({
  create: (state) => renew(state, { from: 0, to: Math.min(FIRST, state.doc.length), set: Decoration.none }),
  update(value, tr) {
    const parsed = syntaxTree(tr.startState) !== syntaxTree(tr.state);
    const wanted = tr.effects.find((effect) => effect.is(lookAt))?.value as { from: number; to: number } | undefined;
    const told = tr.effects.some((effect) => effect.is(linksRead)) || isFocused(tr.startState) !== isFocused(tr.state);
    if (!parsed && !wanted && !told && !tr.docChanged && !tr.selection) return value;
    const next = tr.docChanged ? mapped(value, tr) : value;
    return renew(tr.state, wanted ? { ...next, ...wanted } : next);
  },
  provide: (of) => EditorView.decorations.from(of, ({ set }) => set),
});

/** Keeps the part that is looked at around what is on the screen. */
const follow = ViewPlugin.fromClass(
  class {
    #asked = false;
    #gone = false;
    constructor(view: EditorView) {
      this.#look(view);
    }
    update(update: ViewUpdate) {
      if (update.viewportChanged || update.docChanged) this.#look(update.view);
    }
    destroy() {
      this.#gone = true;
    }
    #look(view: EditorView) {
      if (this.#asked) return;
      this.#asked = true;
      // Before the screen is drawn, and after the update that is under way.
      queueMicrotask(() => {
        this.#asked = false;
        if (this.#gone) return;
        const { viewport, state } = view;
        const { from, to } = state.field(field);
        if (from <= Math.max(0, viewport.from - AROUND / 3) && to >= Math.min(state.doc.length, viewport.to + AROUND / 3)) {
          if (to - from < 4 * AROUND + viewport.to - viewport.from) return;
        }
        const wanted = { from: Math.max(0, viewport.from - AROUND), to: Math.min(state.doc.length, viewport.to + AROUND) };
        if (wanted.from !== from || wanted.to !== to) view.dispatch({ effects: lookAt.of(wanted) });
      });
    }
  },
);

/** The cursor goes into a block, not over it. */
const into = (down: boolean): Command => (view) => {
  const { main } = view.state.selection;
  const line = view.state.doc.lineAt(main.head);
  const edge = down ? line.to + 1 : line.from - 1;
  if (!main.empty || edge < 0 || edge > view.state.doc.length) return false;
  let place: number | null = null;
  view.state.field(field).set.between(edge, edge, (from, to) => {
    if (down ? from === edge : to === edge) place = down ? from : view.state.doc.lineAt(to).from;
  });
  // A long line has more rows than one.
  const next = view.moveVertically(main, down).head;
  if (place === null || (next >= line.from && next <= line.to && next !== main.head)) return false;
  view.dispatch({ selection: { anchor: place }, scrollIntoView: true, userEvent: 'select' });
  return true;
};

const keys = Prec.high(keymap.of([{ key: 'ArrowDown', run: into(true) }, { key: 'ArrowUp', run: into(false) }]));

export const blocks = [field, follow, keys];
