/** `> [!note] Title`: the sorts of callouts and the names they go by. */
import { t } from '../i18n/en';

const sorts: Record<string, readonly string[]> = {
  note: ['note', 'info', 'abstract', 'summary', 'tldr', 'todo'],
  tip: ['tip', 'hint', 'success', 'check', 'done'],
  question: ['question', 'help', 'faq', 'important'],
  warning: ['warning', 'caution', 'attention'],
  danger: ['danger', 'error', 'failure', 'fail', 'missing', 'bug'],
  example: ['example'],
  quote: ['quote', 'cite'],
};

export interface Callout {
  /** Which colour it has. */
  sort: string;
  title: string;
  /** `+` is open and can be folded, `-` is folded. */
  fold: '' | '+' | '-';
  /** Where the title begins in the line. */
  titleAt: number;
}

/** The first line of a quote, without its `>`. */
export function calloutOf(line: string): Callout | null {
  const match = /^\s*\[!([\p{L}\p{N}_-]+)\]([+-]?)[ \t]*/u.exec(line);
  if (!match?.[1]) return null;
  const name = match[1].toLowerCase();
  const sort = Object.keys(sorts).find((each) => sorts[each]?.includes(name)) ?? 'note';
  const title = line.slice(match[0].length).trim();
  const fallback = t.editor.callouts[name] ?? match[1][0]?.toUpperCase() + match[1].slice(1);
  return { sort, title: title === '' ? fallback : title, fold: match[2] as Callout['fold'], titleAt: match[0].length };
}
