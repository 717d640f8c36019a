/** HTML in notes. It is a large language, with the scripts and styles that it may hold: it comes when a text has some, and the text is read again then. */
import { Language, LanguageDescription, LanguageSupport, ParseContext, defineLanguageFacet } from '@codemirror/language';
import { type Input, type PartialParse, Parser, type TreeFragment } from '@lezer/common';
import { StateEffect } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';

const whole = LanguageDescription.of({ name: 'html', load: async () => (await import('@codemirror/lang-html')).html({ matchClosingTags: false }) });

let ask: () => void;
const asked = new Promise<void>((done) => (ask = done));

class Later extends Parser {
  override createParse(input: Input, fragments: readonly TreeFragment[], ranges: readonly { from: number; to: number }[]): PartialParse {
    ask();
    const parser = whole.support?.language.parser ?? ParseContext.getSkippingParser(whole.load());
    return parser.createParse(input, fragments, ranges);
  }
}

/** What an editor does while HTML is typed, from when that has come. Without it the text is all there, with fewer colours. */
const support = ViewPlugin.define((view) => {
  let open = true;
  const add = (all: LanguageSupport) => open && view.dispatch({ effects: StateEffect.appendConfig.of(all.support) });
  asked.then(() => whole.load()).then(add, () => {});
  return { destroy: () => (open = false) };
});

const later = new LanguageSupport(new Language(defineLanguageFacet(), new Later(), [], 'html'), support);

// The build gives these to Markdown's language in the place of the whole of HTML: see `htmlLater` in vite.config.ts.
export const html = (): LanguageSupport => later;
export const htmlCompletionSource = (): null => null;
