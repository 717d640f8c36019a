// BibTeX as Oren Patashnik's “BibTeXing” (1988) has it; RIS as the RefMan specification of 2011 does.

/** @typedef {{kind: string, name: string, fields: {[key: string]: string | undefined}}} Work */

/** @type {ReadonlyMap<string, string>} */
const ACCENTS = new Map(Object.entries({ '"': '\u0308', "'": '\u0301', '`': '\u0300', '^': '\u0302', '~': '\u0303', '=': '\u0304', '.': '\u0307', u: '\u0306', v: '\u030C', H: '\u030B', c: '\u0327', k: '\u0328', r: '\u030A' }));
/** @type {ReadonlyMap<string, string>} */
const LETTERS = new Map(Object.entries({ ss: 'ß', ae: 'æ', AE: 'Æ', oe: 'œ', OE: 'Œ', aa: 'å', AA: 'Å', o: 'ø', O: 'Ø', l: 'ł', L: 'Ł', i: 'ı', j: 'ȷ', textendash: '–', textemdash: '—', ldots: '…', textmu: 'µ', textdegree: '°' }));

/** TeX's words for letters, as letters; braces go. @param {string} text */
function untex(text) {
  return text
    .replace(/\\(["'`^~=.])\s*\{?\\?([A-Za-z])\}?/g, (_, /** @type {string} */ accent, /** @type {string} */ letter) => `${letter}${ACCENTS.get(accent) ?? ''}`.normalize('NFC'))
    .replace(/\\([uvHckr])(?:\s*\{\\?([A-Za-z])\}|\s+([A-Za-z]))/g, (_, /** @type {string} */ accent, /** @type {string | undefined} */ a, /** @type {string | undefined} */ b) => `${a ?? b ?? ''}${ACCENTS.get(accent) ?? ''}`.normalize('NFC'))
    .replace(/\\([A-Za-z]+)(?![A-Za-z])\s?(\{\})?/g, (/** @type {string} */ whole, /** @type {string} */ name) => LETTERS.get(name) ?? (/^(emph|textit|textbf|textsc|textrm|mathrm)$/.test(name) ? '' : whole))
    .replace(/\\([&%$#_{}])/g, '$1')
    .replace(/---/g, '—')
    .replace(/--/g, '–')
    .replace(/~/g, ' ')
    .replace(/(?<!\\)[{}]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** @param {string} text @returns {Work[]} */
function bibtex(text) {
  /** @type {Work[]} */
  const works = [];
  const strings = new Map([...'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')].map((name, n) => [name, String(n + 1)]));
  let at = 0;
  const line = () => text.slice(0, at).split('\n').length;
  const space = () => {
    while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  };
  const word = () => {
    const found = /^[^\s,={}()"#]+/.exec(text.slice(at, at + 300));
    if (!found) throw new Error(`line ${line()}: a name is missing`);
    at += found[0].length;
    return found[0];
  };
  const braced = (/** @type {string} */ open, /** @type {string} */ close) => {
    let depth = 1;
    const from = (at += 1);
    while (at < text.length && depth > 0) {
      if (text[at] === '\\') at += 1;
      else if (text[at] === open) depth += 1;
      else if (text[at] === close) depth -= 1;
      at += 1;
    }
    if (depth > 0) throw new Error(`line ${line()}: a “${close}” is missing`);
    return text.slice(from, at - 1);
  };
  const piece = () => {
    space();
    if (text[at] === '{') return braced('{', '}');
    if (text[at] === '"') {
      let depth = 0;
      const from = (at += 1);
      while (at < text.length && (text[at] !== '"' || depth > 0)) {
        if (text[at] === '\\') at += 1;
        else if (text[at] === '{') depth += 1;
        else if (text[at] === '}') depth -= 1;
        at += 1;
      }
      if (at >= text.length) throw new Error(`line ${line()}: a “"” is missing`);
      at += 1;
      return text.slice(from, at - 1);
    }
    const name = word();
    return /^\d+$/.test(name) ? name : strings.get(name.toLowerCase()) ?? name;
  };
  const valueOf = () => {
    let whole = piece();
    for (;;) {
      space();
      if (text[at] !== '#') return whole;
      at += 1;
      whole += piece();
    }
  };
  for (;;) {
    at = text.indexOf('@', at);
    if (at < 0) return works;
    at += 1;
    space();
    const kind = (/^[A-Za-z]+/.exec(text.slice(at, at + 40)) ?? [''])[0].toLowerCase();
    at += kind.length;
    space();
    const close = text[at] === '(' ? ')' : '}';
    if (kind === '' || (text[at] !== '{' && text[at] !== '(')) continue;
    if (kind === 'comment' || kind === 'preamble') {
      braced(text.charAt(at), close);
      continue;
    }
    at += 1;
    space();
    // Without a prototype: a field may be called anything.
    /** @type {Work['fields']} */
    const fields = Object.create(null);
    let name = '';
    if (kind !== 'string') {
      name = word();
      space();
      if (text[at] === ',') at += 1;
    }
    for (;;) {
      space();
      if (at >= text.length) throw new Error(`line ${line()}: a “${close}” is missing`);
      if (text[at] === close) {
        at += 1;
        break;
      }
      if (text[at] === ',') {
        at += 1;
        continue;
      }
      const field = word().toLowerCase();
      space();
      if (text[at] !== '=') throw new Error(`line ${line()}: behind “${field}” a “=” is missing`);
      at += 1;
      fields[field] = valueOf();
    }
    if (kind === 'string') for (const [short, long] of Object.entries(fields)) strings.set(short, long ?? '');
    else works.push({ kind, name, fields });
  }
}

/** @type {{[kind: string]: string | undefined}} */
const RIS_KINDS = { JOUR: 'article', BOOK: 'book', CHAP: 'incollection', CONF: 'inproceedings', CPAPER: 'inproceedings', THES: 'phdthesis', RPRT: 'techreport', UNPB: 'unpublished', DATA: 'dataset', ELEC: 'online', PAT: 'patent' };

/** @param {string} text @returns {Work[]} */
function ris(text) {
  /** @type {Map<string, string[]>[]} */
  const works = [];
  /** @type {Map<string, string[]> | null} */
  let tags = null;
  /** @type {string[] | null} */
  let last = null;
  for (const [n, line] of text.split(/\r\n|\n|\r/).entries()) {
    const parts = /^([A-Z][A-Z0-9])  - ?(.*)$/.exec(line);
    if (!parts) {
      // A long value goes on in the next line.
      if (last && line.trim() !== '') last.push(`${last.pop()} ${line.trim()}`);
      continue;
    }
    const [, tag = '', said = ''] = parts;
    if (tag === 'TY') {
      tags = new Map([['TY', [said.trim()]]]);
      last = null;
    } else if (!tags) {
      throw new Error(`line ${n + 1}: “${tag}” stands before any “TY”`);
    } else if (tag === 'ER') {
      works.push(tags);
      [tags, last] = [null, null];
    } else {
      last = [...(tags.get(tag) ?? []), said.trim()];
      tags.set(tag, last);
    }
  }
  if (tags) works.push(tags);
  return works.map((of, n) => {
    const one = (/** @type {string[]} */ ...names) => names.map((name) => of.get(name)?.[0]).find((said) => said);
    const pages = [one('SP'), one('EP')].filter(Boolean).join('–');
    const authors = [...(of.get('AU') ?? []), ...(of.get('A1') ?? [])];
    const fields = {
      title: one('TI', 'T1', 'CT'), author: authors.join(' and '), editor: (of.get('ED') ?? of.get('A2') ?? []).join(' and '),
      journal: one('JO', 'JF', 'T2', 'JA'), year: (one('PY', 'Y1', 'DA') ?? '').slice(0, 4), volume: one('VL'), number: one('IS'), pages,
      publisher: one('PB'), doi: one('DO'), url: one('UR', 'L1'), abstract: one('AB', 'N2'), keywords: (of.get('KW') ?? []).join(', '), isbn: one('SN'), note: one('N1'),
    };
    const [surname = ''] = (authors[0] ?? 'work').split(',');
    const who = surname.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
    return { kind: RIS_KINDS[one('TY') ?? ''] ?? 'misc', name: one('ID') ?? `${who}${fields.year || n + 1}`, fields };
  });
}

/** `Lovelace, Ada` and `Ada Lovelace` are both `Ada Lovelace`. @param {string} text */
const person = (text) => {
  const parts = text.split(/\s*,\s*/);
  return (parts.length > 1 ? [...parts.slice(1).reverse(), parts[0]].join(' ') : text).trim();
};
/** @param {string} text */
const people = (text) => text.split(/\s+and\s+/i).map((one) => person(untex(one))).filter(Boolean);
/** @param {string} text */
const file = (text) => text.replace(/[/\\:*?"<>|\u0000-\u001f]+/g, '-').replace(/^[.\s]+|[.\s]+$/g, '').slice(0, 100) || 'work';

/** @param {Work} work @returns {ImporterEntry} */
function note({ kind, name, fields }) {
  const said = (/** @type {string} */ key) => (fields[key] ? untex(String(fields[key])) : '');
  const authors = fields.author ? people(fields.author) : [];
  const editors = fields.editor ? people(fields.editor) : [];
  const title = said('title') || name;
  /** @type {{[key: string]: Json}} */
  const properties = { title, type: 'reference', reference_type: kind, citation_key: name };
  if (authors.length > 0) properties.authors = authors;
  if (editors.length > 0) properties.editors = editors;
  const year = said('year') || said('date').slice(0, 4);
  if (year !== '') properties.year = /^\d{4}$/.test(year) ? Number(year) : year;
  for (const key of ['journal', 'journaltitle', 'booktitle', 'volume', 'number', 'pages', 'publisher', 'school', 'institution', 'edition', 'isbn', 'issn', 'note']) {
    if (said(key) !== '') properties[key === 'journaltitle' ? 'journal' : key] = said(key);
  }
  // Addresses are not TeX: an underscore in them is one.
  const doi = (fields.doi ?? '').replace(/\\_/g, '_').replace(/^https?:\/\/(dx\.)?doi\.org\//i, '').replace(/[{}]/g, '').trim();
  const url = (fields.url ?? '').replace(/\\([_%#&])/g, '$1').replace(/[{}]/g, '').trim();
  if (doi !== '') properties.doi = doi;
  if (url !== '') properties.url = url;
  const tags = said('keywords').split(/\s*[,;]\s*/).filter(Boolean).map((tag) => tag.replace(/\s+/g, '-'));
  if (tags.length > 0) properties.tags = tags;
  const by = [authors.join(', '), year && `(${year})`].filter(Boolean).join(' ');
  const link = doi !== '' ? `<https://doi.org/${encodeURI(doi)}>` : /^https?:\/\//.test(url) ? `<${url}>` : '';
  const summary = said('abstract');
  const text = [`# ${title}`, by, link, summary === '' ? '' : `## Abstract\n\n${summary}`].filter(Boolean).join('\n\n');
  return { path: `${file(name)}.md`, text: `${text}\n`, properties };
}

codex.importer(({ name, text }) => {
  const isRis = /\.ris$/i.test(name) || /^\s*TY {2}-/.test(text);
  const works = isRis ? ris(text.replace(/^\uFEFF/, '')) : bibtex(text);
  if (works.length === 0) throw new Error(isRis ? 'there is no “TY  -” in it' : 'there is no “@…{…}” in it');
  // Two works with one key are two notes.
  const taken = new Map();
  return works.map(note).map((entry) => {
    const times = (taken.get(entry.path) ?? 0) + 1;
    taken.set(entry.path, times);
    return times === 1 ? entry : { ...entry, path: entry.path.replace(/\.md$/, ` ${times}.md`) };
  });
});
