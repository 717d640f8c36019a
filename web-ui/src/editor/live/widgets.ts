/** What stands in the text in place of what is written there. */
import { type EditorView, WidgetType } from '@codemirror/view';
import { t } from '../../i18n/en';
import { boxIn } from '../boxes';
import { embedded, imageUrl, media, notShown } from '../media';
import { parseWiki, wikiLabel } from '../paths';
import { ports } from './context';

const span = (className: string, text = ''): HTMLElement => {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
};

/** A click in it is a click in the text. */
abstract class TextWidget extends WidgetType {
  override ignoreEvent(_event: Event): boolean {
    return false;
  }
}

export class Bullet extends TextWidget {
  override eq(): boolean {
    return true;
  }
  override toDOM(): HTMLElement {
    return span('cm-bullet', '•');
  }
}

export class Rule extends TextWidget {
  override eq(): boolean {
    return true;
  }
  override toDOM(): HTMLElement {
    return span('cm-rule');
  }
}

/** A word that is not in the text: a code block's language, a callout's title. */
export class Label extends TextWidget {
  constructor(
    readonly text: string,
    readonly className: string,
  ) {
    super();
  }
  override eq(other: Label): boolean {
    return other.text === this.text && other.className === this.className;
  }
  override toDOM(): HTMLElement {
    return span(this.className, this.text);
  }
}

export class TaskBox extends WidgetType {
  constructor(readonly done: boolean) {
    super();
  }
  override eq(other: TaskBox): boolean {
    return other.done === this.done;
  }
  override toDOM(view: EditorView): HTMLElement {
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.className = 'cm-task';
    box.checked = this.done;
    box.setAttribute('aria-label', this.done ? t.editor.done : t.editor.toDo);
    box.addEventListener('mousedown', (event) => event.preventDefault());
    box.addEventListener('click', (event) => {
      // The text says how it stands.
      event.preventDefault();
      toggleTaskAt(view, view.posAtDOM(box));
    });
    return box;
  }
}

/** Turns the task on the line at a place: one character of the text. Answers whether there is one. */
export function toggleTaskAt(view: EditorView, pos: number, expected?: boolean): boolean {
  const { state } = view;
  const line = state.doc.lineAt(pos);
  const box = boxIn(line.text);
  if (!box || state.readOnly) return false;
  if (expected !== undefined && expected !== box.done) return false;
  view.dispatch({ changes: { from: line.from + box.from + 1, to: line.from + box.to - 1, insert: box.done ? ' ' : 'x' }, userEvent: 'input.task' });
  return true;
}

export class Image extends TextWidget {
  constructor(
    readonly source: string,
    readonly label: string,
  ) {
    super();
  }
  override eq(other: Image): boolean {
    return other.source === this.source && other.label === this.label;
  }
  override toDOM(view: EditorView): HTMLElement {
    const place = view.state.facet(ports)?.place;
    const url = place ? imageUrl(this.source, place) : null;
    const around = span('cm-image');
    around.append(url === null ? notShown(this.label || this.source) : media('image', url, this.label, () => view.requestMeasure()));
    return around;
  }
}

/** `![[…]]`; `known` is what it meant when it was drawn. */
export class Embed extends TextWidget {
  constructor(
    readonly inside: string,
    readonly known: string,
  ) {
    super();
  }
  override eq(other: Embed): boolean {
    return other.inside === this.inside && other.known === this.known;
  }
  override toDOM(view: EditorView): HTMLElement {
    const around = span('cm-embed embed', wikiLabel(parseWiki(this.inside)));
    const given = view.state.facet(ports);
    if (!given) return around;
    const what = embedded(this.inside, given.place, () => view.requestMeasure());
    if (what.is === 'media') around.replaceChildren(what.element);
    else if (what.is === 'none') around.classList.toggle('missing', what.missing);
    else {
      const done = () => view.requestMeasure();
      // Stays as it is written when the reading side cannot be had.
      import('../read/reader').then(({ showEmbed }) => {
        showEmbed(around, this.inside, { place: given.place, inside: [given.entry], done });
        done();
      }, () => {});
    }
    return around;
  }
  /** Links and boxes of a note that is shown in it are that note's. */
  override ignoreEvent(event: Event): boolean {
    return event.target instanceof Element && event.target.closest('a, input, video, audio, summary') !== null;
  }
}

export class Formula extends TextWidget {
  constructor(
    readonly tex: string,
    readonly display: boolean,
  ) {
    super();
  }
  override eq(other: Formula): boolean {
    return other.tex === this.tex && other.display === this.display;
  }
  override toDOM(view: EditorView): HTMLElement {
    const element = span(this.display ? 'cm-math math math-block' : 'cm-math math', this.tex);
    import('../read/math').then(({ showMath }) => showMath(element, this.tex, this.display, () => view.requestMeasure()), () => {});
    return element;
  }
}
