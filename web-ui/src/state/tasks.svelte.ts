/** The list of tasks as it is: read in pages, kept so by events, and changed from here. */
import * as api from '../api/client';
import * as planning from '../api/planning';
import type { TaskItem } from '../api/planning';
import type { Notice } from '../api/types';
import { plan } from '../i18n/en-planning';
import { desk, words } from './desk.svelte';
import { lineOfTask, nameOnLine, withAssignee, withDue, withTask, withTaskText } from './task-text';
import { type Wanted, inOrder, keyOf } from './tasks';

const PAGE = 2000;
/** More are not shown: whoever has so many looks at a part of them. */
const MOST = 20_000;
const AGAIN_MS = 300;
/** So many entries are read again one by one; beyond, the list is. */
const ONE_BY_ONE = 5;

export interface Change {
  due?: string | null;
  assignee?: string | null;
}

/** A tick, and what became of it: it may still be under way when it is taken back. */
interface Ticked {
  done: boolean;
  now: Promise<TaskItem | null>;
}

export class Tasks {
  items = $state.raw<TaskItem[]>([]);
  /** Tasks that there are; more than are read, perhaps. */
  total = $state(0);
  loaded = $state(false);
  problem = $state<string | null>(null);

  #wanted: Wanted | null = null;
  /** Questions asked so far: only the last one's answer counts. */
  #asked = 0;
  #reading = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  /** Entries that changed, by notebook and id, with their paths; `null`: nobody knows which. */
  #stale: Map<string, { notebook: string; entry: string; path: string }> | null = new Map();
  /** What was ticked here, the last one last: it can be taken back. */
  #ticked: Ticked[] = [];

  want(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#stale = null;
    void this.#readStale();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  event(notice: Notice): void {
    if (!notice.type.startsWith('entry.')) return;
    const { type, notebook, entry, path } = notice;
    // A folder that moves takes paths along that no event names.
    if (type !== 'entry.moved' && notebook && entry && path) this.#stale?.set(`${notebook}/${entry}`, { notebook, entry, path });
    else this.#stale = null;
    this.#soon();
  }

  reload(): void {
    this.#stale = null;
    this.#soon();
  }

  /** Ticks a task off, or opens it again. The list shows it at once, and takes it back when it is refused. */
  async tick(task: TaskItem, done: boolean, amend = false): Promise<void> {
    const ticked = { done, now: this.#tick(task, done, amend) };
    this.#ticked = [...this.#ticked.slice(-99), ticked];
    const now = await ticked.now;
    if (!this.#ticked.includes(ticked)) return;
    if (now) desk.say(plan.tasks.ticked(now.title, done), false, { label: plan.tasks.undo, run: () => void this.#takeBack(ticked) });
    else this.#forget(ticked);
  }

  /** Takes back what was ticked last. */
  undo(): void {
    const last = this.#ticked.at(-1);
    if (last) void this.#takeBack(last);
  }

  async #takeBack(ticked: Ticked): Promise<void> {
    if (!this.#ticked.includes(ticked)) return;
    this.#forget(ticked);
    const task = await ticked.now;
    if (!task) return;
    const now = await this.#tick(task, !ticked.done, false);
    // What was refused can be tried again.
    if (now) desk.say(plan.tasks.ticked(now.title, !ticked.done));
    else this.#ticked = [...this.#ticked, ticked];
  }

  #forget(ticked: Ticked): void {
    this.#ticked = this.#ticked.filter((each) => each !== ticked);
  }

  async #tick(task: TaskItem, done: boolean, amend: boolean): Promise<TaskItem | null> {
    this.#put(task, { ...task, done, overdue: task.overdue && !done, done_at: null, done_by: null, done_by_name: null });
    try {
      const now = await planning.tickTask(task.id, done, amend);
      this.#put(task, now);
      return now;
    } catch (error) {
      this.#put(task, task);
      this.#refused(error, () => void this.tick(task, done, true));
      return null;
    }
  }

  /** Says when a task is due and whose it is: in its line, or in its entry's properties. Answers what was wrong. */
  async change(task: TaskItem, change: Change, amend = false): Promise<string | null> {
    try {
      if (task.kind === 'entry') await this.#changeEntry(task, change, amend);
      else await this.#changeLine(task, change, amend);
      this.#staleOne(task.notebook, task.entry, task.path);
      return null;
    } catch (error) {
      this.reload();
      return words(error);
    }
  }

  /** Writes one more task into an entry. */
  async add(notebook: string, entry: string, path: string, text: string): Promise<void> {
    const content = await api.readText(notebook, entry);
    await api.writeText(notebook, entry, withTask(content.text, text), content.etag);
    this.#staleOne(notebook, entry, path);
  }

  async #changeEntry(task: TaskItem, { due, assignee }: Change, amend: boolean): Promise<void> {
    const { properties: now } = await api.entry(task.notebook, task.entry);
    const properties: Record<string, string> = {};
    const remove: string[] = [];
    if (due === null) remove.push(...['due_date', 'due'].filter((key) => key in now));
    else if (due !== undefined) properties['due' in now && !('due_date' in now) ? 'due' : 'due_date'] = due;
    if (assignee === null) remove.push(...['assignee'].filter((key) => key in now));
    else if (assignee !== undefined) properties['assignee'] = assignee;
    await api.changeEntry(task.notebook, task.entry, { properties, remove_properties: remove, ...(amend ? { amend } : {}) });
  }

  async #changeLine(task: TaskItem, { due, assignee }: Change, amend: boolean): Promise<void> {
    const { text, etag } = await api.readText(task.notebook, task.entry);
    const line = lineOfTask(text.split('\n'), task.line, task.text);
    if (line === null) throw new api.ApiError(409, 'task_changed', plan.tasks.moved(task.title));
    const next = withTaskText(text, line, (said) => {
      const timed = due === undefined ? said : withDue(said, due);
      return assignee === undefined ? timed : withAssignee(timed, assignee === null ? null : nameOnLine(assignee));
    });
    await api.writeText(task.notebook, task.entry, next, etag, amend);
  }

  #refused(error: unknown, again: () => void): void {
    if (error instanceof api.ApiError && error.status === 423) desk.say(words(error), true, { label: plan.tasks.amend, run: again });
    else desk.fail(error);
    this.reload();
  }

  #put(was: TaskItem, now: TaskItem): void {
    const key = keyOf(was);
    this.items = this.items.map((task) => (keyOf(task) === key ? now : task));
  }

  #staleOne(notebook: string, entry: string, path: string): void {
    const id = desk.notebook(notebook)?.id ?? notebook;
    this.#stale?.set(`${id}/${entry}`, { notebook: id, entry, path });
    this.#soon();
  }

  #soon(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#readStale();
    }, AGAIN_MS);
  }

  async #readStale(): Promise<void> {
    if (this.#closed || !this.#wanted) return;
    // What comes meanwhile waits for the answer.
    const whole = this.#stale === null || this.#stale.size > ONE_BY_ONE || !this.loaded || this.total > this.items.length;
    if (this.#reading > 0 && !whole) return this.#soon();
    const stale = this.#stale === null ? [] : [...this.#stale.values()];
    this.#stale = new Map();
    const number = (this.#asked += 1);
    this.#reading += 1;
    try {
      if (whole) await this.#readAll(this.#wanted, number);
      else for (const one of stale) await this.#readOne(this.#wanted, number, one);
      if (number === this.#asked) this.problem = null;
    } catch (error) {
      if (number === this.#asked) {
        this.problem = words(error);
        this.#stale = null;
      }
    } finally {
      this.#reading -= 1;
    }
    if (number === this.#asked) this.loaded = true;
  }

  #which({ status, who, text, notebook, path, tag }: Wanted): planning.WhichTasks {
    // A name may stand in a line in more ways than one: whose a task is, the page looks at.
    return { status, q: text, notebook, path, tag, ...(who === 'none' ? { assignee: who } : {}) };
  }

  async #readAll(wanted: Wanted, number: number): Promise<void> {
    const items: TaskItem[] = [];
    let cursor: string | null = null;
    let total = 0;
    do {
      const page: planning.TaskPage = await planning.tasks(this.#which(wanted), PAGE, cursor);
      if (number !== this.#asked || this.#closed) return;
      items.push(...page.items);
      cursor = page.cursor ?? null;
      total = page.total;
    } while (cursor !== null && items.length < MOST);
    // Between two pages the list may have moved on.
    this.items = [...new Map(items.map((task) => [keyOf(task), task])).values()];
    this.total = cursor === null ? this.items.length : total;
  }

  /** The tasks of one entry, anew. */
  async #readOne(wanted: Wanted, number: number, { notebook, entry, path }: { notebook: string; entry: string; path: string }): Promise<void> {
    const known = this.items.some((task) => task.entry === entry);
    if (wanted.notebook !== '' && desk.notebook(wanted.notebook)?.id !== notebook) return;
    const inside = wanted.path === '' || path === wanted.path || path.startsWith(`${wanted.path}/`);
    if (!known && !inside) return;
    const page = await planning.tasks({ ...this.#which(wanted), notebook, path }, PAGE, null);
    if (number !== this.#asked || this.#closed) return;
    if (page.cursor) return this.reload();
    const now = inside ? page.items.filter((task) => task.entry === entry) : [];
    this.items = inOrder([...this.items.filter((task) => task.entry !== entry), ...now]);
    this.total = this.items.length;
  }
}
