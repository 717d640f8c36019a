/** Names after `@`: what is being typed, and who is meant by what is written. Pure. */

/** The `@…` that ends at the cursor, where it begins and what of the name is there. */
export function typedName(text: string, cursor: number): { from: number; part: string } | null {
  const found = /(?:^|[^\p{L}\p{N}@])@([^@\n]{0,40})$/u.exec(text.slice(0, cursor));
  const part = found?.[1];
  if (part === undefined || /^\s/.test(part) || /\s\S*\s\S*\s/.test(part)) return null;
  return { from: cursor - part.length - 1, part };
}

/** Names of which a word begins with it; those that begin with it come first. */
export function fitting<T extends { name: string }>(persons: readonly T[], part: string): T[] {
  const wanted = part.toLowerCase();
  const begins = (name: string) => name.toLowerCase().startsWith(wanted);
  const fits = persons.filter(({ name }) => name !== '' && (begins(name) || name.split(/\s+/).some(begins)));
  return fits.sort((a, b) => Number(begins(b.name)) - Number(begins(a.name)));
}

/** A text in pieces: what names somebody, by the whole name or its first word, and what does not. */
export function pieces(text: string, names: readonly string[]): { text: string; name: boolean }[] {
  const spoken = names.flatMap((name) => [name, name.split(/\s+/)[0] ?? '']).filter((name) => name !== '');
  if (spoken.length === 0) return [{ text, name: false }];
  const any = [...new Set(spoken)].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const parts = text.split(new RegExp(`(@(?:${any.join('|')})(?![\\p{L}\\p{N}]))`, 'giu'));
  return parts.flatMap((part, at) => (part === '' ? [] : [{ text: part, name: at % 2 === 1 }]));
}
