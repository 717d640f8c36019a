/** Light or dark: as the system has it, unless somebody said otherwise in this browser; and the theme, as it was known last. */
export type Appearance = 'system' | 'light' | 'dark';
const KEY = 'codex.appearance';
const THEME_KEY = 'codex.theme';

/** A theme that is shown. Its style sheet was cleaned by the daemon. */
export interface ShownTheme {
  id: string;
  category: 'light' | 'dark' | 'both';
  class_name: string;
  css: string;
}

function kept(): ShownTheme | null {
  try {
    return JSON.parse(localStorage.getItem(THEME_KEY) ?? 'null') as ShownTheme | null;
  } catch {
    return null;
  }
}

class Look {
  chosen = $state<Appearance>('system');
  theme = $state.raw<ShownTheme | null>(kept());
  #dark = $state(false);
  // Paper is light and plain, whatever the page wears.
  #sheet = new CSSStyleSheet({ media: 'screen' });
  #shown = '';
  #bare = 0;

  constructor() {
    document.adoptedStyleSheets.push(this.#sheet);
    const kept = localStorage.getItem(KEY);
    if (kept === 'light' || kept === 'dark') this.chosen = kept;
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.#dark = system.matches;
    system.addEventListener('change', () => {
      this.#dark = system.matches;
      this.#show();
    });
    this.#show();
  }

  /** Light or dark alone, where the theme is so. */
  get appearance(): Appearance {
    const { category } = this.theme ?? {};
    return category === 'light' || category === 'dark' ? category : this.chosen;
  }

  get dark(): boolean {
    return this.appearance === 'dark' || (this.appearance === 'system' && this.#dark);
  }

  choose(appearance: Appearance): void {
    this.chosen = appearance;
    if (appearance === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, appearance);
    this.#show();
  }

  /** Kept, so that the next page begins with it. */
  wear(theme: ShownTheme | null): void {
    this.theme = theme;
    try {
      if (theme) localStorage.setItem(THEME_KEY, JSON.stringify(theme));
      else localStorage.removeItem(THEME_KEY);
    } catch {
      // A browser that keeps nothing shows it a moment later next time.
    }
    this.#show();
  }

  /** In the page's own colours until that is over: a theme may say of its text what it likes. */
  bare(): () => void {
    this.#bare += 1;
    this.#sheet.disabled = true;
    return () => {
      this.#bare -= 1;
      this.#sheet.disabled = this.#bare > 0;
    };
  }

  #show(): void {
    const { css = '', class_name = '' } = this.theme ?? {};
    if (this.#shown !== css) this.#sheet.replaceSync(css);
    this.#shown = css;
    // On both: themes were written for either.
    for (const element of [document.documentElement, document.body]) {
      element.className = class_name;
      element.classList.toggle('dark', this.dark);
    }
    document.documentElement.dataset['appearance'] = this.appearance;
  }
}

export const look = new Look();
