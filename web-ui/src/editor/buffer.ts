/**
 * One text being edited: what the daemon last said, what was typed since, and how the two come together.
 * Knows no DOM. At most one request is under way; everything else waits for its answer.
 */
import { ChangeSet, type Text } from '@codemirror/state';
import { ApiError, type TextContent } from '../api/client';
import { decode, encode, shapeOf, type Shape } from './codec';
import { changesBetween, containsEdit, rebase, toText } from './rebase';

export const SAVE_AFTER_MS = 500;
/** A save that takes longer is shown as failing. */
export const PATIENCE_MS = 2000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];

export type SaveState =
  | { is: 'saved' }
  | { is: 'unsaved' }
  | { is: 'saving' }
  | { is: 'failing'; why: string }
  | { is: 'gone' };

/** What is unsent and what it was made from. */
export interface Unsent {
  base: string;
  etag: string;
  text: string;
  sent: string | null;
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
  /** A text that was sent, and what was typed since then. */
  #sent: { text: Text; since: ChangeSet } | null = null;
  #busy = false;
  #saveWanted = false;
  #readWanted = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
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

  get text(): string {
    return this.#live.toString();
  }

  get etag(): string {
    return this.#etag;
  }

  get dirty(): boolean {
    return !this.#live.eq(this.#base);
  }

  /** Takes up what an earlier page could not send. */
  adopt(unsent: Unsent): void {
    const now = this.#base.toString();
    const arrived = unsent.sent !== null && containsEdit(unsent.base, unsent.sent, now);
    const base = arrived && unsent.sent !== null ? unsent.sent : unsent.base;
    if (containsEdit(base, unsent.text, now)) {
      this.ports.keep(null);
      return;
    }
    const mine = rebase(base, changesBetween(base, unsent.text), now).pending;
    this.#live = mine.apply(this.#base);
    this.#pending = mine;
    this.ports.apply(mine);
    this.#wantSave(0);
  }

  /** The editor's document was changed here. */
  edited(changes: ChangeSet): void {
    this.#live = changes.apply(this.#live);
    this.#pending = this.#pending.compose(changes);
    if (this.#sent) this.#sent.since = this.#sent.since.compose(changes);
    this.#keep();
    if (!this.#busy) this.#show();
    this.#wantSave(SAVE_AFTER_MS);
  }

  /** Saves at once; resolves when nothing is under way. */
  async flush(): Promise<void> {
    if (this.dirty) {
      this.#saveWanted = true;
      this.#go();
    }
    if (this.#busy) await new Promise<void>((done) => this.#idle.push(done));
  }

  /** Somebody else changed the entry, or may have. */
  async refresh(version?: string): Promise<void> {
    if (version && sameVersion(version, this.#etag)) return;
    this.#readWanted = true;
    this.#go();
    if (this.#busy) await new Promise<void>((done) => this.#idle.push(done));
  }

  /** No more timers; what is unsent stays in the drafts. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
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
    if (!this.#readWanted && !(this.#saveWanted && (this.dirty || this.#sent))) {
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
        // After an answer that never came, look first whether the text has arrived.
        if (this.#readWanted || this.#sent) {
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
    const text = this.#live;
    this.#sent = { text, since: ChangeSet.empty(text.length) };
    this.#keep();
    if (this.#failures === 0) this.ports.state({ is: 'saving' });
    const impatient = setTimeout(() => this.ports.state({ is: 'failing', why: this.ports.slow }), PATIENCE_MS);
    try {
      const answer = await this.ports.write(encode(text.toString(), this.#shape), this.#etag);
      this.#acknowledge();
      this.#rebase(answer);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.unsure) this.#sent = null;
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
      const arrived =
        content.etag !== this.#etag && containsEdit(this.#base.toString(), this.#sent.text.toString(), now);
      if (arrived) this.#acknowledge();
      this.#sent = null;
    }
    this.#rebase(content);
  }

  #rebase(content: TextContent): void {
    const remote = decode(content.text, this.#shape);
    const { toLive, pending } = rebase(this.#base.toString(), this.#pending, remote);
    this.#base = toText(remote);
    this.#etag = content.etag;
    this.#pending = pending;
    if (!toLive.empty) {
      this.#live = toLive.apply(this.#live);
      this.ports.apply(toLive);
    }
    if (!this.dirty) this.#pending = ChangeSet.empty(this.#base.length);
    this.#keep();
    if (this.dirty && this.#timer === null) this.#wantSave(SAVE_AFTER_MS);
  }

  /** Answers whether to go on at once. */
  #failed(error: unknown): boolean {
    if (this.#closed) return false;
    this.#keep();
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
      this.ports.state({ is: 'gone' });
      return false;
    }
    if (error instanceof ApiError && error.status === 412 && this.#failures === 0) {
      this.#failures += 1;
      this.#readWanted = true;
      this.#saveWanted = true;
      return true;
    }
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 15_000;
    this.#failures += 1;
    this.ports.state({ is: 'failing', why });
    this.#saveWanted = false;
    if (this.dirty || this.#sent) this.#wantSave(wait);
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
    if (!this.dirty && !this.#sent) {
      this.ports.keep(null);
      return;
    }
    this.ports.keep({
      base: this.#base.toString(),
      etag: this.#etag,
      text: this.#live.toString(),
      sent: this.#sent?.text.toString() ?? null,
    });
  }
}

/** An ETag is a version in quotes. */
export function sameVersion(version: string, etag: string): boolean {
  return etag.replace(/^W\//, '').replace(/^"|"$/g, '') === version;
}
