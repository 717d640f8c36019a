/** What the ending of a file's name says it is. Pure. */

/** `.md` of `note.md`; none of `note`, `.hidden`, `version 1.2` and `of Dr. Lamb`. */
export function endingOf(name: string): string {
  const ending = /(?<=.)\.[a-z0-9]{1,12}$/i.exec(name)?.[0] ?? '';
  return /[a-z]/i.test(ending) ? ending : '';
}

/** A new name as it is meant: a file stays what it is, unless another ending is given, or a dot at the end says that it is to have none. */
export function renamed(before: string, typed: string): string {
  if (typed.endsWith('.')) return typed.replace(/\.+$/, '') || typed;
  return endingOf(typed) === '' ? typed + endingOf(before) : typed;
}
