/** Moving entries with the links to them and out of them: looked at first, done, and taken back. */
import * as api from '../api/client';
import type { LinkChanges, MoveUndo } from '../api/types';
import { find } from '../i18n/en-find';
import { t } from '../i18n/en';
import { desk } from './desk.svelte';
import { baseName, parentPath } from './tree-model';

export interface Move {
  id: string;
  from: string;
  to: string;
}

/** What the moves would do to links: of each entry once. */
export async function look(notebook: string, moves: readonly Move[]): Promise<LinkChanges> {
  const entries = new Map<string, LinkChanges['entries'][number]>();
  const kept: LinkChanges['kept'] = [];
  for (const { id, to } of moves) {
    const { links } = await api.changeEntry(notebook, id, { path: to, links: 'preview' });
    for (const each of links?.entries ?? []) {
      const before = entries.get(each.entry);
      entries.set(each.entry, before ? { ...before, links: [...before.links, ...each.links].toSorted((a, b) => a.line - b.line) } : each);
    }
    kept.push(...(links?.kept ?? []));
  }
  return { entries: [...entries.values()], kept };
}

export const touches = ({ entries, kept }: LinkChanges): boolean => entries.length + kept.length > 0;
export const countOf = ({ entries }: LinkChanges): number => entries.reduce((sum, { links }) => sum + links.length, 0);

/** Says what was done, also where it broke off, with the way back. */
export async function carryOut(notebook: string, moves: readonly Move[], links: 'rewrite' | 'keep'): Promise<void> {
  const undos: MoveUndo[] = [];
  let changed = 0;
  try {
    for (const { id, from, to } of moves) {
      const answer = await api.changeEntry(notebook, id, { path: to, links });
      undos.push(answer.links?.undo ?? { entry: id, path: from, texts: [] });
      changed += answer.links && links === 'rewrite' ? countOf(answer.links) : 0;
    }
  } finally {
    const [one] = moves;
    if (one && undos.length > 0) {
      const renamed = moves.length === 1 && parentPath(one.from) === parentPath(one.to);
      const said = renamed ? find.renamed(baseName(one.to)) : t.tree.moved(undos.length, parentPath(one.to));
      desk.say(`${said}${changed > 0 ? ` ${find.followed(changed)}` : ''}`, false, { label: t.tree.undo, run: () => void takeBack(notebook, undos) });
    }
  }
}

/** The last one first: it may stand on those before. */
async function takeBack(notebook: string, undos: readonly MoveUndo[]): Promise<void> {
  try {
    for (const undo of undos.toReversed()) await api.undoMove(notebook, undo);
    desk.say(find.takenBack);
  } catch (error) {
    desk.fail(error);
  }
}
