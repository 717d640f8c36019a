/** Days and times of day as people say them. */
import { LOCALES } from './format';

const whole = new Intl.DateTimeFormat(LOCALES, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const clock = new Intl.DateTimeFormat(LOCALES, { hour: 'numeric', minute: '2-digit' });
const minute = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' } as const;
const exact = new Intl.DateTimeFormat(LOCALES, { ...minute, second: '2-digit' });
const exactYear = new Intl.DateTimeFormat(LOCALES, { ...minute, second: '2-digit', year: 'numeric' });
const short = new Intl.DateTimeFormat(LOCALES, minute);
const shortYear = new Intl.DateTimeFormat(LOCALES, { ...minute, year: 'numeric' });
const near = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** The day of a moment where one is, as `2026-11-27`; one and the same for all its moments. */
export function dayKey(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '';
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** “today”, “yesterday”, or the day with its date. */
export function dayName(key: string, now = new Date()): string {
  const [year = NaN, month = NaN, day = NaN] = key === '' ? [] : key.split('-').map(Number);
  const midnight = (y: number, m: number, d: number) => Date.UTC(y, m, d);
  const days = (midnight(year, month - 1, day) - midnight(now.getFullYear(), now.getMonth(), now.getDate())) / 86_400_000;
  if (!Number.isFinite(days)) return '';
  const name = days === 0 || days === -1 ? near.format(days, 'day') : whole.format(new Date(year, month - 1, day));
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** When in a day; from when to when, if that differs. */
export function clockTime(since: string, time: string): string {
  const [first, last] = [new Date(since), new Date(time)];
  if (Number.isNaN(last.getTime())) return '';
  const same = Number.isNaN(first.getTime()) || dayKey(since) !== dayKey(time) || clock.format(first) === clock.format(last);
  return same ? clock.format(last) : clock.formatRange(first, last);
}

const isThisYear = (at: Date, now: Date): boolean => at.getFullYear() === now.getFullYear();

/** The day, with its year if that is another, and when in it to the second. */
export function exactTime(iso: string, now = new Date()): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? '' : (isThisYear(at, now) ? exact : exactYear).format(at);
}

/** From when to when, with the day. */
export function spanTime(since: string, time: string, now = new Date()): string {
  const [first, last] = [new Date(since), new Date(time)];
  if (Number.isNaN(first.getTime()) || Number.isNaN(last.getTime()) || first > last) return exactTime(time, now);
  return (isThisYear(first, now) ? short : shortYear).formatRange(first, last);
}
