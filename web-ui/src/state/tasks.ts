/** Tasks as a list of rows: which are wanted, in which groups, in which order. Pure. */
import type { TaskItem } from '../api/planning';
import { addDays, dueDay, weekEnd } from './days';

export type Status = 'open' | 'done' | 'all';
export type By = 'due' | 'entry' | 'who' | 'tag';
const STATUSES: Status[] = ['open', 'done', 'all'];
export const BYS: By[] = ['due', 'entry', 'who', 'tag'];

/** Which tasks somebody looks at: it is kept in the address. */
export interface Wanted {
  status: Status;
  by: By;
  /** `me`, `none`, a name, or empty for everybody. */
  who: string;
  text: string;
  /** A notebook's slug, or empty for all. */
  notebook: string;
  /** A folder or an entry. */
  path: string;
  tag: string;
}

export const EVERYTHING: Wanted = { status: 'open', by: 'due', who: '', text: '', notebook: '', path: '', tag: '' };

export function wantedOf(query: string): Wanted {
  const said = new URLSearchParams(query);
  const one = <T extends string>(key: string, among: T[], otherwise: T) => among.find((each) => each === said.get(key)) ?? otherwise;
  return {
    status: one('status', STATUSES, 'open'),
    by: one('by', BYS, 'due'),
    who: said.get('who') ?? '',
    text: said.get('text') ?? '',
    notebook: said.get('notebook') ?? '',
    path: said.get('path') ?? '',
    tag: said.get('tag') ?? '',
  };
}

/** What is as it would be anyway is left out. */
export function queryOf(wanted: Wanted): string {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(wanted)) if (value !== EVERYTHING[key as keyof Wanted]) said.set(key, value);
  return said.toString();
}

export const isFiltered = (wanted: Wanted): boolean => ['who', 'text', 'notebook', 'path', 'tag'].some((key) => wanted[key as keyof Wanted] !== '');

/** Names a task while it is on the page: its id also names the version that was read. */
export const keyOf = (task: TaskItem): string => task.id.split('~').slice(0, 3).join('~');

/** Whether a name on a line means the person of this name: a line takes no space in a name. */
export function isMine(assignee: string | null | undefined, name: string): boolean {
  const bare = (text: string) => text.toLowerCase().replace(/[\s._-]+/g, '');
  if (!assignee || bare(name) === '') return false;
  return [name, name.trim().split(/\s+/)[0] ?? ''].some((each) => bare(each) === bare(assignee));
}

/** `own`: what whoever sits here is called, in one notebook or another. */
export const fits = (task: TaskItem, wanted: Wanted, own: readonly string[]): boolean =>
  (wanted.status === 'all' || task.done === (wanted.status === 'done')) &&
  (wanted.who === '' || (wanted.who === 'none' ? !task.assignee : (wanted.who === 'me' ? own : [wanted.who]).some((name) => isMine(task.assignee, name))));

/** The daemon's order: open first, what is due first before the rest. */
export function inOrder(tasks: readonly TaskItem[]): TaskItem[] {
  const key = (task: TaskItem): (string | number)[] => [Number(task.done), Number(!task.due), task.due ?? '', task.path, task.line];
  return tasks
    .map((task) => ({ task, key: key(task) }))
    .sort((a, b) => {
      const at = a.key.findIndex((part, index) => part !== b.key[index]);
      if (at < 0) return 0;
      return (a.key[at] ?? '') < (b.key[at] ?? '') ? -1 : 1;
    })
    .map(({ task }) => task);
}

export type When = 'overdue' | 'today' | 'week' | 'later' | 'none' | 'done';
const WHENS: When[] = ['overdue', 'today', 'week', 'later', 'none', 'done'];

export function whenOf(task: TaskItem, today: string): When {
  if (task.done) return 'done';
  if (!task.due) return 'none';
  const day = dueDay(task.due);
  if (day < today) return 'overdue';
  if (day === today) return 'today';
  return day <= weekEnd(today) ? 'week' : 'later';
}

export type TaskRow =
  | { is: 'group'; key: string; group: string; by: By; count: number; first: TaskItem }
  | { is: 'task'; key: string; task: TaskItem };

const groupsOf: Record<By, (task: TaskItem, today: string) => string[]> = {
  due: (task, today) => [whenOf(task, today)],
  entry: (task) => [`${task.notebook}/${task.entry}`],
  who: (task) => [(task.assignee ?? '').toLowerCase()],
  tag: (task) => (task.tags.length > 0 ? task.tags : ['']),
};

/** Tasks under the heads of their groups. One with two tags stands under both. */
export function rowsOf(tasks: readonly TaskItem[], by: By, today: string): TaskRow[] {
  const groups = new Map<string, TaskItem[]>();
  for (const task of tasks) {
    for (const group of groupsOf[by](task, today)) {
      const known = groups.get(group);
      if (known) known.push(task);
      else groups.set(group, [task]);
    }
  }
  const place = (group: string, [first]: TaskItem[]): string => {
    if (by === 'due') return String(WHENS.indexOf(group as When));
    // What has none comes last.
    return by === 'entry' ? (first?.path ?? '') : group === '' ? '\uffff' : group.toLowerCase();
  };
  const sorted = [...groups].map(([group, all]) => ({ group, all, place: place(group, all) })).sort((a, b) => a.place.localeCompare(b.place, undefined, { numeric: true }));
  return sorted.flatMap(({ group, all }): TaskRow[] => [
    ...all.slice(0, 1).map((first): TaskRow => ({ is: 'group', key: `group ${group}`, group, by, count: all.length, first })),
    ...all.map((task): TaskRow => ({ is: 'task', key: by === 'tag' ? `${group} ${keyOf(task)}` : keyOf(task), task })),
  ]);
}

/** What one types for a day, as a day: `today`, `tomorrow`, or a day. */
export function dayWord(word: string, today: string): string | null {
  if (word === 'today') return today;
  if (word === 'tomorrow') return addDays(today, 1);
  return null;
}
