/** Where links lead: paths inside the notebook, headings inside a text. Pure. */

/** `href` as seen from the file at `path`, inside the notebook; `null` when it leaves it or is no path. */
export function resolvePath(path: string, href: string): string | null {
  if (href === '' || /^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(href)) return null;
  const bare = href.replace(/[?#].*$/, '');
  let decoded: string;
  try {
    decoded = decodeURIComponent(bare);
  } catch {
    decoded = bare;
  }
  return joined(decoded.startsWith('/') ? '' : folderOf(path), decoded);
}

const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/');

function joined(folder: string, target: string): string | null {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return null;
      parts.pop();
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.length === 0 ? null : parts.join('/');
}

/** An address on the web that may be followed. */
export const isWeb = (href: string): boolean => /^(https?:\/\/|mailto:)/i.test(href);

/** What is written between `[[` and `]]`. */
export interface Wiki {
  /** A name, a title or a path; empty: this text. */
  target: string;
  heading: string | null;
  /** What is shown; `null`: what is written. */
  alias: string | null;
}

export function parseWiki(inside: string): Wiki {
  // In a table the bar is escaped.
  const bar = /\\?\|/.exec(inside);
  const place = (bar ? inside.slice(0, bar.index) : inside).trim();
  const alias = bar ? inside.slice(bar.index + bar[0].length).trim() : null;
  const hash = place.indexOf('#');
  const target = hash < 0 ? place : place.slice(0, hash).trim();
  const heading = hash < 0 ? null : place.slice(hash + 1).trim();
  return { target, heading: heading === '' ? null : heading, alias: alias === '' ? null : alias };
}

/** What a wikilink shows. */
export const wikiLabel = ({ target, heading, alias }: Wiki): string =>
  alias ?? [target, heading].filter((part) => part !== null && part !== '').join(' › ');

/** A heading as a link names it: `Wave lengths` and `wave-lengths` are one. */
export const slug = (heading: string): string =>
  heading.toLowerCase().normalize('NFC').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '');

export interface Heading {
  level: number;
  text: string;
  /** What a link to it says; of equal headings the second and further ones have a number. */
  anchor: string;
  /** Where its line begins. */
  from: number;
}

/** An anchor for each heading, no two of them equal: `results`, `results-1`. A heading that is called so itself comes first. */
export function anchorsOf(headings: readonly string[]): string[] {
  const slugs = headings.map(slug);
  const taken = new Set(slugs);
  const seen = new Set<string>();
  return slugs.map((own) => {
    if (!seen.has(own)) {
      seen.add(own);
      return own;
    }
    let n = 1;
    while (taken.has(`${own}-${n}`)) n += 1;
    taken.add(`${own}-${n}`);
    return `${own}-${n}`;
  });
}

/** The heading that a link means; `undefined` when there is none. */
export const headingAt = <T extends Heading>(all: readonly T[], wanted: string): T | undefined => all.find(({ anchor }) => anchor === slug(wanted));

/** The `#` headings of a text, those in code left out. */
export function headingsOf(text: string): Heading[] {
  const found: Omit<Heading, 'anchor'>[] = [];
  let fence: string | null = null;
  let from = 0;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
    } else if (mark) fence = mark;
    else {
      const match = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$/.exec(line);
      if (match?.[1] && match[2]) found.push({ level: match[1].length, text: match[2], from });
    }
    from += line.length + 1;
  }
  const anchors = anchorsOf(found.map((each) => each.text));
  return found.map((each, at) => ({ ...each, anchor: anchors[at] ?? '' }));
}

/** The part of a text below one heading, with it; `null` when there is no such heading. */
export function sectionOf(text: string, heading: string): string | null {
  const all = headingsOf(text);
  const start = headingAt(all, heading);
  if (!start) return null;
  const next = all.slice(all.indexOf(start) + 1).find((each) => each.level <= start.level);
  return text.slice(start.from, next?.from);
}

export type Shown = 'image' | 'video' | 'audio' | 'note' | 'file';

/** How an embedded file is shown, by its name. */
export function shownAs(name: string): Shown {
  const end = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  if (/^(png|jpe?g|gif|webp|avif|svg|bmp|ico)$/.test(end)) return 'image';
  if (/^(mp4|webm|ogv|mov|m4v)$/.test(end)) return 'video';
  if (/^(mp3|wav|ogg|oga|flac|m4a|opus)$/.test(end)) return 'audio';
  return end === '' || end === 'md' || end === 'markdown' ? 'note' : 'file';
}

/** A path as it is written into `[](…)`, seen from the file at `from`. */
export function writtenPath(from: string, to: string): string {
  const here = folderOf(from);
  const inside = here === '' ? to : to.startsWith(`${here}/`) ? to.slice(here.length + 1) : null;
  const path = inside ?? `/${to}`;
  return path.split('/').map((part) => encodeURIComponent(part).replace(/[()!'*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)).join('/');
}

/** A letter in a pattern for paths, in either case. */
export function eitherCase(letter: string): string {
  const [low, high] = [letter.toLowerCase(), letter.toUpperCase()];
  if (low !== high && low.length === letter.length && high.length === letter.length) return `[${low}${high}]`;
  return /[*?[\]{}!\\]/.test(letter) ? (letter === ']' || letter === '!' || letter === '\\' ? '?' : `[${letter}]`) : letter;
}

/** A pattern for paths whose last name holds these letters, in either case. */
export const holding = (part: string): string => `**/*${[...part].map(eitherCase).join('')}*`;
