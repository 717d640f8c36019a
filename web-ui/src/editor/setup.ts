/** CodeMirror for Markdown and plain text: which extensions there are, and in which order. */
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { markdown, markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown';
import { bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, Prec } from '@codemirror/state';
import { EditorView, drawSelection, dropCursor, highlightActiveLine, highlightSpecialChars, keymap, placeholder } from '@codemirror/view';
import { t } from '../i18n/en';
import { styleNonce } from '../trusted';
import { completions } from './complete';
import { following } from './follow';
import { frontmatterEnd } from './frontmatter';
import { highlighting } from './highlighting';
import { html } from './html';
import { markdownKeys } from './keys';
import { languageOf } from './languages';
import { blocks } from './live/blocks';
import { type Ports, focusTracking, ports } from './live/context';
import { foldedHead, openHead } from './live/frontmatter';
import { livePreview } from './live/inline';
import { blockLines } from './live/lines';
import { notes } from './syntax';
import { barsInCells, tableKeys } from './tables-keys';
import { uploads } from './uploads';

/** Where the cursor is to stand when a text is opened. */
export const bodyStart = (isMarkdown: boolean, text: string): number => (isMarkdown ? frontmatterEnd(text) : 0);

const markdownExtensions = (given: Ports): Extension[] => [
  ports.of(given),
  focusTracking,
  markdown({ base: markdownLanguage, extensions: notes, codeLanguages: languageOf, htmlTagLanguage: html(), completeHTMLTags: false, addKeymap: false }),
  Prec.high(keymap.of([...tableKeys, ...markdownKeys])),
  keymap.of(markdownKeymap),
  barsInCells,
  blockLines,
  completions,
  uploads,
  following,
];

/** How a Markdown text shows: as it reads, or as it is written. */
export const shownAs = (source: boolean): Extension =>
  source
    ? [openHead, EditorView.editorAttributes.of({ class: 'cm-source' })]
    : [foldedHead, livePreview, blocks, EditorView.editorAttributes.of({ class: 'cm-live' })];

/** Everything but the listener. `\n` alone ends a line: a stray `\r` is shown and kept. */
export function extensions(given: Ports | null, label: string): Extension[] {
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
    EditorState.phrases.of(t.phrases),
    EditorView.cspNonce.of(styleNonce),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'true', autocapitalize: 'sentences' }),
    EditorView.editorAttributes.of({ class: given ? 'cm-prose' : 'cm-plain' }),
    placeholder(t.editor.placeholder),
    syntaxHighlighting(highlighting),
    ...(given ? markdownExtensions(given) : []),
    // Tab leaves the editor, as everywhere on the web, except from a table; Ctrl-] and Ctrl-[ indent.
    keymap.of([
      { key: 'Mod-]', run: indentMore },
      { key: 'Mod-[', run: indentLess },
      ...searchKeymap,
      ...historyKeymap,
      ...defaultKeymap,
    ]),
  ];
}
