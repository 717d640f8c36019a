/** Light or dark: as the system has it, unless somebody said otherwise in this browser. */
export type Appearance = 'system' | 'light' | 'dark';
const KEY = 'codex.appearance';

class Look {
  chosen = $state<Appearance>('system');
  #dark = $state(false);

  constructor() {
    const kept = localStorage.getItem(KEY);
    if (kept === 'light' || kept === 'dark') this.chosen = kept;
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.#dark = system.matches;
    system.addEventListener('change', () => (this.#dark = system.matches));
    this.#show();
  }

  get dark(): boolean {
    return this.chosen === 'dark' || (this.chosen === 'system' && this.#dark);
  }

  choose(appearance: Appearance): void {
    this.chosen = appearance;
    if (appearance === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, appearance);
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset['appearance'] = this.chosen;
  }
}

export const look = new Look();
