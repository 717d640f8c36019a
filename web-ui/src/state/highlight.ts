/** Text and the parts of it that were found. */
import type { SnippetPart } from '../api/types';

/** Neighbours of one sort become one part, empty parts go, line ends become spaces. */
export function tidyParts(parts: readonly SnippetPart[] | null | undefined): SnippetPart[] {
  const tidy: SnippetPart[] = [];
  for (const { text, hit } of parts ?? []) {
    const flat = text.replace(/\s+/g, ' ');
    if (flat === '') continue;
    const last = tidy.at(-1);
    if (last && last.hit === hit) last.text += flat;
    else tidy.push({ text: flat, hit });
  }
  return tidy;
}

const plainWords = (query: string): string[] =>
  query
    .replace(/\S+:\S*/g, ' ')
    .split(/[\s"()*]+/)
    .filter((word) => word !== '' && !word.startsWith('-'))
    .sort((a, b) => b.length - a.length);

/** Marks the words of a query in a title. */
export function markWords(text: string, query: string): SnippetPart[] {
  const words = plainWords(query).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (words.length === 0) return [{ text, hit: false }];
  const found = new RegExp(`(${words.join('|')})`, 'giu');
  return text.split(found).flatMap((part, at) => (part === '' ? [] : [{ text: part, hit: at % 2 === 1 }]));
}

/** Marks a stretch of a text, wherever it stands. */
export function markText(text: string, says: string): SnippetPart[] {
  if (says === '') return [{ text, hit: false }];
  return text.split(says).flatMap((part, at) => [...(at === 0 ? [] : [{ text: says, hit: true }]), ...(part === '' ? [] : [{ text: part, hit: false }])]);
}

/** Those say nothing about tags or properties. */
const PLACES = /^-?(path|in|type|title|modified|created):/i;

/** Whether neither the text nor the name that are shown say why something was found: then its tags or properties do. */
export function isElsewhere(hit: { title?: string | null | undefined; path: string; snippet: readonly SnippetPart[] }, query: string): boolean {
  if (hit.snippet.some((part) => part.hit)) return false;
  const named = (query.match(/(?:"[^"]*"|\S)+:\S*/g) ?? []).some((part) => !PLACES.test(part));
  const said = `${hit.title ?? ''} ${hit.path}`.toLowerCase();
  return named || (plainWords(query).length > 0 && !plainWords(query).some((word) => said.includes(word.toLowerCase())));
}
