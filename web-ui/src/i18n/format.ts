/** Numbers, times and sizes as people read them: the words are English, dates and numbers those of the browser's languages. */

/** Without a browser, as in a test, English. */
export const LOCALES: string[] = typeof window === 'undefined' || typeof navigator === 'undefined' || navigator.languages.length === 0 ? ['en'] : [...navigator.languages];

const numbers = new Intl.NumberFormat(LOCALES);
const tenths = new Intl.NumberFormat(LOCALES, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const num = (n: number): string => numbers.format(n);

export const many = (n: number, one: string, more: string): string => `${num(n)} ${n === 1 ? one : more}`;

const date = new Intl.DateTimeFormat(LOCALES, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

export function fullTime(iso: string | null | undefined): string {
  const at = new Date(iso ?? '');
  return Number.isNaN(at.getTime()) ? '' : date.format(at);
}

/** “2 hours ago” within a week, the date before that. */
export function agoTime(iso: string | null | undefined, now = Date.now()): string {
  const at = new Date(iso ?? '').getTime();
  if (Number.isNaN(at)) return '';
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) > 7 * 86_400) return fullTime(iso);
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return 'just now';
}

export function byteSize(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? num(Math.round(value)) : tenths.format(value)} ${units[unit]}`;
}
