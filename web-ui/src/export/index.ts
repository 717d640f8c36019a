/** The first page of a folder that is taken along: all that is in it, and what is not. */
import type { TreeItem } from '../api/types';
import { paper as p } from '../i18n/en-paper';
import { byteSize } from '../i18n/format';
import { isMarkdown } from '../lookback/paper';
import { baseName, parentPath } from '../state/tree-model';
import { FOLDER as TEMPLATES } from '../state/templates';
import { type Names, relative } from './names';
import type { Missing } from './take';

export interface Contents {
  title: string;
  where: string;
  made: string;
  items: readonly TreeItem[];
  names: Names;
  missing: readonly Missing[];
}

function add<K extends keyof HTMLElementTagNameMap>(to: Element, tag: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  to.append(made);
  return made;
}

export function indexPage({ title, where, made, items, names, missing }: Contents): HTMLElement {
  const sheet = document.createElement('article');
  sheet.className = 'sheet export-index';
  add(sheet, 'h1', title);
  const lists = new Map<string, HTMLElement>();
  const top = add(sheet, 'ul');
  /** The list of a folder inside the export; made with all above it when it is first needed. */
  const listOf = (folder: string): HTMLElement => {
    if (folder === '') return top;
    const known = lists.get(folder);
    if (known) return known;
    const item = add(listOf(parentPath(folder)), 'li');
    add(item, 'strong', baseName(folder));
    const list = add(item, 'ul');
    lists.set(folder, list);
    return list;
  };
  for (const item of items) {
    const name = names.of(item.path) ?? item.path;
    const row = add(listOf(parentPath(name)), 'li');
    const note = isMarkdown(item);
    // A template's title is made when it is used; many notes may have one title.
    const title = note && !item.path.startsWith(`${TEMPLATES}/`) ? item.title || item.name : item.name;
    const link = add(row, 'a', title);
    link.setAttribute('href', relative(names.index, name));
    if (note && title !== item.name && title !== item.name.replace(/\.(md|markdown)$/i, '')) add(row, 'small', ` ${item.name}`);
    if (!note) add(row, 'small', ` ${byteSize(item.size)}`);
  }
  if (missing.length > 0) {
    add(sheet, 'h2', p.missingTitle);
    const list = add(sheet, 'ul');
    for (const { path, why } of missing) add(list, 'li', `${path}: ${why}`);
  }
  const foot = add(sheet, 'footer');
  foot.className = 'sheet-foot';
  add(foot, 'p', where);
  add(foot, 'p', made);
  return sheet;
}
