/**
 * Files that are pasted or dropped: each is uploaded beside the entry, and its link is written where it was put.
 * Until then a sign stands there that is not part of the text.
 */
import { type Extension, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';
import { t } from '../i18n/en';
import { ports } from './live/context';
import { shownAs, writtenPath } from './paths';

interface Upload {
  number: number;
  file: File;
  /** Why it failed. */
  problem: string | null;
}

const begin = StateEffect.define<{ upload: Upload; pos: number }>({ map: ({ upload, pos }, changes) => ({ upload, pos: changes.mapPos(pos, 1) }) });
const replace = StateEffect.define<Upload>();
const end = StateEffect.define<number>();
let count = 0;

class Sign extends WidgetType {
  constructor(readonly upload: Upload) {
    super();
  }
  override eq(other: Sign): boolean {
    return other.upload === this.upload;
  }
  override toDOM(view: EditorView): HTMLElement {
    const { file, problem, number } = this.upload;
    const sign = document.createElement('span');
    sign.className = problem === null ? 'cm-upload' : 'cm-upload failed';
    sign.setAttribute('role', problem === null ? 'status' : 'alert');
    sign.append(problem === null ? t.editor.uploading(file.name) : t.editor.uploadFailed(file.name, problem));
    if (problem === null) return sign;
    const button = (label: string, act: () => void) => {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'small-button';
      made.textContent = label;
      made.addEventListener('click', act);
      sign.append(' ', made);
    };
    button(t.retry, () => void send(view, { number, file, problem: null }));
    button(t.editor.uploadDrop, () => view.dispatch({ effects: end.of(number) }));
    return sign;
  }
}

const sign = (upload: Upload) => Decoration.widget({ widget: new Sign(upload), side: 1, upload });
const uploadOf = (decoration: Decoration): Upload => (decoration.spec as { upload: Upload }).upload;

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, tr) {
    let next = value.map(tr.changes);
    for (const effect of tr.effects) {
      if (effect.is(begin)) next = next.update({ add: [sign(effect.value.upload).range(effect.value.pos)] });
      if (effect.is(end)) next = next.update({ filter: (_, __, each) => uploadOf(each).number !== effect.value });
      if (effect.is(replace)) {
        const at = find(next, effect.value.number);
        next = next.update({ filter: (_, __, each) => uploadOf(each).number !== effect.value.number });
        if (at !== null) next = next.update({ add: [sign(effect.value).range(at)] });
      }
    }
    return next;
  },
  provide: (of) => EditorView.decorations.from(of),
});

function find(set: DecorationSet, number: number): number | null {
  for (const at = set.iter(); at.value; at.next()) if (uploadOf(at.value).number === number) return at.from;
  return null;
}

const escaped = (name: string): string => name.replace(/[\\[\]]/g, '\\$&').replace(/[<>&*_`~$]/g, '\\$&');

/** A link by a file's path, which holds for every name. */
export const plainLink = (from: string, path: string, name: string): string => `[${escaped(name)}](${writtenPath(from, path)})`;

/** What is written for a file: an image is shown, anything else is a link. */
export function linkTo(from: string, path: string): string {
  const name = path.split('/').at(-1) ?? path;
  const sort = shownAs(name);
  if (sort === 'video' || sort === 'audio') return `![[${name}]]`;
  return sort === 'image' ? `!${plainLink(from, path, name.replace(/\.[a-z0-9]+$/i, ''))}` : plainLink(from, path, name);
}

/** A link apart from the words beside it. */
export const apart = (before: string, link: string, after: string): string =>
  `${/[^\s([{"'“‘*_>|-]$/u.test(before) ? ' ' : ''}${link}${/^[\p{L}\p{N}![]/u.test(after) ? ' ' : ''}`;

async function send(view: EditorView, upload: Upload): Promise<void> {
  const given = view.state.facet(ports);
  if (!given) return;
  view.dispatch({ effects: replace.of(upload) });
  let path: string;
  try {
    path = await given.upload(upload.file);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    if (view.dom.isConnected) view.dispatch({ effects: replace.of({ ...upload, problem }) });
    else given.say(t.editor.uploadFailed(upload.file.name, problem), true);
    return;
  }
  const at = view.dom.isConnected ? find(view.state.field(field), upload.number) : null;
  // The text was closed meanwhile, or became one that nobody may change; the file is there.
  if (at === null || view.state.readOnly) return given.say(t.editor.uploadedTo(path));
  const { doc } = view.state;
  const insert = apart(doc.sliceString(Math.max(0, at - 1), at), linkTo(given.place.path, path), doc.sliceString(at, at + 1));
  const { main } = view.state.selection;
  view.dispatch({
    changes: { from: at, insert },
    ...(main.empty && main.head === at ? { selection: { anchor: at + insert.length } } : {}),
    effects: end.of(upload.number),
    userEvent: 'input.paste',
  });
}

/** Pasted images have all one name. */
function named(file: File): File {
  if (file.name !== '' && !/^image\.(png|jpe?g|gif|webp|bmp|tiff?)$/i.test(file.name)) return file;
  const stamp = new Date().toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '');
  const end = /\.[a-z0-9]+$/i.exec(file.name)?.[0] ?? (file.type === 'image/jpeg' ? '.jpg' : `.${file.type.split('/')[1]?.replace(/\W.*/, '') ?? 'bin'}`);
  return new File([file], `image-${stamp}${end}`, { type: file.type });
}

export function upload(view: EditorView, files: readonly File[], pos: number): void {
  const all = files.map((file): Upload => ({ number: (count += 1), file: named(file), problem: null }));
  // Each on a line of its own: whichever has arrived first stands where it was put.
  view.dispatch({
    changes: { from: pos, insert: '\n'.repeat(Math.max(0, files.length - 1)) },
    effects: all.map((one, n) => begin.of({ upload: one, pos: pos + n })),
    userEvent: 'input.paste',
  });
  for (const one of all) void send(view, one);
}

/** Lets files be chosen, and puts them where the cursor is. */
export function pickFiles(view: EditorView, accept: string): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.accept = accept;
  input.addEventListener('change', () => {
    upload(view, [...(input.files ?? [])], view.state.selection.main.head);
    view.focus();
  });
  input.click();
}

const files = (data: DataTransfer | null): File[] => [...(data?.files ?? [])];

export const uploads: Extension = [
  field,
  EditorView.domEventHandlers({
    paste(event, view) {
      const found = files(event.clipboardData);
      // Programs that copy text often give a picture of it too.
      if (found.length === 0 || view.state.readOnly || (event.clipboardData?.getData('text/plain') ?? '') !== '') return false;
      event.preventDefault();
      const { main } = view.state.selection;
      if (!main.empty) view.dispatch(view.state.replaceSelection(''));
      upload(view, found, view.state.selection.main.from);
      return true;
    },
    drop(event, view) {
      const found = files(event.dataTransfer);
      if (found.length === 0) return false;
      event.preventDefault();
      if (view.state.readOnly) return true;
      const pos = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
      view.dispatch({ selection: { anchor: pos } });
      upload(view, found, pos);
      view.focus();
      return true;
    },
  }),
];
