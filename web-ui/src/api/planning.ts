/** Tasks, templates, notes of days, and what is jotted down. */
import type { components } from './schema';
import { json, query } from './client';
import type { EntryDetails, FileRow, Page } from './types';

type Schemas = components['schemas'];

export type TaskItem = Schemas['TaskItem'];
export type TaskPage = Schemas['TaskPage'];
export type Template = Schemas['Page_Template']['items'][number];

/** Which tasks the daemon is to give. */
export interface WhichTasks {
  notebook?: string;
  status?: string;
  assignee?: string;
  tag?: string;
  path?: string;
  q?: string;
}

export const tasks = (which: WhichTasks, limit: number, cursor: string | null) =>
  json<TaskPage>('GET', `/tasks${query({ ...which, limit, cursor })}`);

/** Ticks a task off, or opens it again: the very box that was read, or nothing. */
export const tickTask = (task: string, done: boolean, amend = false) =>
  json<TaskItem>('PATCH', `/tasks/${encodeURIComponent(task)}`, { body: { done, amend } });

export const templates = (notebook: string) => json<Page<Template>>('GET', `/templates${query({ notebook })}`);

/** An entry made of a template; a path that ends with `/`, or is empty, is the folder for the template's own name. */
export const fromTemplate = (nb: string, what: { path: string; template: string; title: string }) =>
  json<EntryDetails>('POST', `/notebooks/${encodeURIComponent(nb)}/entries`, { body: what });

/** The note of a day: the one that is there, or a new one. */
export const daily = (nb: string, date: string) =>
  json<EntryDetails>('POST', `/notebooks/${encodeURIComponent(nb)}/daily`, { body: { date } });

export interface Jotting {
  notebook: string;
  content: string;
  title?: string;
  folder?: string;
  tags: string[];
}

export const jot = (what: Jotting) => json<EntryDetails>('POST', '/snippets', { body: what });

/** What was jotted down last. */
export const jottings = (notebook: string, limit: number) =>
  json<{ files: FileRow[] }>('POST', '/query', { body: { notebook_ids: [notebook], file_types: ['snippet'], sort: 'created desc', limit } });
