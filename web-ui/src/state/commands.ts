/**
 * What can be done on the page: one name for each, its keys, and who does it at the moment. The keyboard, the list of
 * commands and the help all read this, so that they cannot say different things.
 */

/** In the order in which they are listed. `Mod` is Ctrl, and ⌘ on a Mac. */
export const COMMANDS = {
  switcher: 'Mod+O',
  commands: 'Mod+K',
  search: 'Mod+Shift+F',
  newNote: 'Alt+N',
  today: 'Alt+T',
  jot: 'Alt+J',
  newFolder: '',
  newView: '',
  upload: '',
  uploadFolder: '',
  importFile: '',
  save: 'Mod+S',
  mode: 'Mod+E',
  both: '',
  source: 'Mod+Shift+E',
  links: 'Alt+L',
  graph: '',
  comment: 'Mod+Alt+M',
  comments: '',
  activity: '',
  history: '',
  print: 'Mod+P',
  export: '',
  transform: '',
  seals: '',
  rename: '',
  delete: '',
  download: '',
  toTree: 'Alt+1',
  toEntry: 'Alt+2',
  tasks: 'Alt+3',
  searchPage: '',
  tags: '',
  conflicts: '',
  people: '',
  trash: '',
  settings: '',
  plugins: '',
  addNotebook: '',
  light: '',
  dark: '',
  system: '',
  help: '?',
} as const;

export type CommandId = keyof typeof COMMANDS;
type Does = Partial<Record<CommandId, (() => void) | false>>;

/** A field of a dialog that is closed already takes no letters, though it may have the focus for a moment. */
const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('dialog:not([open])') === null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** With Alt the key itself counts: what it would write differs from system to system. */
export function fits(keys: string, event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): boolean {
  if (keys === '') return false;
  const parts = keys.split('+');
  const key = parts.pop() ?? '';
  const alt = parts.includes('Alt');
  if ((event.ctrlKey || event.metaKey) !== parts.includes('Mod') || event.altKey !== alt) return false;
  if (key === '?') return event.key === '?';
  if (event.shiftKey !== parts.includes('Shift')) return false;
  return alt ? event.code === (/\d/.test(key) ? `Digit${key}` : `Key${key}`) : event.key.toUpperCase() === key;
}

class Commands {
  #does: Does[] = [];
  /** The keys of each: those that somebody chose, or else its own. */
  keysOf = (id: CommandId): string => COMMANDS[id];

  /** Until the answer is called. Of two who do the same, the later one is asked. */
  provide(does: Does): () => void {
    this.#does.push(does);
    return () => {
      this.#does = this.#does.filter((each) => each !== does);
    };
  }

  /** Those that can be done now. */
  now(): CommandId[] {
    return (Object.keys(COMMANDS) as CommandId[]).filter((id) => this.#find(id));
  }

  run(id: CommandId): void {
    this.#find(id)?.();
  }

  key(event: KeyboardEvent): void {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const id = this.now().find((each) => fits(this.keysOf(each), event));
    if (!id || (this.keysOf(id) === '?' && isTyping(event.target))) return;
    event.preventDefault();
    this.run(id);
  }

  #find(id: CommandId): (() => void) | undefined {
    return this.#does.findLast((each) => each[id])?.[id] || undefined;
  }
}

export const commands = new Commands();
