/** What is said about the entry that is open, and where in its text. Asked for after the entry. */
import '../styles/comments.css';
import { StateEffect } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { untrack } from 'svelte';
import * as api from '../api/comments';
import type { Comment, Thread } from '../api/comments';
import * as people from '../api/people';
import type { Notice, NotebookStatus } from '../api/types';
import { type Mark, commentMarks, draftIn, markAt, marksIn, setActive, setDraft, setMarks } from '../editor/comments';
import { comments as say } from '../i18n/en-comments';
import { desk, words } from './desk.svelte';
import type { OpenEntry } from './entry.svelte';
import { type Person, byPerson } from './people.svelte';

const READ_AFTER_MS = 120;

/** A thread that is about to be begun: on which words, or on the whole entry. */
export interface Beginning {
  words: string | null;
}

const NOTHING = {};

export class EntryComments {
  threads = $state.raw<Thread[] | null>(null);
  problem = $state<string | null>(null);
  persons = $state.raw<Person[]>([]);
  /** Where the passages are in the text as it stands. */
  marks = $state.raw<readonly Mark[]>([]);
  active = $state<string | null>(null);
  /** How often a thread was asked to be shown in the text. */
  shown = $state(0);
  beginning = $state.raw<Beginning | null>(null);
  showResolved = $state(false);
  selected = $state(false);

  /** The editor that has the marks. */
  #marked: EditorView | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #read: (() => { from: number; to: number } | null) | null = null;
  #wanted: string | null = null;
  #reading = false;
  #again = false;
  #closed = false;
  /** How often the daemon said what became of a thread: a list that was asked for before may not know it yet. */
  #told = 0;

  constructor(
    readonly open: OpenEntry,
    private readonly notebook: () => NotebookStatus,
    /** Opens the panel. */
    private readonly reveal: () => void,
  ) {}

  get unresolved(): Thread[] {
    return (this.threads ?? []).filter((thread) => !thread.resolved);
  }

  get resolved(): Thread[] {
    return (this.threads ?? []).filter((thread) => thread.resolved);
  }

  /** Why one cannot comment here; nothing if one can. */
  get refusal(): string | null {
    const { role } = this.notebook();
    if (role === 'viewer') return say.viewer;
    return role === 'owner' || role === 'editor' || role === 'commenter' ? null : say.noRole;
  }

  /** Until what it returns is called. */
  start(): () => void {
    void this.read();
    const stop = desk.listen({
      event: (notice) => this.#event(notice),
      reload: () => this.#soon(),
    });
    const stopMarks = $effect.root(() => {
      $effect(() => {
        const { editor } = this.open;
        if (editor) untrack(() => this.attach(editor));
      });
      // The text may be another version than the daemon spoke of; when a save or an answer is done, it is looked at again.
      $effect(() => {
        void [this.threads, this.open.save];
        untrack(() => this.place());
      });
    });
    return () => {
      this.#closed = true;
      stopMarks();
      if (this.#timer !== null) clearTimeout(this.#timer);
      stop();
    };
  }

  /** Adds the marks to an editor. */
  attach(view: EditorView): void {
    const extension = commentMarks({
      chosen: (id) => this.choose(id),
      moved: (marks) => (this.marks = marks),
      comment: () => this.onSelection(),
      canComment: () => this.refusal === null,
      words: say.say,
    });
    const selection = EditorView.updateListener.of((update) => {
      if (update.selectionSet || update.docChanged) this.selected = !update.state.selection.main.empty;
    });
    view.dispatch({ effects: StateEffect.appendConfig.of([extension, selection]) });
    this.#marked = view;
    this.selected = !view.state.selection.main.empty;
    this.place();
  }

  /** Puts the marks where the daemon says, as far as it speaks of the text that stands here. */
  place(): void {
    const { editor, buffer } = this.open;
    if (!editor || editor !== this.#marked || !buffer) return;
    const put: Mark[] = [];
    const keep = new Set<string>();
    for (const { id, place, resolved } of this.threads ?? []) {
      if (!place || (resolved && !this.showResolved)) continue;
      const at = buffer.here(place.version, place.start, place.end);
      if (at) put.push({ id, ...at });
      else keep.add(id);
    }
    editor.dispatch({ effects: [setMarks.of({ put, keep }), setActive.of(this.active)] });
  }

  async read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      const told = this.#told;
      try {
        const { items } = await api.threads(this.open.notebook, this.open.entry);
        if (this.#closed) return;
        if (told === this.#told) this.threads = items;
        else this.#again = true;
        this.problem = null;
      } catch (error) {
        this.problem = words(error);
      }
    } while (this.#again && !this.#closed);
    this.#reading = false;
  }

  async readPeople(): Promise<void> {
    try {
      const { items } = await people.members(this.notebook().id);
      this.persons = byPerson(items, [], new Set());
    } catch {
      // Names are in the comments; only colours and the completion are missing.
    }
  }

  /** A link leads to this thread: it is shown as soon as it is here. */
  want(id: string): void {
    if (!this.threads) return;
    untrack(() => {
      if (this.#wanted !== id && this.threads?.some((thread) => thread.id === id)) {
        this.#wanted = id;
        this.choose(id, true);
      }
    });
  }

  /** Shows a thread beside the text, and its words in the text. */
  choose(id: string, scroll = false): void {
    if (this.threads?.find((thread) => thread.id === id)?.resolved) this.showResolved = true;
    this.active = id;
    this.reveal();
    this.place();
    if (scroll) this.showInText(id);
  }

  showInText(id: string): void {
    this.active = id;
    const { editor } = this.open;
    this.place();
    this.shown += 1;
    const mark = editor && marksIn(editor.state).find((each) => each.id === id);
    // The cursor goes there too: what shows as a table or a formula is then text, with its mark.
    if (editor && mark) editor.dispatch({ selection: { anchor: mark.from }, effects: EditorView.scrollIntoView(mark.from, { y: 'center' }) });
  }

  /** By keyboard: on what is selected; without a selection the thread at the cursor, or the whole entry. */
  comment(): void {
    const { editor } = this.open;
    const main = editor?.state.selection.main;
    const read = this.#read?.() ?? null;
    if (read && editor && read.to <= editor.state.doc.length) editor.dispatch({ selection: { anchor: read.from, head: read.to } });
    if (read || (main && !main.empty)) return this.onSelection();
    const mark = editor && main ? markAt(marksIn(editor.state), main.head) : null;
    if (mark) this.choose(mark.id);
    else this.onWhole();
  }

  /** A reading side says what is selected there, until what it gets back is called. */
  readBy(selected: () => { from: number; to: number } | null): () => void {
    this.#read = selected;
    return () => {
      if (this.#read === selected) this.#read = null;
    };
  }

  onSelection(): void {
    const { editor } = this.open;
    const main = editor?.state.selection.main;
    if (!editor || !main || main.empty) return;
    this.reveal();
    if (this.refusal !== null) return;
    // The next letters are the comment's: they must not stand in the place of what is selected.
    editor.contentDOM.blur();
    editor.dispatch({ effects: setDraft.of({ from: main.from, to: main.to }) });
    this.active = null;
    this.beginning = { words: editor.state.sliceDoc(main.from, main.to) };
  }

  onWhole(): void {
    this.reveal();
    if (this.refusal !== null) return;
    this.open.editor?.contentDOM.blur();
    this.active = null;
    this.beginning = { words: null };
  }

  stopBeginning(): void {
    this.beginning = null;
    const { editor } = this.open;
    if (editor && editor === this.#marked) editor.dispatch({ effects: setDraft.of(null) });
  }

  async begin(text: string): Promise<void> {
    const { open } = this;
    const passage = this.beginning?.words === null ? NOTHING : await this.#passage();
    const made = await api.begin(open.notebook, open.entry, { text, ...passage });
    this.stopBeginning();
    // It is said: nothing is selected any more that one could comment on.
    const { editor } = open;
    if (editor && passage !== NOTHING) editor.dispatch({ selection: { anchor: editor.state.selection.main.to } });
    this.#put(made);
    this.active = made.id;
  }

  async reply(thread: Thread, text: string): Promise<void> {
    this.#put(await api.reply(this.open.notebook, this.open.entry, thread.id, text));
  }

  async change(comment: Comment, text: string): Promise<void> {
    this.#put(await api.change(this.open.notebook, this.open.entry, comment.id, text));
  }

  async takeBack(comment: Comment): Promise<void> {
    await api.takeBack(this.open.notebook, this.open.entry, comment.id);
    await this.read();
  }

  async settle(thread: Thread): Promise<void> {
    const settled = await api.settle(this.open.notebook, this.open.entry, thread.id, thread.resolved ? 'reopen' : 'resolve');
    if (settled.resolved && this.active === thread.id) this.active = null;
    this.#put(settled);
  }

  /** What is selected, in the words of the daemon. Only what is saved has a place there. */
  async #passage(): Promise<{ version: string; start: number; end: number }> {
    const { open } = this;
    await open.buffer?.flush();
    if (!open.buffer || open.save.is === 'failing' || open.save.is === 'gone') throw new Error(say.unsaved);
    const draft = open.editor && draftIn(open.editor.state);
    if (!draft) throw new Error(say.lost);
    const passage = open.buffer.inFile(draft.from, draft.to);
    if (passage.start >= passage.end) throw new Error(say.unsaved);
    return passage;
  }

  /** One thread, as the daemon has just said it. */
  #put(thread: Thread): void {
    this.#told += 1;
    const { threads } = this;
    const known = threads?.some(({ id }) => id === thread.id);
    this.threads = known ? (threads ?? []).map((each) => (each.id === thread.id ? thread : each)) : [...(threads ?? []), thread];
    this.#soon();
  }

  #event({ entry, type }: Notice): void {
    if (entry !== this.open.entry) return;
    if (type === 'comment' || (this.threads?.length && type.startsWith('entry.'))) this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.#closed) void this.read();
    }, READ_AFTER_MS);
  }
}

const KEY = 'codex.said';

/** What was begun to be said, kept until it is sent or dropped. */
export const kept = {
  key: (open: OpenEntry, what: string) => `${KEY}/${open.notebook}/${open.entry}/${what}`,
  read(key: string): string {
    try {
      return localStorage.getItem(key) ?? '';
    } catch {
      return '';
    }
  },
  write(key: string, text: string): void {
    try {
      if (text === '') localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch {
      // A browser that keeps nothing: it stays as long as the page does.
    }
  },
};
