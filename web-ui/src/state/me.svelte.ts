/** Who sits here: what was said once is told to every notebook that is opened or joined from this page. */
import * as people from '../api/people';
import type { Status } from '../api/types';

const KEY = 'codex.me';

interface Kept {
  name: string;
  colour: string;
  /** Notebooks that have not been told yet, by id. */
  untold: string[];
}

/** Colours that can be told apart, and read on in both light and dark. */
export const COLOURS = ['#17665f', '#2f5fa8', '#8a4fa8', '#b3406b', '#b3541e', '#8a6d00', '#4a7a2c', '#5a6068'];

function read(): Kept {
  try {
    const { name, colour, untold } = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>;
    return { name: typeof name === 'string' ? name : '', colour: colour && /^#[0-9a-f]{6}$/i.test(colour) ? colour : (COLOURS[0] ?? ''), untold: Array.isArray(untold) ? untold : [] };
  } catch {
    return { name: '', colour: COLOURS[0] ?? '', untold: [] };
  }
}

class Me {
  #kept = $state.raw<Kept>(read());
  #telling = new Set<string>();

  get name(): string {
    return this.#kept.name;
  }

  get colour(): string {
    return this.#kept.colour;
  }

  say(name: string, colour: string): void {
    this.#keep({ ...this.#kept, name: name.trim(), colour });
  }

  /** What the notebooks know already, when this browser knows nothing. */
  async known(): Promise<{ name: string; colour: string } | null> {
    const { items } = await people.members('');
    // Who said nothing goes by the device's name.
    const own = items.find((member) => member.this_device && member.person_name !== '' && member.person_name !== member.name);
    return own ? { name: own.person_name, colour: own.colour ?? this.colour } : null;
  }

  /** This notebook is to be told, as soon as one belongs to it. */
  tell(notebook: string): void {
    if (this.#kept.name !== '') this.#keep({ ...this.#kept, untold: [...new Set([...this.#kept.untold, notebook])] });
  }

  /** Tells whoever can be told now. */
  async settle(status: Status | null): Promise<void> {
    for (const id of this.#kept.untold) {
      const notebook = status?.notebooks.find((nb) => nb.id === id);
      if (!notebook?.role || notebook.state === 'joining' || notebook.state === 'failed' || this.#telling.has(id)) continue;
      this.#telling.add(id);
      try {
        await people.setProfile(id, this.name, this.colour);
        this.#keep({ ...this.#kept, untold: this.#kept.untold.filter((each) => each !== id) });
      } catch {
        // The next status tries again.
      }
      this.#telling.delete(id);
    }
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing asks again next time.
    }
  }
}

export const me = new Me();
