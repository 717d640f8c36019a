/** Tags as a tree: `lab/wet` is below `lab`. Pure. */
import type { PropertyValue, TagRow } from '../api/types';
import { quoted } from './operators';

export interface TagNode {
  /** The tag, as it is written most often. */
  tag: string;
  /** Its last part. */
  name: string;
  key: string;
  /** Entries that carry exactly this one. */
  own: number;
  /** How often it, or one below it, is written: the entries that carry one are so many at most. */
  most: number;
  /** In how many ways that is written: with one, `most` is the entries. */
  ways: number;
  below: TagNode[];
}

export interface TagLine {
  node: TagNode;
  depth: number;
  open: boolean;
  /** The key of what it is below. */
  parent: string | null;
}

/** Two tags that the search takes for one have one key: it minds no case of A to Z. */
export const tagKey = (tag: string): string => tag.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Parts of a tag. One that has an empty part is a whole. */
const partsOf = (tag: string): string[] => {
  const parts = tag.split('/');
  return parts.includes('') ? [tag] : parts;
};

/** `rows`: the most used first. */
export function tagTree(rows: readonly TagRow[]): TagNode[] {
  const known = new Map<string, TagNode>();
  const top: TagNode[] = [];
  for (const { tag, count } of rows) {
    const parts = partsOf(tag);
    let level = top;
    parts.forEach((name, at) => {
      const path = parts.slice(0, at + 1).join('/');
      const key = tagKey(path);
      let node = known.get(key);
      if (!node) {
        node = { tag: path, name, key, own: 0, most: 0, ways: 0, below: [] };
        known.set(key, node);
        level.push(node);
      }
      node.most += count;
      node.ways += 1;
      if (at === parts.length - 1) {
        // A folder of tags that only its members named so far has a spelling of its own.
        if (node.own === 0) [node.tag, node.name] = [path, name];
        node.own += count;
      }
      level = node.below;
    });
  }
  const sort = (nodes: TagNode[]) => {
    nodes.sort((a, b) => a.name.localeCompare(b.name));
    for (const { below } of nodes) sort(below);
  };
  sort(top);
  return top;
}

const all = (nodes: readonly TagNode[]): TagNode[] => nodes.flatMap((node) => [node, ...all(node.below)]);

/** The tag and those below it, or `null`. */
export const tagAt = (nodes: readonly TagNode[], tag: string): TagNode | null => all(nodes).find(({ key }) => key === tagKey(tag)) ?? null;

/** Lines of the tree. With a filter: what holds it, and what that is below, all of it open. */
export function tagLines(nodes: readonly TagNode[], open: ReadonlySet<string>, filter = ''): TagLine[] {
  const wanted = filter.trim().replace(/^#/, '').toLowerCase();
  const holds = ({ tag, below }: TagNode): boolean => tag.toLowerCase().includes(wanted) || below.some(holds);
  const lines: TagLine[] = [];
  const visit = (level: readonly TagNode[], depth: number, parent: string | null) => {
    for (const node of level) {
      if (wanted !== '' && !holds(node)) continue;
      const isOpen = node.below.length > 0 && (open.has(node.key) || (wanted !== '' && node.below.some(holds)));
      lines.push({ node, depth, open: isOpen, parent });
      if (isOpen) visit(node.below, depth + 1, node.key);
    }
  };
  visit(nodes, 0, null);
  return lines;
}

/** What `tag` is below, the topmost first, and it itself. */
export const tagPath = (tag: string): string[] => partsOf(tag).map((_, at, parts) => parts.slice(0, at + 1).join('/'));

/** The search line for a tag and what is below it. */
export const tagQuery = (tag: string): string => `tag:${quoted(tag)}`;

/** What is wrong with a tag's name; `null`: nothing. */
export function tagFault(tag: string): 'empty' | 'comma' | 'part' | null {
  if (tag === '') return 'empty';
  if (/[,"#]/.test(tag)) return 'comma';
  return tag.split('/').some((part) => part.trim() === '') ? 'part' : null;
}

/** What a tag becomes when `from` is renamed: what is below it moves along, and any other one stays. */
export function renamedTag(tag: string, from: string, to: string): string {
  if (tagKey(tag) === tagKey(from)) return to;
  return tagKey(tag).startsWith(`${tagKey(from)}/`) ? to + tag.slice(from.length) : tag;
}

const bare = (tag: string): string => tag.trim().replace(/^#+/, '').trim();

/** The property `tags` after that: in the form it has, and each tag once. The same, where nothing changes. */
export function renamedValue(value: PropertyValue | undefined, from: string, to: string): PropertyValue | undefined {
  const one = (tag: string) => {
    const next = renamedTag(bare(tag), from, to);
    return next === bare(tag) ? tag : next;
  };
  const once = (tags: PropertyValue[]) => tags.filter((tag, at) => typeof tag !== 'string' || tags.findIndex((each) => typeof each === 'string' && bare(each) === bare(tag)) === at);
  if (typeof value === 'string') {
    const tags = value.split(',').map((tag) => tag.trim());
    const next = tags.map(one);
    return next.every((tag, at) => tag === tags[at]) ? value : once(next).join(', ');
  }
  if (!Array.isArray(value)) return value;
  const next = value.map((tag) => (typeof tag === 'string' ? one(tag) : tag));
  return next.every((tag, at) => tag === value[at]) ? value : once(next);
}
