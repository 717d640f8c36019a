/** Languages of code blocks by the names they go by. Each comes when a block needs it, and the list of them too. */
import { LanguageDescription, LanguageSupport, StreamLanguage } from '@codemirror/language';

const known = new Map<string, LanguageDescription>();

/** What a block's first line calls its language: the word before `{`, `,` or a space. */
export const languageName = (info: string): string => /^[^\s{,]*/.exec(info.trim())?.[0].toLowerCase() ?? '';

/** `null` for no language at all. One that nobody knows has no colours. */
export function languageOf(info: string): LanguageDescription | null {
  const name = languageName(info);
  if (name === '' || name === 'text' || name === 'mermaid') return null;
  const found = known.get(name);
  if (found !== undefined) return found;
  const language = LanguageDescription.of({ name, load: () => load(name) });
  known.set(name, language);
  return language;
}

const plain = () => new LanguageSupport(StreamLanguage.define({ token: (line) => (line.skipToEnd(), null) }));

async function load(name: string): Promise<LanguageSupport> {
  const { languages } = await import('@codemirror/language-data');
  const found = LanguageDescription.matchLanguageName(languages, name, true);
  return found ? found.load() : plain();
}
