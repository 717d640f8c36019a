/**
 * One text being edited: what the daemon last said, what was typed since, and how the two come together.
 * Knows no DOM. At most one request is under way; everything else waits for its answer.
 *
 * A save names the version it was made from, and the daemon merges it there. A save whose answer was lost is
 * sent again as it was: the daemon knows the same bytes from the same version for the same save.
 */
import { ChangeSet, type Text } from '@codemirror/state';
import { ApiError, type TextContent } from '../api/client';
import { decode, encode, inEditor, inFile, shapeOf, type Shape } from './codec';
import { containsEdit, rebase, stringOf, toText } from './rebase';

/** So long after the last letter … */
const SAVE_AFTER_MS = 300;
/** … and so long after the first one that is unsaved, a save begins. */
const SAVE_WITHIN_MS = 800;
/** A save that takes longer is shown as failing: within two seconds after the letter that it carries. */
const PATIENCE_MS = 1000;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];

export type SaveState =
  | { is: 'saved' }
  | { is: 'unsaved' }
  | { is: 'saving' }
  | { is: 'failing'; why: string }
  | { is: 'gone' };

/** What is unsent and what it was made from. */
export interface Unsent {
  /** The editor's text at the version `etag`. */
  base: Text;
  etag: string;
  shape: Shape;
  /** From `base` to what was sent without an answer: it may or may not have arrived. */
  sent: ChangeSet | null;
  /** From there (or from `base`, when nothing was sent) to what stands in the editor. */
  typed: ChangeSet;
}

export interface BufferPorts {
  read(): Promise<TextContent>;
  write(text: string, etag: string): Promise<TextContent>;
  /** Others' changes, to be applied to the editor's document. */
  apply(changes: ChangeSet): void;
  state(state: SaveState): void;
  /** Keep it safe, or `null`: everything is acknowledged. */
  keep(unsent: Unsent | null): void;
  slow: string;
}

export class TextBuffer {
  #shape: Shape;
  #base: Text;
  #etag: string;
  #live: Text;
  /** From `#base` to `#live`. */
  #pending: ChangeSet;
  /** What was sent: the changes from `#base`, the text, and what was typed since then. */
  #sent: { changes: ChangeSet; text: Text; since: ChangeSet } | null = null;
  /** The daemon does not know the version that the text was made from: look what it has instead. */
  #baseLost = false;
  #busy = false;
  #saveWanted = false;
  #readWanted = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the oldest letter that no save carries yet was typed. */
  #since: number | null = null;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(
    content: TextContent,
    private readonly ports: BufferPorts,
  ) {
    this.#shape = shapeOf(content.text);
    this.#base = toText(decode(content.text, this.#shape));
    this.#live = this.#base;
    this.#etag = content.etag;
    this.#pending = ChangeSet.empty(this.#base.length);
  }

  /** What an earlier page could not send, as it stood there; it is sent at once. */
  static resume(unsent: Unsent, ports: BufferPorts): TextBuffer {
    const buffer = new TextBuffer({ text: '', etag: unsent.etag }, ports);
    buffer.#shape = unsent.shape;
    buffer.#base = unsent.base;
    buffer.#pending = unsent.sent ? unsent.sent.compose(unsent.typed) : unsent.typed;
    buffer.#live = buffer.#pending.apply(unsent.base);
    if (unsent.sent) buffer.#sent = { changes: unsent.sent, text: unsent.sent.apply(unsent.base), since: unsent.typed };
    buffer.#wantSave(0);
    return buffer;
  }

  get text(): string {
    return this.#live.toString();
  }

  get etag(): string {
    return this.#etag;
  }

  /** What was typed since the version that the text was made from, as far as the daemon has said. */
  get unsaved(): ChangeSet {
    return this.#pending;
  }

  /** Where a passage of the file's text at a version is in what stands in the editor; `null` if that is not known here. */
  here(version: string, start: number, end: number): { from: number; to: number } | null {
    if (!sameVersion(version, this.#etag)) return null;
    const at = (pos: number, side: 1 | -1) => this.#pending.mapPos(inEditor(this.#base, pos, this.#shape), side);
    return { from: at(start, 1), to: at(end, -1) };
  }

  /** Where a passage of what stands in the editor is in the file's text, at the version that the daemon said last. */
  inFile(from: number, to: number): { version: string; start: number; end: number } {
    const back = this.#pending.invertedDesc;
    const at = (pos: number, side: 1 | -1) => inFile(this.#base, back.mapPos(pos, side), this.#shape);
    return { version: versionOf(this.#etag), start: at(from, 1), end: at(to, -1) };
  }

  /** Whether something is not acknowledged yet. */
  get dirty(): boolean {
    return this.#sent !== null || !this.#live.eq(this.#base);
  }

  /** The editor's document was changed here. */
  edited(changes: ChangeSet): void {
    this.#live = changes.apply(this.#live);
    this.#pending = this.#pending.compose(changes);
    if (this.#sent) this.#sent.since = this.#sent.since.compose(changes);
    // What was typed and taken back is no change: it must not stand beside what others write there.
    else if (!this.dirty) this.#pending = ChangeSet.empty(this.#base.length);
    this.#keep();
    if (!this.#busy) this.#show();
    const now = Date.now();
    this.#since ??= now;
    if (this.#failures === 0) this.#wantSave(Math.max(0, Math.min(SAVE_AFTER_MS, this.#since + SAVE_WITHIN_MS - now)));
  }

  /** Saves at once; resolves when nothing is under way. */
  async flush(): Promise<void> {
    if (this.dirty) {
      this.#saveWanted = true;
      this.#go();
    }
    await this.#rest();
  }

  /** Somebody else changed the entry, or may have. */
  async refresh(version?: string | null): Promise<void> {
    if (version && sameVersion(version, this.#etag)) return;
    this.#readWanted = true;
    this.#go();
    await this.#rest();
  }

  /** The daemon is there again: no need to wait for the next try. */
  async again(): Promise<void> {
    this.#readWanted = true;
    this.#saveWanted = true;
    this.#go();
    await this.#rest();
  }

  /** No more timers; what is unsent stays in the drafts. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #rest(): Promise<void> {
    if (this.#busy) await new Promise<void>((done) => this.#idle.push(done));
  }

  #wantSave(ms: number): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#saveWanted = true;
      this.#go();
    }, ms);
  }

  #go(): void {
    if (this.#busy || this.#closed) return;
    if (!this.#readWanted && !(this.#saveWanted && this.dirty)) {
      this.#saveWanted = false;
      return;
    }
    this.#busy = true;
    void this.#work().finally(() => {
      this.#busy = false;
      const waiting = this.#idle.splice(0);
      for (const done of waiting) done();
    });
  }

  async #work(): Promise<void> {
    while (!this.#closed && (this.#readWanted || this.#saveWanted)) {
      try {
        if (this.#sent && !this.#baseLost) {
          // The answer tells what the entry says now: as good as reading it.
          this.#readWanted = false;
          await this.#save();
        } else if (this.#readWanted || this.#baseLost) {
          this.#readWanted = false;
          this.#received(await this.ports.read());
        } else {
          this.#saveWanted = false;
          if (this.dirty) await this.#save();
        }
        this.#failures = 0;
        this.#show();
      } catch (error) {
        if (!this.#failed(error)) return;
      }
    }
  }

  async #save(): Promise<void> {
    this.#sent ??= { changes: this.#pending, text: this.#live, since: ChangeSet.empty(this.#live.length) };
    this.#since = null;
    const { text } = this.#sent;
    this.#keep();
    if (this.#failures === 0) this.ports.state({ is: 'saving' });
    const impatient = setTimeout(() => this.ports.state({ is: 'failing', why: this.ports.slow }), PATIENCE_MS);
    try {
      const said = encode(stringOf(text), this.#shape);
      const answer = await this.ports.write(said, this.#etag);
      this.#acknowledge();
      // Nobody else wrote: nothing is to be compared, which takes its time in a long text.
      if (answer.text === said) this.#based(answer.etag);
      else this.#rebase(answer);
    } catch (error) {
      if (error instanceof ApiError && (error.code === 'no_version' || error.code === 'outdated')) this.#baseLost = true;
      // Refused: it is certain that nothing has arrived.
      else if (!(error instanceof ApiError) || !error.unsure) this.#sent = null;
      throw error;
    } finally {
      clearTimeout(impatient);
    }
  }

  /** What was sent is part of the entry: it is the new base. */
  #acknowledge(): void {
    if (!this.#sent) return;
    this.#base = this.#sent.text;
    this.#pending = this.#sent.since;
    this.#sent = null;
  }

  #received(content: TextContent): void {
    if (this.#sent) {
      const now = decode(content.text, this.#shape);
      if (containsEdit(stringOf(this.#base), stringOf(this.#sent.text), now)) this.#acknowledge();
      this.#sent = null;
    }
    this.#baseLost = false;
    this.#rebase(content);
  }

  #rebase(content: TextContent): void {
    const remote = decode(content.text, this.#shape);
    const { toLive, pending } = rebase(stringOf(this.#base), this.#pending, remote);
    this.#base = toText(remote);
    this.#pending = pending;
    if (!toLive.empty) {
      this.#live = toLive.apply(this.#live);
      this.ports.apply(toLive);
    }
    this.#based(content.etag);
  }

  /** The base is what the daemon has at this version. */
  #based(etag: string): void {
    this.#etag = etag;
    if (!this.dirty) this.#pending = ChangeSet.empty(this.#base.length);
    this.#keep();
    if (this.dirty && this.#timer === null) this.#wantSave(SAVE_AFTER_MS);
  }

  /** Answers whether to go on at once. */
  #failed(error: unknown): boolean {
    if (this.#closed) return false;
    this.#keep();
    const why = error instanceof Error ? error.message : String(error);
    if (this.#baseLost && this.#failures === 0) {
      this.#failures += 1;
      this.#saveWanted = true;
      return true;
    }
    if (error instanceof ApiError && error.status === 404 && error.code === 'not_found') {
      this.#saveWanted = false;
      this.ports.state({ is: 'gone' });
      return false;
    }
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 15_000;
    this.#failures += 1;
    if (this.dirty) this.ports.state({ is: 'failing', why });
    this.#saveWanted = false;
    if (this.dirty) this.#wantSave(wait);
    else {
      this.#readWanted = false;
      setTimeout(() => void this.refresh(), wait);
    }
    return false;
  }

  #show(): void {
    if (this.#failures > 0) return;
    this.ports.state(this.dirty ? { is: 'unsaved' } : { is: 'saved' });
  }

  #keep(): void {
    if (!this.dirty) {
      this.ports.keep(null);
      return;
    }
    this.ports.keep({
      base: this.#base,
      etag: this.#etag,
      shape: this.#shape,
      sent: this.#sent?.changes ?? null,
      typed: this.#sent?.since ?? this.#pending,
    });
  }
}

/** An ETag is a version in quotes. */
export const versionOf = (etag: string): string => etag.replace(/^W\//, '').replace(/^"|"$/g, '');

export const sameVersion = (version: string, etag: string): boolean => versionOf(etag) === version;
