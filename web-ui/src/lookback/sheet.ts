/** An entry as a sheet of paper: title, properties, what it says, and below it who, when, which version, and seals. */
import type { EntryDetails, PropertyValue, SealItem, Signer } from '../api/types';
import { paper as p } from '../i18n/en-paper';
import { byteSize, fullTime } from '../i18n/format';
import { signerName } from '../state/names';

export interface Sheet {
  notebook: string;
  details: EntryDetails;
  seals: readonly SealItem[];
  body: Node;
  /** When it was printed or exported. */
  made: string;
}

/** Long text in a line, short text on paper: what a property says. */
function valueText(value: PropertyValue): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? p.yes : p.no;
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** The text may begin with its own title: that is not said twice. */
function begins(body: Node, title: string): boolean {
  const first = [...body.childNodes].find((node) => node instanceof Element);
  return first instanceof Element && first.tagName === 'H1' && first.textContent?.trim() === title.trim();
}

export function makeSheet({ notebook, details, seals, body, made }: Sheet): HTMLElement {
  const title = details.title || details.name;
  const sheet = element('article', 'sheet');
  const head = element('header', 'sheet-head');
  const named = begins(body, title);
  if (!named) head.append(element('h1', '', title));
  const properties = Object.entries(details.properties).filter(([key]) => key !== 'title' || details.properties[key] !== title);
  if (properties.length > 0) {
    const list = element('dl', 'sheet-properties');
    list.setAttribute('aria-label', p.properties);
    for (const [key, value] of properties) list.append(element('dt', '', key), element('dd', '', valueText(value)));
    head.append(list);
  }
  const text = element('div', 'prose', body);
  // Title, properties, text: also where the text has the title.
  const own = named ? text.querySelector('h1') : null;
  if (own) head.prepend(own);
  sheet.append(head, text, foot(notebook, details, seals, made));
  return sheet;
}

function foot(notebook: string, details: EntryDetails, seals: readonly SealItem[], made: string): HTMLElement {
  const lines = [
    `${p.where(notebook, details.path)} · ${byteSize(details.size)}`,
    p.changed(fullTime(details.modified), details.author_name ?? details.author.slice(0, 10)),
    p.version(details.version),
    p.hash(details.hash),
  ];
  const signed = (one: Signer, say: (who: string, meaning: string, when: string) => string) => say(signerName(one, p.someone), one.meaning, fullTime(one.time));
  for (const seal of seals) {
    const rest = seal.witnesses.map((one) => signed(one, p.witnessed));
    lines.push([signed(seal.by, p.sealed), ...rest, seal.unchanged ? p.unchanged : p.sealedEarlier].join('. '));
  }
  lines.push(made);
  return element('footer', 'sheet-foot', ...lines.map((line) => element('p', '', line)));
}
