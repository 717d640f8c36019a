// What most instruments write: lines of settings (`Key: value`, `# key = value`, `"Key","value"`), perhaps `[Section]`s, an empty
// line or a mark such as `[Data]`, then a table with names above it and perhaps units below those; and perhaps all that again.
//
// Nothing of a file is left out: each line is a row or the head of a table, or stands in the note as it was written. Properties
// say again what the settings are, as far as they can be told.

/** @typedef {{width: number, filled: number, numbers: number, first: boolean}} Shape How many fields, with something in them, numbers; and whether the first is one, or a time. */
/** @typedef {{at: number, end: number, names: string[] | null, from: number, width: number}} Table Its rows are `at` to `end`, what is above them begins at `from`. */

/** Of signs that do equally well the first: a comma may also stand in numbers, a space in words. */
const SIGNS = ['\t', ';', '|', ',', ' '];
/** What can be read in the time there is. */
const MIB = 16;
const LINES = 1_000_000;
/** Properties of one entry. */
const SETTINGS = 200;
/** Letters of a note; what is longer is a file of its own. */
const LONG = 200_000;
/** Files with tables; more are in one. */
const TABLES = 100;
/** Columns whose ranges are shown. */
const RANGES = 400;
/** What stands where nothing was measured. */
const MISSING = /^(|n\/?a\.?n?|null|none|[-+]?inf(inity)?|-+|\?+|\*+|#.*|[<>].*|over.*|ovr.*|out.*|err.*|sat.*|fail.*)$/i;
/** What is a unit by its looks. */
const UNIT = /^(|[-–1]|[[(].*[\])]|.*[°%µμΩ/^²³⁻·].*|a\.?u\.?|rfu|rlu|counts?|cps|pH|ratio|rpm|ppm|ppb|min|[hd]|bar|psi|[CFK]|cells|[fpnmkMGT]?(s|sec|g|m|l|L|M|mol|V|A|W|J|N|Pa|Hz|eV|Da|Å|OD|AU|U|Ohm|S|T|bar)|(cm|mm|nm|um|dm|km)[23]?|u[lLgmsMAV])$/;

/** The fields of a line. @param {string} line @param {string} between */
function fields(line, between) {
  if (between === ' ') return line.trim().split(/\s+/);
  if (!line.includes('"')) {
    const all = line.split(between);
    return line.includes(' ') || line.includes('\t') || line.includes('\u00a0') ? all.map((field) => field.trim()) : all;
  }
  const all = [];
  let at = 0;
  while (at <= line.length) {
    while (line[at] === ' ' || (line[at] === '\t' && between !== '\t')) at += 1;
    const end = line[at] === '"' ? closing(line, at, between) : -1;
    if (end >= 0) {
      all.push(line.slice(at + 1, end).replaceAll('""', '"'));
      at = line.indexOf(between, end);
    } else {
      const next = line.indexOf(between, at);
      all.push(line.slice(at, next < 0 ? line.length : next).trim());
      at = next;
    }
    if (at < 0) break;
    at += 1;
  }
  return all;
}

/** Where the quotation mark is that ends a field; -1 if there is none: then it is only a sign, as in `5" wafer`. @param {string} text @param {number} from @param {string} between */
function closing(text, from, between) {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] === '"') {
      at += 1;
      continue;
    }
    let next = at + 1;
    while (next < text.length && text[next] !== between && text.charAt(next).trim() === '') next += 1;
    return next === text.length || text[next] === between ? at : -1;
  }
  return -1;
}

/** Whether it is a number, as `5`, `-.5`, `1e5` are; with a comma only where one may be a point. @param {string} text @param {boolean} comma */
function numeric(text, comma) {
  // Signs, points and digits begin one. Millions of fields are asked, and an expression would take several times as long.
  const code = text.charCodeAt(0);
  if (!(code >= 43 && code <= 57) || code === 47) return false;
  const n = Number(text);
  if (n === n) return code !== 48 || text.length < 3 || !/^0[xob]/i.test(text);
  return comma && text.includes(',') && /^[-+]?(\d+(,\d*)?|,\d+)([eE][-+]?\d+)?$/.test(text);
}

/** A day or a time: it says when a row was measured, as a number does. */
const TIME = /^\d{1,4}[-./:]\d{1,2}[-./:]\d/;
/** @type {Map<number, Shape>} */
const SHAPES = new Map();
/** @type {Shape} */
const NOTHING = { width: 0, filled: 0, numbers: 0, first: false };
/** @param {string[]} row @param {boolean} comma @returns {Shape} */
function shape(row, comma) {
  let filled = 0;
  let numbers = 0;
  for (const field of row) {
    if (field === '') continue;
    filled += 1;
    if (numeric(field, comma)) numbers += 1;
  }
  const begin = row[0] ?? '';
  const first = numeric(begin, comma) || TIME.test(begin);
  // A million lines have few shapes.
  const name = ((row.length * 4096 + filled) * 4096 + numbers) * 2 + (first ? 1 : 0);
  const known = filled < 4096 ? SHAPES.get(name) : undefined;
  const made = known ?? { width: row.length, filled, numbers, first };
  if (!known && filled < 4096 && SHAPES.size < 1000) SHAPES.set(name, made);
  return made;
}
/** Most of what is in it are numbers. @param {Shape | undefined} of */
const isData = (of) => of !== undefined && of.width > 1 && of.numbers >= Math.max(1, of.filled / 2);
/** It may be a setting as well: a word and a number. @param {Shape | undefined} of */
const isWeak = (of) => of !== undefined && isData(of) && of.filled <= 2 && !of.first;
/** Words side by side. @param {Shape | undefined} of */
const isText = (of) => of !== undefined && of.width > 1 && of.filled > 0 && !isData(of);

/** How its fields are kept apart: the sign by which most lines are rows of numbers, with as many fields. @param {string[]} lines */
function separator(lines) {
  const step = Math.ceil(lines.length / 4000);
  const some = lines.filter((line, at) => at % step === 0 && line.trim() !== '');
  const shapes = SIGNS.map((sign) => some.map((line) => shape(fields(line, sign), sign !== ',')).filter(isData));
  // `Gain: 5` are two fields as well, with a space between them; such rows count where there are no others.
  const isOnlyWeak = shapes.every((all) => all.every(isWeak));
  const scores = shapes.map((all) => {
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const of of all) if (isOnlyWeak || !isWeak(of)) counts.set(of.width, (counts.get(of.width) ?? 0) + 1);
    return Math.max(0, ...counts.values());
  });
  const most = Math.max(...scores);
  return SIGNS[scores.findIndex((score) => score > 0 && score >= most * 0.8)] ?? ',';
}

/** Lines; those that a quoted field goes on over are one. @param {string[]} lines @param {string} between */
function records(lines, between) {
  if (between === ' ' || !lines.some((line) => line.includes('"'))) return lines;
  const even = (/** @type {string} */ line) => (line.split('"').length - 1) % 2 === 0;
  const all = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    let [whole, end] = [line, at];
    // Not too far: a sign for inches has no other half.
    while (!even(whole) && end + 1 < lines.length && end - at < 50) whole += `\n${lines[(end += 1)] ?? ''}`;
    const isOne = end > at && even(whole) && fields(whole, between).every((field) => !field.includes('\n') || whole.includes(`"${field.replaceAll('"', '""')}"`));
    all.push(isOne ? whole : line);
    if (isOne) at = end;
  }
  return all;
}

/** Runs of lines that are rows of numbers, each with no more fields than the first. @param {Shape[]} shapes @param {string[]} lines */
function runs(shapes, lines) {
  /** @type {{at: number, end: number, weak: boolean}[]} */
  const all = [];
  let open = false;
  const goesOn = (/** @type {number} */ at, /** @type {Shape} */ of) => {
    const last = all.at(-1);
    const begin = last && shapes[last.at];
    if (!open || !last || !begin || of.width < 2 || of.filled === 0 || of.width > begin.width) return false;
    const next = shapes[at + 1];
    // The same names again: another table.
    if (lines[at] === lines[last.at - 1] && isText(shapes[last.at - 1])) return false;
    if (of.first) return !last.weak;
    if (lines[at] === lines[last.at] && !begin.first && isData(next) && next?.first) return false;
    if (isWeak(of)) return !begin.first || (begin.width === 2 && !isText(next));
    if (isData(of)) return true;
    // Nothing was measured; or there are words in the row.
    return of.width === begin.width && !(isData(next) && next?.first) && (isData(next) || fieldsMiss(lines[at] ?? ''));
  };
  for (const [at, of] of shapes.entries()) {
    const last = all.at(-1);
    if (last && goesOn(at, of)) {
      last.end = at + 1;
      last.weak &&= isWeak(of) || !isData(of);
    } else if (isData(of)) {
      all.push({ at, end: at + 1, weak: isWeak(of) });
      open = true;
    } else {
      open = false;
    }
  }
  return all;
}
/** @param {string} line */
const fieldsMiss = (line) => line.split(/[\t;|,]/).slice(1).every((field) => MISSING.test(field.trim()));

/** The tables, with what stands above each. @param {string[]} lines @param {Shape[]} shapes @param {string} between */
function tables(lines, shapes, between) {
  const all = runs(shapes, lines);
  const named = (/** @type {number} */ at) => isText(shapes[at - 1]) && shapes[at - 1]?.width === shapes[at]?.width;
  let kept = all.filter((run) => (run.weak ? run.end - run.at > 20 : run.end - run.at > 1 || named(run.at)));
  if (kept.length === 0) kept = all.filter((run) => run.end - run.at === Math.max(...all.map((one) => one.end - one.at))).slice(0, 1);
  let free = 0;
  return kept.map((run) => {
    const table = above(run, free, lines, shapes, between);
    free = table.end;
    return table;
  });
}

/** Names stand right above the numbers; units, if there are two such lines. @param {{at: number, end: number}} run @param {number} free @param {string[]} lines @param {Shape[]} shapes @param {string} between @returns {Table} */
function above({ at, end }, free, lines, shapes, between) {
  const width = shapes[at]?.width ?? 0;
  const row = (/** @type {number} */ n) => fields(lines[n] ?? '', between);
  const beside = (/** @type {number} */ n) => n >= free && (shapes[n]?.filled ?? 0) > 0 && shapes[n]?.width === width;
  if (!(beside(at - 1) && isText(shapes[at - 1]))) {
    // Names may be numbers too: `Time,450,600`; `<>,1,2,3` above the rows A, B, C of a plate.
    const isPlate = /^[^\p{L}\p{N}]*$/u.test(row(at)[0] ?? '');
    const numbers = shapes[at]?.first === false && end - at > 1 && width > 2 && shapes.slice(at + 1, end).every((of) => of.first !== isPlate);
    return numbers ? { at: at + 1, end, names: row(at), from: at, width } : { at, end, names: null, from: at, width };
  }
  const lower = row(at - 1);
  const upper = beside(at - 2) && !shapes[at - 2]?.first ? row(at - 2) : null;
  const full = (/** @type {string[]} */ fields) => fields.filter((field) => field !== '').length;
  const isUnits = upper !== null && full(upper) >= full(lower) && full(upper) > 1 && (lower.every((field) => UNIT.test(field)) || (width > 2 && full(upper) === width && lower.some((field) => field !== '' && UNIT.test(field))));
  if (!isUnits) return { at, end, names: lower, from: at - 1, width };
  const names = upper.map((name, n) => {
    const unit = (lower[n] ?? '').replace(/^\[(.*)\]$|^\((.*)\)$/, '$1$2');
    return unit === '' || name.endsWith(`[${unit}]`) || name.endsWith(`(${unit})`) ? name : `${name} [${unit}]`;
  });
  return { at, end, names, from: at - 2, width };
}

/** @param {string} text */
function key(text) {
  return text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_+|_+$/g, '');
}

/** @param {string} line @returns {[string, string] | null} */
function setting(line) {
  if (line.length > 3000) return null;
  const text = line.replace(/^[#%;!*/\s]+/, '').replace(/[,;\t\s]+$/, '');
  const [, name = '', said = ''] = /^"?([^:=\t,;"]{1,60}?)"?\s*(?:[:=]\s*|\t+|"?[,;]\s*)"?(.+?)"?$/.exec(text) ?? [];
  return key(name) === '' ? null : [key(name), said.trim()];
}

/** A number only where it is written as numbers are: `00123`, `1E5`, `2.10` and `+4` may be names. @param {string} text */
const value = (text) => (/^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text);

/** What the note says of itself, or the page goes by. */
const OURS = new Set(['title', 'source', 'rows', 'tables', 'type', 'tags', 'aliases', 'icon', 'template']);

/** Settings as properties; a key that is there again has a list. @param {string[]} lines */
function settings(lines) {
  /** @type {Map<string, Json[]>} */
  const found = new Map();
  let [section, left] = ['', 0];
  for (const line of lines) {
    const head = /^\s*\[([^\]]+)\][\s,;]*$/.exec(line)?.[1];
    if (head !== undefined) {
      section = /^(data|header)$/i.test(head.trim()) || key(head) === '' ? '' : `${key(head)}_`;
      continue;
    }
    const said = setting(line);
    if (!said) continue;
    const name = `${section}${said[0]}`;
    const own = OURS.has(name) ? `setting_${name}` : name;
    const values = found.get(own);
    if (values && values.length < SETTINGS) values.push(value(said[1]));
    else if (!values && found.size < SETTINGS) found.set(own, [value(said[1])]);
    else left += 1;
  }
  /** @type {{[key: string]: Json}} */
  const properties = Object.create(null);
  for (const [name, values] of found) properties[name] = values.length === 1 ? values[0] ?? null : values;
  return { properties, left };
}

/** @param {string} field */
const quoted = (field) => (/[",\n\r]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

/** Whether commas in its numbers are points. `1,234` may be a thousand: then it stays as it is written. @param {Table} table @param {(n: number) => string[]} row */
function commas({ at, end }, row) {
  let sure = false;
  for (let n = at; n < end; n += 1) {
    for (const field of row(n)) {
      if (field.includes('.') && numeric(field, true)) return false;
      sure ||= field.includes(',') && numeric(field, true) && !/^[-+]?[1-9]\d{0,2},\d{3}$/.test(field);
    }
  }
  return sure;
}

/** A table as CSV, and its ranges. @param {Table} table @param {string[]} lines @param {string} between */
function written(table, lines, between) {
  const row = (/** @type {number} */ n) => fields(lines[n] ?? '', between);
  const comma = between !== ',' && lines.slice(table.at, table.end).some((line) => line.includes(',')) && commas(table, row);
  const names = table.names ?? Array.from({ length: table.width }, (_, n) => `column ${n + 1}`);
  const low = names.map(() => Infinity);
  const high = names.map(() => -Infinity);
  const csv = [names.map(quoted).join(',')];
  for (let at = table.at; at < table.end; at += 1) {
    const now = row(at);
    while (now.length < table.width) now.push('');
    let isPlain = !lines[at]?.includes('"');
    for (let n = 0; n < now.length; n += 1) {
      let field = now[n] ?? '';
      if (between !== ',' && field.includes(',')) {
        if (comma && numeric(field, true)) now[n] = field = field.replace(',', '.');
        else isPlain = false;
      }
      if (!numeric(field, false)) continue;
      const number = Number(field);
      if (number < (low[n] ?? 0)) low[n] = number;
      if (number > (high[n] ?? 0)) high[n] = number;
    }
    csv.push((isPlain ? now : now.map(quoted)).join(','));
  }
  const ranges = names.map((name, n) => `| ${name.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')} | ${low[n] === Infinity ? '' : low[n]} | ${high[n] === -Infinity ? '' : high[n]} |`);
  return { csv: `${csv.join('\n')}\n`, ranges };
}

/** @param {string} path */
const link = (path) => `[${path.replace(/[[\]\\]/g, '\\$&')}](<${path.replace(/[<>\\%]/g, encodeURIComponent)}>)`;
/** @param {number} n @param {string} one @param {string} many */
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

codex.importer((file) => {
  if (file.text.trim() === '') throw new Error('the file is empty');
  if (file.bytes.length > MIB << 20) throw new Error(`it has ${Math.ceil(file.bytes.length / (1 << 20))} MiB, and ${MIB} are the most; split it, or drop the file itself into the notebook as it is`);
  if (file.text.includes('\0')) throw new Error('there are zero bytes in it: it is no text, or UTF-16 without its mark; save it as UTF-8');
  // Some programs end lines with `\r\r\n`.
  const all = file.text.includes('\r') ? file.text.split(/\r*\n|\r/) : file.text.split('\n');
  if (all.at(-1) === '') all.pop();
  if (all.length > LINES) throw new Error(`it has ${all.length} lines, and ${LINES} are the most; split it, or drop the file itself into the notebook as it is`);
  const between = separator(all);
  const lines = records(all, between);
  const shapes = lines.map((line) => (line.trim() === '' ? NOTHING : shape(fields(line, between), between !== ',')));
  const found = tables(lines, shapes, between);
  if (found.length === 0) throw new Error('there is no table of numbers in it; the file itself can be dropped into the notebook as it is');
  const stem = file.stem.trim() || file.name;
  const together = found.length > TABLES;
  const path = (/** @type {number} */ n) => (found.length === 1 || together ? `${stem} data.csv` : `${stem} data ${n + 1}.csv`);
  /** @type {ImporterEntry[]} */
  const entries = [];
  /** @type {string[]} */
  const parts = [];
  // What is in no table, as it is; and where the tables were.
  const rest = [];
  const outside = [];
  let [at, rows, columns] = [0, 0, 0];
  for (const [n, table] of found.entries()) {
    const { csv, ranges } = written(table, lines, between);
    const before = lines.slice(at, table.from);
    outside.push(...before);
    rest.push(...before, `⋯ ${count(table.end - table.at, 'row', 'rows')}: ${path(n)}`);
    at = table.end;
    rows += table.end - table.at;
    columns += table.width;
    const last = entries.at(-1);
    if (together && last) {
      last.text += `\n${csv}`;
      continue;
    }
    entries.push({ path: path(n), text: csv });
    if (together) parts.push(`${count(found.length, 'table', 'tables')}, one below the other: ${link(path(n))}.`);
    else parts.push(`${count(table.end - table.at, 'row', 'rows')} of ${count(table.width, 'column', 'columns')}: ${link(path(n))}.`);
    if (!together && columns <= RANGES) parts.push(`| column | from | to |\n| --- | --- | --- |\n${ranges.join('\n')}`);
  }
  const { properties, left } = settings(outside);
  const after = lines.slice(at);
  if ([...outside, ...after].some((line) => line.trim() !== '')) {
    const whole = [...rest, ...after].join('\n').replace(/^\n+/, '').trimEnd();
    if (left > 0) parts.push(`${count(left, 'setting is', 'settings are')} no property, as there are too many: ${left === 1 ? 'it stands' : 'they stand'} in the text only.`);
    parts.push('## Around the numbers');
    if (whole.length > LONG) {
      parts.push(`${link(`${stem} text.txt`)}.`);
      entries.push({ path: `${stem} text.txt`, text: `${whole}\n` });
    } else {
      const fence = '`'.repeat(Math.max(3, ...[...whole.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
      parts.push(`${fence}text\n${whole}\n${fence}`);
    }
  }
  Object.assign(properties, { title: stem, source: file.name, rows });
  if (found.length > 1) properties['tables'] = found.length;
  return [{ path: `${stem}.md`, text: `# ${stem}\n\n${parts.join('\n\n')}\n`, properties }, ...entries];
});
