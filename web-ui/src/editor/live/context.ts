/** What the extensions of the editor share: where the text stands, and whether somebody is writing in it. */
import { type EditorState, Facet, StateEffect, StateField, type Text } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { frontmatterEnd } from '../frontmatter';
import type { Place } from '../place';

/** A file whose name can be completed. */
export interface Name {
  path: string;
  title: string;
}

/** What the editor asks of the page around it. */
export interface Ports {
  place: Place;
  /** Id of the entry. */
  entry: string;
  /** Opens what is at a path of the notebook. */
  go(path: string, heading: string | null): void;
  /** Opens what a wikilink's name means. */
  goWiki(target: string, heading: string | null): void;
  /** Puts a file beside the entry; gives the path that it got. */
  upload(file: File): Promise<string>;
  /** Files whose name holds these letters. */
  names(part: string, signal: AbortSignal): Promise<{ names: Name[]; all: boolean }>;
  /** The text that a wikilink's name means. */
  textOf(target: string): Promise<string | null>;
  say(words: string, bad?: boolean): void;
}

export const ports = Facet.define<Ports, Ports | null>({ combine: (given) => given[0] ?? null });

/** What links mean is known anew. */
export const linksRead = StateEffect.define<null>();

export const setFocus = StateEffect.define<boolean>();
const focus = StateField.define<boolean>({
  create: () => false,
  update: (value, tr) => tr.effects.reduce((now, effect) => (effect.is(setFocus) ? effect.value : now), value),
});
export const focusTracking = [focus, EditorView.focusChangeEffect.of((_, focusing) => setFocus.of(focusing))];

export const isFocused = (state: EditorState): boolean => state.field(focus, false) ?? false;

/** Whether the cursor is at a range: then it is shown as it is written. */
export const touched = (state: EditorState, from: number, to: number): boolean =>
  isFocused(state) && state.selection.ranges.some((range) => range.from <= to && range.to >= from);

const heads = new WeakMap<Text, number>();

/** Where the head ends; it is looked for in the first part of the text only, and once in each. */
export function headEnd({ doc }: EditorState): number {
  const known = heads.get(doc) ?? frontmatterEnd(doc.sliceString(0, Math.min(doc.length, 20_000)));
  heads.set(doc, known);
  return known;
}
