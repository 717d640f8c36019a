/** CodeMirror for Markdown and plain text: which extensions, and how things look. */
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { markdown, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown';
import { HighlightStyle, bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, RangeSetBuilder, StateField } from '@codemirror/state';
import {
  Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, drawSelection, dropCursor,
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
  const head = frontmatterEnd(doc.sliceString(0, Math.min(doc.length, 20_000)));
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

/** The properties at the head of the text, in a quiet type: the panel above shows them better. */
const frontmatterLines = StateField.define<DecorationSet>({
  create: (state) => frontmatter(state),
  update: (value, tr) => (tr.docChanged ? frontmatter(tr.state) : value),
  provide: (field) => EditorView.decorations.from(field),
});

function frontmatter(state: EditorState): DecorationSet {
  const end = frontmatterEnd(state.doc.sliceString(0, Math.min(state.doc.length, 20_000)));
  const builder = new RangeSetBuilder<Decoration>();
  for (let at = 0; at < end; ) {
    const line = state.doc.lineAt(at);
    builder.add(line.from, line.from, Decoration.line({ class: 'cm-frontmatter' }));
    at = line.to + 1;
  }
  return builder.finish();
}

const markdownExtensions: Extension[] = [
  markdown({ base: markdownLanguage, completeHTMLTags: false, addKeymap: false }),
  keymap.of(markdownKeymap),
  blockLines,
  frontmatterLines,
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
