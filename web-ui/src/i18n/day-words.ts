/** Days as people read them. Apart from `format`, which everything needs at once. */
import { addDays, dueDay } from '../state/days';
import { plan } from './en-planning';
import { LOCALES } from './format';

const formats = {
  long: new Intl.DateTimeFormat(LOCALES, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }),
  short: new Intl.DateTimeFormat(LOCALES, { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' }),
  year: new Intl.DateTimeFormat(LOCALES, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }),
  month: new Intl.DateTimeFormat(LOCALES, { month: 'long', year: 'numeric', timeZone: 'UTC' }),
};

/** A day as in `2026-12-01`, in words; what is no day stays as it is. */
export function dayWords(day: string, how: keyof typeof formats): string {
  const at = new Date(`${day.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? day : formats[how].format(at);
}

/** When something is due, as seen from today; with its time, if it has one. */
export function dueWords(due: string, today: string): string {
  const day = dueDay(due);
  const near: Record<string, string> = { [today]: plan.days.today, [addDays(today, 1)]: plan.tasks.tomorrow, [addDays(today, -1)]: plan.tasks.yesterday };
  const words = near[day] ?? dayWords(day, day.slice(0, 4) === today.slice(0, 4) ? 'short' : 'year');
  const time = /T.*(Z|[+-]\d{2}:?\d{2})$/i.test(due) ? new Date(due).toTimeString().slice(0, 5) : /[T ](\d{2}:\d{2})/.exec(due)?.[1];
  return time ? `${words}, ${time}` : words;
}
