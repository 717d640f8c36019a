/** Comments: threads about an entry or a passage of it. */
import type { components } from './schema';
import { json, query } from './client';
import type { Page } from './types';

type Schemas = components['schemas'];

export type Thread = Schemas['ThreadItem'];
export type Comment = Schemas['CommentItem'];
export type NewThread = Schemas['NewThread'];

const id = encodeURIComponent;
const of = (nb: string, e: string) => `/notebooks/${id(nb)}/entries/${id(e)}/comments`;

export const threads = (nb: string, e: string) => json<Page<Thread>>('GET', of(nb, e));
export const begin = (nb: string, e: string, thread: NewThread) => json<Thread>('POST', of(nb, e), { body: thread });
export const reply = (nb: string, e: string, thread: string, text: string) => json<Thread>('POST', `${of(nb, e)}/${id(thread)}/replies`, { body: { text } });
export const settle = (nb: string, e: string, thread: string, how: 'resolve' | 'reopen') => json<Thread>('POST', `${of(nb, e)}/${id(thread)}/${how}`, { body: {} });
/** Other words for one's own. */
export const change = (nb: string, e: string, comment: string, text: string) => json<Thread>('PATCH', `${of(nb, e)}/${id(comment)}`, { body: { text } });
export const takeBack = (nb: string, e: string, comment: string) => json<unknown>('DELETE', `${of(nb, e)}/${id(comment)}`);

export interface Which {
  status: 'open' | 'resolved' | 'all';
  mentionsMe: boolean;
  limit: number;
  cursor?: string | null;
}

/** Threads of all notebooks, those first in which something was said last. */
export const everywhere = ({ status, mentionsMe, limit, cursor }: Which) =>
  json<Page<Thread>>('GET', `/comments${query({ status, mentions_me: mentionsMe ? 'true' : undefined, limit, cursor })}`);
