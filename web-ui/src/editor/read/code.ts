/** Code in colours: the language comes when a block needs it. */
import { highlightCode } from '@lezer/highlight';
import type { LanguageSupport } from '@codemirror/language';
import { highlighting } from '../highlighting';
import { languageOf } from '../languages';

/** What is longer stays plain: it is parsed in one go. */
const LONGEST = 60_000;

/** Resolves when it is as coloured as it will be. */
export async function showCode(element: HTMLElement, info: string): Promise<void> {
  const language = languageOf(info);
  const text = element.textContent ?? '';
  if (!language || text.length > LONGEST) return;
  if (language.support) return draw(element, text, language.support);
  // A language that nobody knows, or that cannot be had now: the code stays plain.
  await language.load().then((support) => draw(element, text, support), () => {});
}

function draw(element: HTMLElement, text: string, support: LanguageSupport): void {
  const out = document.createDocumentFragment();
  const put = (part: string, classes: string) => {
    if (classes === '') return out.append(part);
    const span = document.createElement('span');
    span.className = classes;
    span.textContent = part;
    out.append(span);
  };
  highlightCode(text, support.language.parser.parse(text), highlighting, put, () => out.append('\n'));
  element.replaceChildren(out);
}
