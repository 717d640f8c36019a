/** Days by the calendar of whoever sits here. A day is written `2026-12-01`. Pure. */

const two = (n: number) => String(n).padStart(2, '0');
const written = (year: number, month: number, day: number) => `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;

/** The day that a moment is in, here. */
export const dayOf = (at: Date): string => written(at.getFullYear(), at.getMonth() + 1, at.getDate());

/** Reckoned without hours, so that no change of the clocks can move it. */
function parts(day: string): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, date));
}

const fromParts = (at: Date) => at.toISOString().slice(0, 10);

export function addDays(day: string, by: number): string {
  const at = parts(day);
  at.setUTCDate(at.getUTCDate() + by);
  return fromParts(at);
}

/** 0 is Monday. */
export const weekday = (day: string): number => (parts(day).getUTCDay() + 6) % 7;

/** The Sunday that ends a day's week. */
export const weekEnd = (day: string): string => addDays(day, 6 - weekday(day));

/** Whether a text is a day that the calendar has. */
export const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(parts(text).getTime()) && fromParts(parts(text)) === text;

/** The day that a date, or a date with time, falls on here. One with a zone may be another day there. */
export function dueDay(due: string): string {
  if (/T.*(Z|[+-]\d{2}:?\d{2})$/i.test(due)) {
    const at = new Date(due);
    if (!Number.isNaN(at.getTime())) return dayOf(at);
  }
  return due.slice(0, 10);
}

/** Milliseconds until the next day begins here. */
export const untilMidnight = (now: Date): number => new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();

export interface Month {
  /** `2026-12`. */
  month: string;
  /** Weeks from Monday to Sunday; `null` where a day is another month's. */
  weeks: (string | null)[][];
}

export const monthOf = (day: string): string => day.slice(0, 7);

export function addMonths(month: string, by: number): string {
  const at = parts(`${month}-01`);
  at.setUTCMonth(at.getUTCMonth() + by);
  return monthOf(fromParts(at));
}

export function monthGrid(month: string): Month {
  const first = `${month}-01`;
  const weeks: (string | null)[][] = [];
  for (let monday = addDays(first, -weekday(first)); monday < `${addMonths(month, 1)}-01`; monday = addDays(monday, 7)) {
    weeks.push(Array.from({ length: 7 }, (_, at) => addDays(monday, at)).map((day) => (monthOf(day) === month ? day : null)));
  }
  return { month, weeks };
}

/** The day before or behind that has a note, or is today; `null` when there is none. */
export function nextDay(day: string, by: 1 | -1, noted: ReadonlySet<string>, today: string): string | null {
  const beyond = [...noted, today].filter((each) => (by === 1 ? each > day : each < day)).sort();
  return (by === 1 ? beyond[0] : beyond.at(-1)) ?? null;
}
