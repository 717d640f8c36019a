/** The entry that is open: its details, and its text when it has one. */
import type { ChangeSet } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import * as api from '../api/client';
import type { EntryDetails, Notice, PropertyValue } from '../api/types';
import { type BufferPorts, TextBuffer, type SaveState } from '../editor/buffer';
import { type Draft, drafts } from '../editor/drafts';
import { LinkTable } from '../editor/links';
import { t } from '../i18n/en';
import { desk, words } from './desk.svelte';
import { type Refusal, refusalOf } from './standing';
import { baseName, parentPath } from './tree-model';

const DETAILS_AFTER_MS = 250;
const DRAFT_AFTER_MS = 120;

/** Texts that were left before they could be sent: they go on trying. By notebook and entry. */
const leftBehind = new Map<string, TextBuffer>();

/** The editor, while it shows the text. */
export interface Shown {
  apply(changes: ChangeSet): void;
  /** Turns the task on a line that stands as it is said to stand. */
  task(line: number, done: boolean): void;
  linksRead(): void;
}

export class OpenEntry {
  details = $state.raw<EntryDetails | null>(null);
  problem = $state<string | null>(null);
  gone = $state(false);
  /** The last version of an entry that was deleted: it can be brought back. */
  deletedVersion = $state<string | null>(null);
  save = $state.raw<SaveState>({ is: 'saved' });
  /** Whether the browser keeps what is unsaved. It may be out of room, or told not to. */
  kept = $state(true);
  /** The text as it stands, for the reading side; follows the editor a little later. */
  text = $state('');
  buffer = $state.raw<TextBuffer | null>(null);
  /** Who else has it open. */
  people = $state.raw<{ page: string; name: string; colour: string }[]>([]);
  /** What is changed here is meant as an amendment of what was sealed. */
  amends = $state(false);

  /** The editor itself, while there is one: for what adds to it. */
  editor = $state.raw<EditorView | null>(null);

  /** Set by the editor while it shows the text. */
  shown: Shown | null = null;
  /** Told when what is unsaved has become less: set by the editor. */
  saved: (() => void) | null = null;
  /** What its links mean, and how often that has turned out to be something else. */
  readonly links: LinkTable;
  linksChanged = $state(0);

  /** Whether somebody reads: only then is the whole text made anew while it is typed. */
  #read = false;
  #closed = false;
  #opening = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #draft: Draft | null = null;
  #draftTimer: ReturnType<typeof setTimeout> | null = null;
  #textTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly notebook: string,
    readonly entry: string,
  ) {
    this.links = new LinkTable(notebook, entry);
    void this.#open();
  }

  get isText(): boolean {
    return this.details?.kind === 'text';
  }

  get isMarkdown(): boolean {
    const d = this.details;
    return d?.kind === 'text' && (d.media_type?.includes('markdown') === true || /\.(md|markdown)$/i.test(d.path));
  }

  /** It is sealed and locked, and nobody here has said yet that it is to be amended. */
  get locked(): boolean {
    return this.details?.seal?.locked === true && !this.amends;
  }

  /** Why nobody writes here, whatever the entry is. */
  get refusal(): Refusal | null {
    return refusalOf(desk.notebook(this.notebook));
  }

  /** It is read and copied, and takes no letter. */
  get readOnly(): boolean {
    return this.locked || this.refusal !== null;
  }

  /** From here on, what is changed on this page amends what was sealed. */
  amend(): void {
    this.amends = true;
    void this.buffer?.again();
  }

  /** Something about the entry changed that no event tells here. */
  readAgain(): Promise<void> {
    return this.#readDetails();
  }

  async readLinks(): Promise<void> {
    // Without an answer links stay what they were; the next change asks again.
    if (!(await this.links.read().catch(() => false)) || this.#closed) return;
    this.linksChanged += 1;
    this.shown?.linksRead();
  }

  /** What stands for parts of the text is otherwise. */
  drawAgain(): void {
    this.linksChanged += 1;
    this.shown?.linksRead();
  }

  /** The reading side is shown, or no longer. */
  set reading(yes: boolean) {
    this.#read = yes;
    if (yes && this.buffer) this.text = this.buffer.text;
  }

  /** Typed in the editor. */
  typed(changes: ChangeSet): void {
    this.buffer?.edited(changes);
    this.#textSoon();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#keepNow();
    const { buffer } = this;
    if (!buffer) return;
    const key = `${this.notebook}/${this.entry}`;
    leftBehind.set(key, buffer);
    await buffer.flush();
    if (buffer.dirty || leftBehind.get(key) !== buffer) return;
    buffer.close();
    leftBehind.delete(key);
  }

  /** The page is going away: what is unsent must be in the storage now. */
  leave(): void {
    this.#keepNow();
    void this.buffer?.flush();
  }

  /** What was typed lives elsewhere now. */
  discard(): void {
    this.buffer?.close();
    this.buffer = null;
    this.#keep(null);
  }

  event(notice: Notice): void {
    if (notice.entry !== this.entry) {
      // A timestamp names seals, and may be of one of these.
      if (this.#isSidecar(notice.path) || notice.type === 'timestamped') this.#detailsSoon();
      return;
    }
    if (notice.type === 'entry.deleted') {
      this.deletedVersion = notice.version ?? null;
      // What was typed without knowing of it brings the entry back.
      if (this.buffer?.dirty) void this.buffer.flush();
      else this.gone = true;
      return;
    }
    if (notice.type === 'entry.created') this.gone = false;
    if (notice.type === 'entry.modified' || notice.type === 'entry.created') void this.buffer?.refresh(notice.version);
    this.#detailsSoon();
  }

  /** The daemon is back, or events were missed. */
  reload(): void {
    void this.#open();
    void this.buffer?.again();
  }

  async setProperties(properties: Record<string, PropertyValue>, remove: string[] = []): Promise<boolean> {
    try {
      // What was typed goes first, so that the change is made to the text that stands here.
      await this.buffer?.flush();
      const change: Parameters<typeof api.changeEntry>[2] = {};
      if (Object.keys(properties).length > 0) change.properties = properties;
      if (remove.length > 0) change.remove_properties = remove;
      if (this.amends) change.amend = true;
      await api.changeEntry(this.notebook, this.entry, change);
      await Promise.all([this.#readDetails(), this.buffer?.refresh()]);
      return true;
    } catch (error) {
      desk.fail(error);
      return false;
    }
  }

  /** Brings a version back; what is unsent here is sent first, so that it is a version too. */
  async restore(version: string): Promise<void> {
    try {
      await this.buffer?.flush();
      await api.restore(this.notebook, this.entry, version, this.amends);
      desk.say(t.entry.restored);
      if (this.buffer === null) await this.#open();
      else await Promise.all([this.#readDetails(), this.buffer.refresh()]);
    } catch (error) {
      desk.fail(error);
    }
  }

  /** Files beside an entry that hold its properties: `.name.json`, `name.xml`, a folder's `.metadata`. */
  #isSidecar(path: string | null | undefined): boolean {
    const own = this.details?.path;
    if (!path || !own || path === own) return false;
    if (path === `${own}/.metadata`) return true;
    const name = baseName(path).replace(/^\./, '');
    return parentPath(path) === parentPath(own) && name.startsWith(`${baseName(own).replace(/^\./, '')}.`);
  }

  async #open(): Promise<void> {
    await this.#readDetails();
    if (!this.isText || this.#closed || this.buffer || this.#opening) return;
    this.#opening = true;
    await this.#openText();
    this.#opening = false;
  }

  async #openText(): Promise<void> {
    try {
      const key = `${this.notebook}/${this.entry}`;
      const earlier = leftBehind.get(key);
      leftBehind.delete(key);
      await earlier?.flush();
      earlier?.close();
      const [orphan] = await drafts.takeOrphans({ notebook: this.notebook, entry: this.entry });
      const ports: BufferPorts = {
        read: () => api.readText(this.notebook, this.entry),
        write: (text, etag) => api.writeText(this.notebook, this.entry, text, etag, this.amends),
        apply: (changes) => {
          this.shown?.apply(changes);
          this.#textSoon();
        },
        state: (state) => {
          if (state.is === 'saved' && this.save.is !== 'saved') this.#detailsSoon();
          this.save = state;
          this.saved?.();
        },
        keep: (unsent) => this.#keep(unsent ? { ...unsent, notebook: this.notebook, entry: this.entry, path: this.details?.path ?? '' } : null),
        slow: t.save.slow,
      };
      const buffer = orphan ? TextBuffer.resume(orphan, ports) : new TextBuffer(await ports.read(), ports);
      if (this.#closed) return buffer.close();
      this.text = buffer.text;
      this.buffer = buffer;
    } catch (error) {
      this.problem = words(error);
    }
  }

  async #readDetails(): Promise<void> {
    try {
      this.details = await api.entry(this.notebook, this.entry);
      if (this.isMarkdown) void this.readLinks();
      this.gone = false;
      this.problem = null;
    } catch (error) {
      if (error instanceof api.ApiError && (error.status === 404 || error.status === 410)) {
        this.gone = true;
        const { deleted, version } = (error.details ?? {}) as { deleted?: boolean; version?: string };
        if (deleted && version) this.deletedVersion = version;
      } else if (this.details === null) this.problem = words(error);
    }
  }

  #detailsSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.#closed) void this.#readDetails();
    }, DETAILS_AFTER_MS);
  }

  #textSoon(): void {
    if (!this.#read) return;
    this.#textTimer ??= setTimeout(() => {
      this.#textTimer = null;
      this.text = this.buffer?.text ?? '';
    }, 120);
  }

  #keep(draft: Draft | null): void {
    this.#draft = draft;
    if (draft === null) {
      if (this.#draftTimer !== null) clearTimeout(this.#draftTimer);
      this.#draftTimer = null;
      this.kept = true;
      drafts.drop(this.notebook, this.entry);
    } else this.#draftTimer ??= setTimeout(() => this.#keepNow(), DRAFT_AFTER_MS);
  }

  #keepNow(): void {
    if (this.#draftTimer !== null) clearTimeout(this.#draftTimer);
    this.#draftTimer = null;
    if (this.#draft) this.kept = drafts.keep(this.#draft);
  }
}

/** Sends what earlier pages could not, except for the entry that is about to be opened here. */
export async function sendOrphans(except: string | null): Promise<void> {
  for (const draft of await drafts.takeOrphans({ except })) {
    const { notebook, entry, path } = draft;
    await new Promise<void>((done) => {
      const buffer = TextBuffer.resume(draft, {
        read: () => api.readText(notebook, entry),
        write: (text, etag) => api.writeText(notebook, entry, text, etag),
        apply: () => {},
        state: (state) => {
          if (state.is === 'saved') desk.say(t.recovered(path));
          else if (state.is === 'gone' || state.is === 'failing') desk.say(t.unsent(path), true);
          else return;
          // What could not be sent stays in the storage and is tried again by the next page.
          buffer.close();
          done();
        },
        keep: (unsent) => (unsent ? drafts.keep({ ...unsent, notebook, entry, path }) : drafts.drop(notebook, entry)),
        slow: t.save.slow,
      });
    });
  }
}
