/** Whole lines of code, quotes, tables and headings get a class each, for what is on the screen. */
import { syntaxTree } from '@codemirror/language';
import { RangeSetBuilder } from '@codemirror/state';
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';
import { headEnd } from './context';

const classes: Record<string, string> = {
  FencedCode: 'cm-code-line',
  CodeBlock: 'cm-code-line',
  BlockMath: 'cm-code-line',
  OpenMath: 'cm-code-line',
  Blockquote: 'cm-quote-line',
  Table: 'cm-table-line',
  ATXHeading1: 'cm-h-line',
  ATXHeading2: 'cm-h-line',
  ATXHeading3: 'cm-h-line',
  ListItem: 'cm-item-line',
};

export const blockLines = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = lines(view);
    }
    update(update: ViewUpdate) {
      const parsed = syntaxTree(update.startState) !== syntaxTree(update.state);
      if (update.docChanged || update.viewportChanged || parsed) this.decorations = lines(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function lines(view: EditorView): DecorationSet {
  const found = new Map<number, Set<string>>();
  const { doc } = view.state;
  const head = headEnd(view.state);
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter(node) {
        const name = classes[node.name];
        if (!name || node.from < head) return;
        // A list item's mark hangs out of its first line alone.
        const last = node.name === 'ListItem' ? node.from : Math.min(node.to, to);
        for (let at = doc.lineAt(Math.max(node.from, from)).from; at <= last; at = doc.lineAt(at).to + 1) {
          const line = doc.lineAt(at).from;
          if (node.name !== 'ListItem' || line <= node.from && node.from >= from) {
            const names = found.get(line) ?? new Set<string>();
            found.set(line, names.add(name));
          }
          if (at >= doc.length) break;
        }
      },
    });
  }
  const builder = new RangeSetBuilder<Decoration>();
  for (const [at, names] of [...found].sort((a, b) => a[0] - b[0])) builder.add(at, at, Decoration.line({ class: [...names].join(' ') }));
  return builder.finish();
}
