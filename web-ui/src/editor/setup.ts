/** CodeMirror for Markdown and plain text: which extensions, and how things look. */
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { markdown, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown';
import { HighlightStyle, bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, Prec, RangeSetBuilder, StateField } from '@codemirror/state';
import {
  Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, WidgetType, drawSelection, dropCursor,
  highlightActiveLine, highlightSpecialChars, keymap, placeholder,
} from '@codemirror/view';
import { syntaxTree } from '@codemirror/language';
import { tags } from '@lezer/highlight';
import { t } from '../i18n/en';
import { frontmatterEnd } from './frontmatter';

const highlight = HighlightStyle.define([
  { tag: tags.heading1, class: 'tok-h1' },
  { tag: tags.heading2, class: 'tok-h2' },
  { tag: tags.heading3, class: 'tok-h3' },
  { tag: [tags.heading4, tags.heading5, tags.heading6], class: 'tok-h4' },
  { tag: tags.strong, class: 'tok-strong' },
  { tag: tags.emphasis, class: 'tok-em' },
  { tag: tags.strikethrough, class: 'tok-strike' },
  { tag: tags.link, class: 'tok-link' },
  { tag: tags.url, class: 'tok-url' },
  { tag: tags.monospace, class: 'tok-code' },
  { tag: tags.quote, class: 'tok-quote' },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName, tags.comment, tags.meta], class: 'tok-mark' },
  { tag: [tags.keyword, tags.tagName], class: 'tok-keyword' },
  { tag: [tags.string, tags.attributeValue], class: 'tok-string' },
  { tag: [tags.number, tags.bool, tags.atom], class: 'tok-number' },
]);

const lineClasses: Record<string, string> = {
  FencedCode: 'cm-code-line',
  CodeBlock: 'cm-code-line',
  Blockquote: 'cm-quote-line',
  Table: 'cm-table-line',
  ATXHeading1: 'cm-h-line',
  ATXHeading2: 'cm-h-line',
  ATXHeading3: 'cm-h-line',
};

/** Whole lines of code, quotes and headings get a class each, for what is on the screen. */
const blockLines = ViewPlugin.fromClass(
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
  const found = new Map<number, string>();
  const { doc } = view.state;
  const head = headEnd(view.state);
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter(node) {
        const name = lineClasses[node.name];
        if (!name || node.from < head) return;
        const last = Math.min(node.to, to);
        for (let at = doc.lineAt(Math.max(node.from, from)).from; at <= last; at = doc.lineAt(at).to + 1) {
          found.set(doc.lineAt(at).from, name);
          if (at >= doc.length) break;
        }
      },
    });
  }
  const builder = new RangeSetBuilder<Decoration>();
  for (const [at, name] of [...found].sort((a, b) => a[0] - b[0])) builder.add(at, at, Decoration.line({ class: name }));
  return builder.finish();
}

/**
 * The properties at the head of the text: the panel above shows them better, so they are one line until the
 * cursor goes there.
 */
const frontmatterField = StateField.define<DecorationSet>({
  create: frontmatter,
  update: (value, tr) => (tr.docChanged || tr.selection ? frontmatter(tr.state) : value),
  provide: (field) => EditorView.decorations.from(field),
});

class FrontmatterFold extends WidgetType {
  override eq(): boolean {
    return true;
  }
  override toDOM(view: EditorView): HTMLElement {
    const line = document.createElement('div');
    line.className = 'cm-frontmatter-fold';
    const button = line.appendChild(document.createElement('button'));
    button.type = 'button';
    button.textContent = t.editor.frontmatter;
    button.addEventListener('mousedown', (event) => event.preventDefault());
    button.addEventListener('click', () => {
      view.dispatch({ selection: { anchor: Math.min(4, view.state.doc.length) } });
      view.focus();
    });
    return line;
  }
}

/** Where the head ends; it is looked for in the first part of the text only. */
const headEnd = (state: EditorState): number => frontmatterEnd(state.doc.sliceString(0, Math.min(state.doc.length, 20_000)));

function frontmatter(state: EditorState): DecorationSet {
  const end = headEnd(state);
  const inside = state.selection.ranges.some((range) => range.from < end);
  // The last line end is left, unless a line follows: a block stands for whole lines.
  if (end > 0 && !inside && end < state.doc.length) {
    return Decoration.set(Decoration.replace({ block: true, widget: new FrontmatterFold() }).range(0, end - 1));
  }
  const builder = new RangeSetBuilder<Decoration>();
  for (let at = 0; at < end; ) {
    const line = state.doc.lineAt(at);
    builder.add(line.from, line.from, Decoration.line({ class: 'cm-frontmatter' }));
    at = line.to + 1;
  }
  return builder.finish();
}

/** At the start of the body there is nothing to delete: the line above is folded away. */
const keepHead = ({ state }: EditorView): boolean => {
  const { main } = state.selection;
  return main.empty && main.head > 0 && main.head === headEnd(state);
};

/** Where the cursor is to stand when a text is opened. */
export const bodyStart = (isMarkdown: boolean, text: string): number => (isMarkdown ? frontmatterEnd(text) : 0);

const markdownExtensions: Extension[] = [
  markdown({ base: markdownLanguage, completeHTMLTags: false, addKeymap: false }),
  Prec.highest(keymap.of([{ key: 'Backspace', run: keepHead }, { key: 'Mod-Backspace', run: keepHead }])),
  keymap.of(markdownKeymap),
  blockLines,
  frontmatterField,
];

/** Everything but the listener. `\n` alone ends a line: a stray `\r` is shown and kept. */
export function extensions(isMarkdown: boolean, label: string): Extension[] {
  return [
    EditorState.lineSeparator.of('\n'),
    history(),
    drawSelection(),
    dropCursor(),
    highlightSpecialChars(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    bracketMatching(),
    indentUnit.of('  '),
    search({ top: true }),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'true', autocapitalize: 'sentences' }),
    EditorView.editorAttributes.of({ class: isMarkdown ? 'cm-prose' : 'cm-plain' }),
    placeholder(t.editor.placeholder),
    syntaxHighlighting(highlight),
    ...(isMarkdown ? markdownExtensions : []),
    // Tab leaves the editor, as everywhere on the web; Ctrl-] and Ctrl-[ indent.
    keymap.of([
      { key: 'Mod-]', run: indentMore },
      { key: 'Mod-[', run: indentLess },
      ...searchKeymap,
      ...historyKeymap,
      ...defaultKeymap,
    ]),
  ];
}
