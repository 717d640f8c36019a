/** Moving entries with the links to them and out of them: looked at first, done, and taken back. */
import * as api from '../api/client';
import type { LinkChanges, MoveUndo } from '../api/types';
import { find } from '../i18n/en-find';
import { t } from '../i18n/en';
import { desk } from './desk.svelte';
import { type Move, allBack, inTurn, together } from './link-changes';
import { baseName, parentPath } from './tree-model';

export type { Move } from './link-changes';

/** What the moves would do to links, all of them together: each link once. */
export async function look(notebook: string, moves: readonly Move[]): Promise<LinkChanges> {
  const alone: LinkChanges[] = [];
  for (const { id, to } of moves) {
    const { links } = await api.changeEntry(notebook, id, { path: to, links: 'preview' });
    alone.push(links ?? { entries: [], kept: [] });
  }
  return together(moves, alone);
}

export const touches = ({ entries, kept }: LinkChanges): boolean => entries.length + kept.length > 0;
export const countOf = ({ entries }: LinkChanges): number => entries.reduce((sum, { links }) => sum + links.length, 0);

/** Says what was done, also where it broke off, with the way back. */
export async function carryOut(notebook: string, moves: readonly Move[], links: 'rewrite' | 'keep'): Promise<void> {
  const undos: MoveUndo[] = [];
  const done: LinkChanges[] = [];
  try {
    for (const { id, from, to } of moves) {
      const answer = await api.changeEntry(notebook, id, { path: to, links });
      undos.push(answer.links?.undo ?? { entry: id, path: from, texts: [] });
      if (answer.links) done.push(answer.links);
    }
  } finally {
    const [one] = moves;
    if (one && undos.length > 0) {
      const changed = countOf(inTurn(done));
      const renamed = moves.length === 1 && parentPath(one.from) === parentPath(one.to);
      const said = renamed ? find.renamed(baseName(one.to)) : t.tree.moved(undos.length, parentPath(one.to));
      desk.say(`${said}${changed > 0 ? ` ${find.followed(changed)}` : ''}`, false, { label: t.tree.undo, run: () => void takeBack(notebook, undos) });
    }
  }
}

/** The last one first: it may stand on those before. */
async function takeBack(notebook: string, undos: readonly MoveUndo[]): Promise<void> {
  try {
    for (const undo of allBack(undos)) await api.undoMove(notebook, undo);
    desk.say(find.takenBack);
  } catch (error) {
    desk.fail(error);
  }
}
