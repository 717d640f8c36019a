// BibTeX as Oren Patashnik's “BibTeXing” (1988) has it; RIS as the RefMan specification of 2011 does.
//
// Nothing of a file is left out: a note has its record as it was written, each field is a property too, and what is between the
// records (`@string`, `@preamble`, `@comment`, words) is a note of its own.

/** @typedef {{kind: string, name: string, fields: {[key: string]: string | undefined}, rest: {[key: string]: string[] | undefined}, record: string}} Work With what has a meaning here, and what has not. */
/** @typedef {{works: Work[], between: string[]}} Library */

/** The most entries that are made of one file, but for the note of what is between. */
const MOST = 1999;
/** What can be read in the time there is. */
const MIB = 16;

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

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** @param {string} text @returns {Library} */
function bibtex(text) {
  /** @type {Work[]} */
  const works = [];
  /** @type {string[]} */
  const between = [];
  const strings = new Map(MONTHS.map((name) => [name.slice(0, 3).toLowerCase(), name]));
  let [at, done] = [0, 0];
  const line = (/** @type {number} */ of = at) => text.slice(0, of).split('\n').length;
  const space = () => {
    while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  };
  const word = () => {
    const from = at;
    while (at < text.length && !/[\s,={}()"#]/.test(text.charAt(at))) at += 1;
    if (at === from) throw new Error(`line ${line()}: a name is missing`);
    return text.slice(from, at);
  };
  const braced = (/** @type {string} */ open, /** @type {string} */ close) => {
    let depth = 1;
    const from = (at += 1);
    // As BibTeX counts: a backslash before a brace changes nothing, so a path may end with one.
    while (at < text.length && depth > 0) {
      if (text[at] === open) depth += 1;
      else if (text[at] === close) depth -= 1;
      at += 1;
    }
    if (depth > 0) throw new Error(`line ${line(from)}: a “${close}” is missing for the “${open}” here`);
    return text.slice(from, at - 1);
  };
  const piece = () => {
    space();
    if (text[at] === '{') return braced('{', '}');
    if (text[at] === '"') {
      let depth = 0;
      const from = (at += 1);
      while (at < text.length && (text[at] !== '"' || depth > 0)) {
        if (text[at] === '\\' && text[at + 1] === '"') at += 1;
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
  // A key may be missing, and may have spaces in it.
  const keyOf = () => {
    const from = at;
    while (at < text.length && !/[,}\n=]/.test(text.charAt(at))) at += 1;
    if (text[at] === '=') at = from;
    return text.slice(from, at).trim();
  };
  for (;;) {
    at = text.indexOf('@', at);
    if (at < 0) return { works, between: [...between, text.slice(done)] };
    const begin = at;
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
    /** @type {[string, string][]} */
    const said = [];
    let name = '';
    if (kind !== 'string') {
      name = keyOf();
      space();
      if (text[at] === ',') at += 1;
    }
    for (;;) {
      space();
      if (at >= text.length) throw new Error(`line ${line(begin)}: a “${close}” is missing at the end of “@${kind}${name && ` ${name}`}”`);
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
      said.push([field, valueOf()]);
    }
    if (kind === 'string') {
      for (const [short, long] of said) strings.set(short, long);
      continue;
    }
    // Without a prototype: a field may be called anything.
    /** @type {Work['fields']} */
    const fields = Object.create(null);
    /** @type {Work['rest']} */
    const rest = Object.create(null);
    for (const [field, value] of said) {
      // What is there twice is kept twice.
      if (KNOWN.has(field) && fields[field] === undefined) fields[field] = value;
      else (rest[field] ??= []).push(value);
    }
    works.push({ kind, name, fields, rest, record: text.slice(begin, at) });
    between.push(text.slice(done, begin));
    done = at;
  }
}

/** @type {{[kind: string]: string | undefined}} */
const RIS_KINDS = { JOUR: 'article', BOOK: 'book', CHAP: 'incollection', CONF: 'inproceedings', CPAPER: 'inproceedings', THES: 'phdthesis', RPRT: 'techreport', UNPB: 'unpublished', DATA: 'dataset', ELEC: 'online', PAT: 'patent' };

/** @param {string} text @returns {Library} */
function ris(text) {
  /** @type {{tags: Map<string, string[]>, lines: string[]}[]} */
  const works = [];
  /** @type {string[]} */
  const between = [];
  /** @type {typeof works[0] | null} */
  let open = null;
  /** @type {string[] | null} */
  let last = null;
  // Some programs write one space before the dash.
  const tagged = /^TY {2}-/m.test(text) ? /^([A-Z][A-Z0-9]) {2}-(?: (.*)|\s*)$/ : /^([A-Z][A-Z0-9])\s+-(?:\s(.*)|\s*)$/;
  for (const [n, line] of text.split(/\r*\n|\r/).entries()) {
    const parts = tagged.exec(line);
    if (!parts) {
      if (!open) between.push(line);
      else open.lines.push(line);
      // A long value goes on in the next line.
      if (last && line.trim() !== '') last.push(`${last.pop() ?? ''} ${line.trim()}`.trim());
      continue;
    }
    const [, tag = '', said = ''] = parts;
    if (tag === 'TY') {
      // Whose “ER” is missing ends where the next one begins.
      open = { tags: new Map([['TY', [said.trim()]]]), lines: [line] };
      works.push(open);
      last = null;
    } else if (!open) {
      throw new Error(`line ${n + 1}: “${tag}” stands before any “TY”`);
    } else if (tag === 'ER') {
      open.lines.push(line);
      [open, last] = [null, null];
    } else {
      open.lines.push(line);
      last = [...(open.tags.get(tag) ?? []), said.trim()];
      open.tags.set(tag, last);
    }
  }
  return { works: works.map(({ tags, lines }, n) => risWork(tags, lines.join('\n').trimEnd(), n)), between: [between.join('\n')] };
}

/** @param {Map<string, string[]>} of @param {string} record @param {number} n @returns {Work} */
function risWork(of, record, n) {
  const left = new Map([...of].map(([tag, values]) => [tag, values.filter((said) => said !== '')]));
  /** The first value of the first of these tags; others stay. @param {string[]} names */
  const one = (...names) => left.get(names.find((name) => (left.get(name) ?? []).length > 0) ?? '')?.shift();
  /** @param {string[]} names */
  const all = (...names) => names.flatMap((name) => left.get(name)?.splice(0) ?? []);
  const type = one('TY') ?? '';
  const pages = [one('SP'), one('EP')].filter(Boolean).join('–');
  const authors = all('AU', 'A1');
  // A day is more than its year.
  const when = one('PY', 'Y1', 'DA') ?? '';
  const year = /^\d{4}/.exec(when)?.[0] ?? when;
  /** @type {Work['fields']} */
  const fields = {
    title: one('TI', 'T1', 'CT'), author: authors.join(' and '), editor: all('ED').join(' and ') || all('A2').join(' and '),
    journal: one('JO', 'JF', 'T2', 'JA'), year, volume: one('VL'), number: one('IS'), pages,
    publisher: one('PB'), doi: one('DO'), url: one('UR', 'L1'), abstract: one('AB', 'N2'), keywords: all('KW').join(', '), isbn: one('SN'), note: one('N1'),
  };
  const name = one('ID');
  /** @type {Work['rest']} */
  const rest = Object.create(null);
  if (when.replace(/\/+$/, '') !== year) rest['date'] = [when];
  if (RIS_KINDS[type] === undefined && type !== '') rest['ty'] = [type];
  for (const [tag, values] of left) if (values.length > 0) rest[tag.toLowerCase()] = values;
  const [surname = ''] = (authors[0] ?? 'work').split(',');
  const who = surname.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  return { kind: RIS_KINDS[type] ?? 'misc', name: name ?? `${who}${year || n + 1}`, fields, rest, record };
}

/** `Lovelace, Ada` and `Ada Lovelace` are both `Ada Lovelace`. @param {string} text */
const person = (text) => {
  const parts = text.split(/\s*,\s*/);
  return (parts.length > 1 ? [...parts.slice(1).reverse(), parts[0]].join(' ') : text).trim();
};
/** @param {string} text */
const people = (text) => text.split(/\s+and\s+/i).map((one) => person(untex(one))).filter(Boolean);
/** A name that a file can have: of 200 bytes at most. @param {string} text */
function file(text) {
  const name = text.replace(/[/\\:*?"<>|\u0000-\u001f]+/g, '-').replace(/^[.\s]+|[.\s]+$/g, '');
  let [short, bytes] = ['', 0];
  for (const sign of name) {
    bytes += sign < '\u0080' ? 1 : sign.length + 2;
    if (bytes > 200) break;
    short += sign;
  }
  return short || 'work';
}

/** Properties of the same name as the field. */
const SAME = ['journal', 'booktitle', 'volume', 'number', 'pages', 'publisher', 'school', 'institution', 'edition', 'isbn', 'issn', 'note'];
/** What has a meaning here. */
const KNOWN = new Set([...SAME, 'title', 'author', 'editor', 'year', 'date', 'journaltitle', 'doi', 'url', 'keywords', 'abstract']);
/** What else is words in TeX; the rest is as it is written: in a path or an address `~` and `--` are just that. */
const WORDS = new Set(['address', 'annote', 'annotation', 'chapter', 'howpublished', 'language', 'location', 'month', 'organization', 'series', 'shorttitle', 'subtitle', 'booksubtitle', 'type', 'translator', 'venue']);
/** What the note says of itself, or the page goes by: fields that are called so are `bib_…`. */
const OURS = new Set(['title', 'type', 'reference_type', 'citation_key', 'authors', 'editors', 'year', 'journal', 'doi', 'url', 'tags', 'aliases', 'icon', 'template', 'due_date', 'status']);

/** A block of text as it is. @param {string} text */
function block(text) {
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return `${fence}text\n${text}\n${fence}`;
}

/** @param {Work} work @returns {ImporterEntry} */
function note({ kind, name, fields, rest, record }) {
  const said = (/** @type {string} */ key) => (fields[key] ? untex(String(fields[key])) : '');
  const authors = fields.author ? people(fields.author) : [];
  const editors = fields.editor ? people(fields.editor) : [];
  const title = said('title') || name || kind;
  /** @type {{[key: string]: Json}} */
  const properties = Object.create(null);
  Object.assign(properties, { title, type: 'reference', reference_type: kind });
  if (name !== '') properties.citation_key = name;
  if (authors.length > 0) properties.authors = authors;
  if (editors.length > 0) properties.editors = editors;
  const date = said('date');
  const year = said('year') || date.slice(0, 4);
  if (year !== '') properties.year = /^[1-9]\d{3}$/.test(year) ? Number(year) : year;
  if (date !== '' && date !== year) properties.date = date;
  for (const key of SAME) if (said(key) !== '') properties[key] = said(key);
  if (said('journaltitle') !== '') properties[said('journal') === '' ? 'journal' : 'journaltitle'] = said('journaltitle');
  // Addresses are not TeX: an underscore in them is one.
  const doi = (fields.doi ?? '').replace(/\\_/g, '_').replace(/^\s*(https?:\/\/(dx\.)?doi\.org\/|doi:\s*)/i, '').replace(/[{}]/g, '').trim();
  const url = (fields.url ?? '').replace(/\\([_%#&])/g, '$1').replace(/[{}]/g, '').trim();
  if (doi !== '') properties.doi = doi;
  if (url !== '') properties.url = url;
  const tags = said('keywords').split(/\s*[,;]\s*/).filter(Boolean).map((tag) => tag.replace(/\s+/g, '-'));
  if (tags.length > 0) properties.tags = tags;
  for (const [key, values = []] of Object.entries(rest)) {
    const all = values.map((value) => (WORDS.has(key) || KNOWN.has(key) ? untex(value) : value.replace(/\s+/g, ' ').trim())).filter(Boolean);
    if (all.length === 0) continue;
    let free = OURS.has(key) ? `bib_${key}` : key;
    while (free in properties) free = `bib_${free}`;
    properties[free] = all.length === 1 ? all[0] ?? '' : all;
  }
  const by = [authors.join(', '), year && `(${year})`].filter(Boolean).join(' ');
  const safe = (/** @type {string} */ address) => address.replace(/[\s<>"]/g, encodeURIComponent);
  const link = doi !== '' ? `<https://doi.org/${encodeURI(doi)}>` : /^https?:\/\//.test(url) ? `<${safe(url)}>` : '';
  const summary = said('abstract');
  const text = [`# ${title}`, by, link, summary === '' ? '' : `## Abstract\n\n${summary}`, `## Record\n\n${block(record)}`].filter(Boolean).join('\n\n');
  return { path: `${file(name || title)}.md`, text: `${text}\n`, properties };
}

codex.importer(({ name, stem, text, bytes }) => {
  if (text.trim() === '') throw new Error('the file is empty');
  if (bytes.length > MIB << 20) throw new Error(`it has ${Math.ceil(bytes.length / (1 << 20))} MiB, and ${MIB} are the most; split it`);
  if (text.includes('\0')) throw new Error('there are zero bytes in it: it is no text, or UTF-16 without its mark; save it as UTF-8');
  const isRis = /\.ris$/i.test(name) || /^\s*TY\s+-/.test(text) || (!/\.bib(tex)?$/i.test(name) && !text.includes('@') && /^TY\s+-/m.test(text));
  const plain = text.replace(/\r*\n|\r/g, '\n');
  const { works, between } = isRis ? ris(plain) : bibtex(plain);
  if (works.length === 0) throw new Error(isRis ? 'there is no “TY  -” in it' : 'there is no “@…{…}” in it');
  if (works.length > MOST) throw new Error(`there are ${works.length} works in it, and ${MOST} are the most of one file; split it`);
  const notes = works.map(note);
  const others = between.map((part) => part.trim()).filter(Boolean).join('\n\n');
  if (others !== '') {
    const title = `${name}: between the works`;
    notes.push({ path: `${file(stem || name)} between the works.md`, text: `# ${title}\n\n${block(others)}\n`, properties: { title, source: name } });
  }
  // Two works with one key are two notes, and so are two that differ in case only.
  const taken = new Set();
  return notes.map((entry) => {
    let path = entry.path;
    for (let times = 2; taken.has(path.toLowerCase()); times += 1) path = entry.path.replace(/\.md$/, ` ${times}.md`);
    taken.add(path.toLowerCase());
    return { ...entry, path };
  });
});
