/** Keys that somebody chose for commands, in this browser. */
import { COMMANDS, type CommandId, commands } from './commands';

const KEY = 'codex.keys';
type Own = Partial<Record<CommandId, string>>;

function read(): Own {
  try {
    const kept = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>);
    return Object.fromEntries(kept.filter(([id, keys]) => id in COMMANDS && typeof keys === 'string' && (keys === '' || isKeys(keys))));
  } catch {
    return {};
  }
}

/** Keys that a browser does not give away. */
const BROWSERS = /^Mod\+(Shift\+)?[NTW]$/;
const isKeys = (keys: string): boolean => keys === '?' || /^(Mod\+)?(Alt\+)?(Shift\+)?[A-Z0-9]$/.test(keys) && /^(Mod|Alt)/.test(keys);

/** What was pressed, as commands have it; `null` for what they cannot have. A letter alone would be one of a text. */
export function pressed(event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string | null {
  const held = [event.ctrlKey || event.metaKey ? 'Mod+' : '', event.altKey ? 'Alt+' : ''].join('');
  if (event.key === '?' && held === '') return '?';
  // With Alt the key itself counts: what it would write differs from system to system.
  const key = event.altKey ? event.code.replace(/^(Key|Digit)(?=.$)/, '') : event.key.toUpperCase();
  const keys = `${held}${event.shiftKey ? 'Shift+' : ''}${key}`;
  return isKeys(keys) ? keys : null;
}

/** `Mod+K` as it stands on a key. */
export const keysText = (keys: string): string => keys.replace('Mod', 'Ctrl').replaceAll('+', ' ');

class OwnKeys {
  #own = $state.raw<Own>(read());

  get any(): boolean {
    return Object.keys(this.#own).length > 0;
  }

  of(id: CommandId): string {
    return this.#own[id] ?? COMMANDS[id];
  }

  /** All keys that do something on the page. */
  all(): string[] {
    return (Object.keys(COMMANDS) as CommandId[]).map((id) => this.of(id)).filter((keys) => keys !== '');
  }

  /** Why a command cannot have these keys. `texts`: keys that mean something in a text. */
  fault(id: CommandId, keys: string, texts: readonly string[]): { why: 'browser' | 'text' } | { why: 'taken'; by: CommandId } | null {
    if (BROWSERS.test(keys)) return { why: 'browser' };
    const by = (Object.keys(COMMANDS) as CommandId[]).find((each) => each !== id && this.of(each) === keys);
    if (by) return { why: 'taken', by };
    return keys !== COMMANDS[id] && texts.includes(keys.toLowerCase().replaceAll('+', '-')) ? { why: 'text' } : null;
  }

  /** `null`: as it was. */
  set(id: CommandId, keys: string | null): void {
    const { [id]: _, ...others } = this.#own;
    this.#own = keys === null || keys === COMMANDS[id] ? others : { ...others, [id]: keys };
    this.#keep();
  }

  reset(): void {
    this.#own = {};
    this.#keep();
  }

  #keep(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#own));
    } catch {
      // A browser that keeps nothing has them until it is closed.
    }
  }
}

export const ownKeys = new OwnKeys();
commands.keysOf = (id) => ownKeys.of(id);
