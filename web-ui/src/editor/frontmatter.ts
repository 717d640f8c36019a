/** The YAML block at the head of a Markdown text. */

/** Where the block ends (after its closing line), or 0 when there is none. */
export function frontmatterEnd(text: string): number {
  if (!/^---[ \t]*\n/.test(text)) return 0;
  const close = /\n(?:---|\.\.\.)[ \t]*(?:\n|$)/g;
  close.lastIndex = 3;
  const match = close.exec(text);
  return match ? match.index + match[0].length : 0;
}

/** The text without its block. */
export const bodyOf = (text: string): string => text.slice(frontmatterEnd(text));
