/** Dragging in the tree, and onto it from the desktop. */
import type { LinkChanges } from '../api/types';
import { t } from '../i18n/en';
import { desk } from './desk.svelte';
import { type Dropped, droppedIn } from './dropped';
import { outermost } from './selection';
import { type Row, baseName, joinPath, parentPath } from './tree-model';
import { uploads } from './uploads.svelte';

/** What the tree's own drags are called. */
const OWN = 'application/x-codex-entries';
/** A folder opens when something is held over it for so long. */
const OPEN_AFTER_MS = 700;

export interface Dragged {
  id: string;
  path: string;
}

export class TreeDrag {
  /** The folder that would take what is dragged; nothing while nothing is. */
  over = $state<string | null>(null);

  #timer: ReturnType<typeof setTimeout> | null = null;
  #row: string | null = null;

  constructor(
    private readonly notebook: string,
    private readonly open: (id: string) => void,
    /** Somebody is to agree to what becomes of links. */
    private readonly ask: (entries: Dragged[], folder: string, changes: LinkChanges) => void,
  ) {}

  start(event: DragEvent, items: readonly Dragged[]): void {
    if (!event.dataTransfer) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData(OWN, JSON.stringify(outermost(items).map(({ id, path }) => ({ id, path }))));
    event.dataTransfer.setData('text/plain', items.map(({ path }) => path).join('\n'));
  }

  /** Something is held over a row, or over nothing. */
  hold(event: DragEvent, row: Row | undefined): void {
    const types = event.dataTransfer?.types ?? [];
    const own = types.includes(OWN);
    if (!own && !types.includes('Files')) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = own ? 'move' : 'copy';
    this.over = folderOf(row);
    const key = row?.key ?? null;
    if (key === this.#row) return;
    this.#row = key;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const closed = row?.is === 'entry' && row.item.kind === 'folder' && !row.open ? row.item.id : null;
    this.#timer = closed === null ? null : setTimeout(() => this.open(closed), OPEN_AFTER_MS);
  }

  leave(): void {
    this.over = null;
    this.#row = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async drop(event: DragEvent, row: Row | undefined): Promise<void> {
    const folder = folderOf(row);
    const own = event.dataTransfer?.getData(OWN) ?? '';
    const dropped: Promise<Dropped[]> = event.dataTransfer && own === '' ? droppedIn(event.dataTransfer) : Promise.resolve([]);
    event.preventDefault();
    this.leave();
    if (own !== '') return this.move(JSON.parse(own) as Dragged[], folder);
    try {
      await uploads.start(this.notebook, folder, await dropped);
    } catch (error) {
      desk.fail(error);
    }
  }

  async move(items: readonly Dragged[], folder: string): Promise<void> {
    const moving = items.filter(({ path }) => parentPath(path) !== folder && path !== folder);
    if (moving.some(({ path }) => folder.startsWith(`${path}/`))) return desk.say(t.tree.moveInside, true);
    if (moving.length === 0) return;
    const moves = moving.map(({ id, path }) => ({ id, from: path, to: joinPath(folder, baseName(path)) }));
    try {
      const { look, touches, carryOut } = await import('./moves');
      const changes = await look(this.notebook, moves);
      if (touches(changes)) this.ask(moving, folder, changes);
      else await carryOut(this.notebook, moves, 'rewrite');
    } catch (error) {
      desk.fail(error);
    }
  }
}

/** Where things go that are dropped on a row: into a folder, or beside a file. */
export function folderOf(row: Row | undefined): string {
  if (row?.is !== 'entry') return '';
  return row.item.kind === 'folder' ? row.item.path : parentPath(row.item.path);
}
