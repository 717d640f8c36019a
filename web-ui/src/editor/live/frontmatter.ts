/** The properties at the head of the text: the panel above shows them better, so they are one line until the cursor goes there. */
import { type EditorState, type Extension, Prec, RangeSetBuilder, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType, keymap } from '@codemirror/view';
import { t } from '../../i18n/en';
import { headEnd } from './context';

class Fold extends WidgetType {
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

/** Source mode shows the head as text. */
const field = (folds: boolean) =>
  StateField.define<DecorationSet>({
    create: (state) => decorate(state, folds),
    update: (value, tr) => (tr.docChanged || tr.selection ? decorate(tr.state, folds) : value),
    provide: (of) => EditorView.decorations.from(of),
  });

function decorate(state: EditorState, folds: boolean): DecorationSet {
  const end = headEnd(state);
  const inside = state.selection.ranges.some((range) => range.from < end);
  // The last line end is left, unless a line follows: a block stands for whole lines.
  if (folds && end > 0 && !inside && end < state.doc.length) {
    return Decoration.set(Decoration.replace({ block: true, widget: new Fold() }).range(0, end - 1));
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

export const foldedHead: Extension = [
  field(true),
  Prec.highest(keymap.of([{ key: 'Backspace', run: keepHead }, { key: 'Mod-Backspace', run: keepHead }])),
];
export const openHead: Extension = field(false);
