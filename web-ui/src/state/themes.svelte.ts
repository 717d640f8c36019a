/** Which theme is worn: that of the workspace, else that of this device, else the page's own. Loaded after what was asked for is there. */
import * as api from '../api/plugins';
import { look } from './appearance.svelte';
import { desk, words } from './desk.svelte';

class Themes {
  appearance = $state.raw<api.Appearance>({ theme: null, workspaces: {} });
  /** Plugins with a theme that can be worn. */
  all = $state.raw<readonly api.Plugin[]>([]);
  problem = $state<string | null>(null);
  #workspace = 'default';
  #turn = 0;
  #sheets = new Map<string, string>();

  constructor() {
    desk.listen({ event: ({ type }) => type === 'plugins.changed' && void this.read(), reload: () => void this.read() });
  }

  /** The page is in this workspace from here on. */
  follow(workspace: string): void {
    if (workspace === this.#workspace && this.#turn > 0) return;
    this.#workspace = workspace;
    void this.read();
  }

  async read(): Promise<void> {
    const turn = (this.#turn += 1);
    try {
      const [appearance, { plugins }] = await Promise.all([api.appearance(), api.plugins({ workspace: this.#workspace })]);
      if (turn !== this.#turn) return;
      this.appearance = appearance;
      this.all = plugins.filter(({ theme, state }) => theme !== null && state === 'on');
      await this.#wear(turn);
    } catch (error) {
      // What is worn stays.
      this.problem = words(error);
    }
  }

  /** `null`: the page's own; in a workspace, that of the device. */
  async choose(theme: string | null, workspace?: string): Promise<void> {
    try {
      this.appearance = await api.setAppearance({ theme, ...(workspace === undefined ? {} : { workspace }) });
      await this.#wear((this.#turn += 1));
    } catch (error) {
      desk.fail(error);
    }
  }

  async #wear(turn: number): Promise<void> {
    const id = this.appearance.workspaces[this.#workspace] ?? this.appearance.theme;
    const plugin = this.all.find((each) => each.id === id);
    if (!plugin?.theme) {
      if (look.theme !== null) look.wear(null);
      return;
    }
    const sheet = `${plugin.id} ${plugin.hash}`;
    const css = this.#sheets.get(sheet) ?? (await api.themeCss(plugin.id, this.#workspace));
    this.#sheets.set(sheet, css);
    if (turn !== this.#turn) return;
    this.problem = null;
    const { category, class_name } = plugin.theme;
    const { theme } = look;
    if (theme?.id !== plugin.id || theme.css !== css || theme.category !== category) look.wear({ id: plugin.id, category, class_name, css });
  }
}

export const themes = new Themes();
