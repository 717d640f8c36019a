/** The history of one entry as it is read: the newest page first, then the rest, bit by bit. */
import * as api from '../api/client';
import * as past from '../api/lookback';
import * as people from '../api/people';
import type { EntryDetails, Notice, SealItem, VersionRow } from '../api/types';
import { words } from '../state/desk.svelte';
import { onTop, sealsOf, withNow } from './rows';

const FIRST = 100;
const PAGE = 1000;
/** So many are read by themselves; who wants to go further back says so. */
const BY_ITSELF = 20_000;
const AGAIN_MS = 250;

export class Timeline {
  rows = $state.raw<VersionRow[]>([]);
  details = $state.raw<EntryDetails | null>(null);
  /** The last version of what is deleted. */
  deletedVersion = $state<string | null>(null);
  seals = $state.raw<ReadonlyMap<string, SealItem[]>>(new Map());
  members = $state.raw<ReadonlyMap<string, people.Member>>(new Map());
  loaded = $state(false);
  problem = $state<string | null>(null);
  /** What is still to be read, and whether that goes on by itself. */
  cursor = $state<string | null>(null);
  reading = $state(false);

  /** Its page has been left. */
  closed = false;
  #known: VersionRow[] = [];
  #seals: readonly SealItem[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly notebook: string,
    readonly notebookId: string,
    readonly entry: string,
  ) {
    void this.#read();
  }

  get name(): string {
    return this.details?.name ?? '';
  }

  /** What somebody is called who made a version. */
  who(row: VersionRow): { name: string; colour: string | null } {
    const member = this.members.get(row.device);
    return { name: row.who || member?.who || member?.name || row.device_name || row.device.slice(0, 10), colour: member?.colour ?? null };
  }

  close(): void {
    this.closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  event(notice: Notice): void {
    if (notice.entry === this.entry || notice.type === 'timestamped' || notice.type === 'standing') this.soon();
  }

  /** Something happened: what is on top is read again. */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.closed) void this.#read();
    }, AGAIN_MS);
  }

  async goOn(most = BY_ITSELF): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const end = this.#known.length + most;
      while (this.cursor !== null && !this.closed && this.#known.length < end) {
        // What is newer than when the page before was read moves everything down: what is known is left out.
        const page = await past.history(this.notebook, this.entry, PAGE, this.cursor);
        const known = new Set(this.#known.map((row) => row.version));
        this.#known = [...this.#known, ...page.items.filter((row) => !known.has(row.version))];
        this.cursor = page.cursor ?? null;
        this.#show();
      }
    } catch (error) {
      this.problem = words(error);
    }
    this.reading = false;
  }

  async #read(): Promise<void> {
    try {
      const [page] = await Promise.all([past.history(this.notebook, this.entry, FIRST, null), this.#readDetails(), this.#readSeals(), this.#readMembers()]);
      if (this.closed) return;
      const joined = onTop(page.items, this.#known);
      const whole = joined === null || this.#known.length === 0;
      this.#known = joined ?? page.items;
      if (whole) this.cursor = page.cursor ?? null;
      this.#show();
      this.problem = null;
      this.loaded = true;
      if (whole) void this.goOn();
    } catch (error) {
      this.problem = words(error);
    }
  }

  #show(): void {
    this.rows = withNow(this.#known, this.details);
    this.seals = sealsOf(this.#seals, this.rows);
  }

  async #readDetails(): Promise<void> {
    try {
      this.details = await api.entry(this.notebook, this.entry);
      this.deletedVersion = null;
    } catch (error) {
      const { deleted, version } = (error instanceof api.ApiError ? (error.details ?? {}) : {}) as { deleted?: boolean; version?: string };
      if (!deleted || !version) throw error;
      this.deletedVersion = version;
      this.details = await this.#asItWas(version);
    }
  }

  /** What is known of something that is not there any more. */
  async #asItWas(version: string): Promise<EntryDetails> {
    const { to } = await past.diff(this.notebook, this.entry, version, version);
    return {
      id: this.entry, name: to.name, path: to.name, kind: to.kind, media_type: '', size: to.size, hash: to.hash, version, properties: {}, tags: [],
      created: '', modified: '', author: '', available: true, warnings: [], parent: to.parent ?? null,
    };
  }

  async #readSeals(): Promise<void> {
    this.#seals = await api.seals(this.notebook, this.entry).then((page) => page.items, () => this.#seals);
  }

  async #readMembers(): Promise<void> {
    if (this.members.size > 0) return;
    // Without an answer devices go by their own names.
    this.members = await people.members(this.notebookId).then((page) => new Map(page.items.map((one) => [one.device, one])), () => this.members);
  }
}
