/** What several moves do to links, as one. Pure. */
import type { LinkChanges, MoveUndo } from '../api/types';

export interface Move {
  id: string;
  from: string;
  to: string;
}

type Link = LinkChanges['entries'][number]['links'][number];
type Entries = LinkChanges['entries'];

const folderOf = (path: string): string[] => path.split('/').slice(0, -1);

/** Where a path is when all has moved. */
function moved(path: string, moves: readonly Move[]): string {
  const by = moves.find(({ from }) => path === from || path.startsWith(`${from}/`));
  return by ? by.to + path.slice(by.from.length) : path;
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A target that is written as seen from one folder, as seen from another; the parts of it stay as they are written. */
function seenFrom(target: string, here: readonly string[], there: readonly string[]): string | null {
  if (target.startsWith('/')) return target;
  const parts = [...here];
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  let same = 0;
  while (same < there.length && same < parts.length - 1 && there[same] === plain(parts[same] ?? '')) same += 1;
  return [...there.slice(same).map(() => '..'), ...parts.slice(same)].join('/');
}

/** The links of an entry that one move alone would change, and those that another would: as they are when both are done. */
function both(path: string, moves: readonly Move[], mine: readonly Link[], theirs: readonly Link[]): Link[] {
  const rest = [...theirs];
  const out = mine.map((link) => {
    const at = rest.findIndex(({ line, from }) => line === link.line && from === link.from);
    const [other] = at < 0 ? [] : rest.splice(at, 1);
    // Both ends move: the one knows where the target is then, the other where it is seen from.
    const to = other ? (seenFrom(other.to, folderOf(path), folderOf(moved(path, moves))) ?? other.to) : link.to;
    return { ...link, to };
  });
  return [...out, ...rest];
}

const written = (entries: Iterable<Entries[number]>): Entries =>
  [...entries]
    .map((entry) => ({ ...entry, links: entry.links.filter(({ from, to }) => from !== to).toSorted((a, b) => a.line - b.line) }))
    .filter(({ links }) => links.length > 0);

const keptOnce = (all: readonly LinkChanges[]): LinkChanges['kept'] =>
  [...new Map(all.flatMap(({ kept }) => kept).map((link) => [`${link.entry} ${link.line} ${link.target}`, link])).values()];

/** Each is what one of the moves would do alone; together they change each link once, or not at all. */
export function together(moves: readonly Move[], alone: readonly LinkChanges[]): LinkChanges {
  const entries = new Map<string, Entries[number]>();
  alone.forEach(({ entries: touched }, at) => {
    const move = moves[at];
    for (const each of touched) {
      const before = entries.get(each.entry);
      if (!before) entries.set(each.entry, each);
      else {
        // What the move of the entry itself says is seen from where it goes.
        const own = move !== undefined && moved(each.path, [move]) !== each.path;
        const [mine, theirs] = own ? [each.links, before.links] : [before.links, each.links];
        entries.set(each.entry, { ...before, links: both(each.path, moves, mine, theirs) });
      }
    }
  });
  return { entries: written(entries.values()), kept: keptOnce(alone) };
}

/** Each is what one of the moves did, after those before it: what it comes to for each link. */
export function inTurn(done: readonly LinkChanges[]): LinkChanges {
  const entries = new Map<string, Entries[number]>();
  for (const each of done.flatMap(({ entries: touched }) => touched)) {
    const before = entries.get(each.entry);
    const links = [...(before?.links ?? [])];
    const taken = new Set<number>();
    for (const link of each.links) {
      const at = links.findIndex(({ line, to }, index) => line === link.line && to === link.from && !taken.has(index));
      taken.add(at < 0 ? links.length : at);
      if (at < 0) links.push(link);
      else links[at] = { line: link.line, from: links[at]?.from ?? link.from, to: link.to };
    }
    entries.set(each.entry, { ...(before ?? each), links });
  }
  return { entries: written(entries.values()), kept: keptOnce(done) };
}

/**
 * What takes all moves back, in the order to be sent. A text that several moves changed in turn goes back to before the
 * first of them in one edit: taken back one by one, the letters that the second took away come back as others than the
 * first wrote, and stay.
 */
export function allBack(undos: readonly MoveUndo[]): MoveUndo[] {
  const texts: MoveUndo['texts'] = [];
  for (const text of undos.flatMap((undo) => undo.texts)) {
    const at = texts.findIndex(({ entry, after }) => entry === text.entry && after === text.before);
    const [run] = at < 0 ? [] : texts.splice(at, 1);
    texts.push(run ? { ...text, before: run.before } : text);
  }
  // With the first that is sent: what cannot be taken back, as a locked text, is refused before anything moves.
  return undos.toReversed().map((undo, at) => ({ ...undo, texts: at === 0 ? texts.toReversed() : [] }));
}
