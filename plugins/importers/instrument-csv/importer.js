// What most instruments write: lines of settings (`Key: value`, `# key = value`, `"Key","value"`), perhaps `[Section]`s, an empty
// line or a mark such as `[Data]`, then a table with names above it and perhaps units below those.

const SIGNS = ['\t', ';', ',', '|'];

/** @param {string} line @param {string} between */
function fields(line, between) {
  const all = [];
  let at = 0;
  while (at <= line.length) {
    let field = '';
    while (line[at] === ' ' && between !== ' ') at += 1;
    if (line[at] === '"') {
      at += 1;
      while (at < line.length && (line[at] !== '"' || line[at + 1] === '"')) {
        field += line[at];
        at += line[at] === '"' ? 2 : 1;
      }
      at += 1;
    }
    while (at < line.length && line[at] !== between) field += line[at++];
    all.push(field.trim());
    at += 1;
  }
  return all;
}

/** @param {string} text @param {boolean} comma */
const numeric = (text, comma) => /^[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?$/.test(text) && (comma || !text.includes(','));
/** @param {string} text @param {boolean} comma */
const plain = (text, comma) => (comma ? text.replace(',', '.') : text);

/** How its fields are kept apart: the sign by which most lines have the same number of fields. @param {string[]} lines */
function separator(lines) {
  let best = { sign: ',', score: 0 };
  for (const sign of SIGNS) {
    const counts = new Map();
    for (const line of lines) {
      const n = fields(line, sign).length;
      if (n > 1) counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    // More lines that agree are better; of as many, those with more columns.
    for (const [n, times] of counts) if (times * 100 + n > best.score) best = { sign, score: times * 100 + n };
  }
  return best.sign;
}

/** Where the table begins: the first of the longest run of lines with as many fields, most of them numbers. @param {string[][]} rows @param {boolean} comma */
function table(rows, comma) {
  const isData = (/** @type {string[] | undefined} */ row) => row !== undefined && row.length > 1 && row.filter((field) => numeric(field, comma)).length >= Math.max(1, row.length / 2);
  let best = null;
  for (let at = 0; at < rows.length; at += 1) {
    if (!isData(rows[at])) continue;
    let end = at;
    while (isData(rows[end]) && rows[end]?.length === rows[at]?.length) end += 1;
    if (best === null || end - at > best.end - best.at) best = { at, end };
    at = end - 1;
  }
  return best;
}

/** @param {string} text */
function key(text) {
  return text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_+|_+$/g, '');
}

/** @param {string} line @returns {[string, string] | null} */
function setting(line) {
  const text = line.replace(/^[#%;!*/\s]+/, '').replace(/[,;\t\s]+$/, '');
  const [, name = '', said = ''] = /^"?([^:=\t,;"]{1,60}?)"?\s*(?:[:=]\s*|\t+|"?[,;]\s*)"?(.+?)"?$/.exec(text) ?? [];
  return key(name) === '' ? null : [key(name), said.trim()];
}

/** @param {string} text */
function value(text) {
  if (/^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) && text.length < 16) return Number(text);
  return text;
}

/** @param {string} field */
const quoted = (field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

codex.importer((file) => {
  const lines = file.text.split(/\r\n|\n|\r/);
  const between = separator(lines.filter((line) => line.trim() !== ''));
  const rows = lines.map((line) => (line.trim() === '' ? [] : fields(line, between)));
  // A comma in numbers is one where it does not stand between fields.
  const comma = between !== ',' && rows.some((row) => row.some((field) => /^\d+,\d+$/.test(field)));
  const found = table(rows, comma);
  if (found === null) throw new Error('there is no table of numbers in it');
  const first = rows[found.at] ?? [];
  const width = first.length;
  // Names stand right above the numbers; units, if there are two such lines.
  /** @type {string[][]} */
  const above = [];
  for (let at = found.at - 1; at >= 0 && above.length < 2; at -= 1) {
    const row = rows[at] ?? [];
    if (row.length !== width || lines[at]?.trim() === '') break;
    above.unshift(row);
  }
  const names = (above[0] ?? first.map((_, n) => `column ${n + 1}`)).map((name, n) => {
    const unit = above[1]?.[n] ?? '';
    return unit === '' || name.includes(unit) ? name : `${name} [${unit.replace(/^[[(]|[\])]$/g, '')}]`;
  });
  /** @type {{[key: string]: Json}} */
  const properties = {};
  let section = '';
  for (const line of lines.slice(0, found.at - above.length)) {
    const head = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1];
    if (head !== undefined) {
      section = /^(data|header)$/i.test(head.trim()) ? '' : `${key(head)}_`;
      continue;
    }
    const said = setting(line);
    if (said && Object.keys(properties).length < 200) properties[`${section}${said[0]}`] = value(said[1]);
  }
  const data = rows.slice(found.at, found.end);
  const csv = [names, ...data.map((row) => row.map((field) => (numeric(field, comma) ? plain(field, comma) : field)))].map((row) => row.map(quoted).join(',')).join('\n');
  const rest = lines.slice(found.end).filter((line) => line.trim() !== '');
  const notes = rest.length > 0 ? `\n## After the table\n\n\`\`\`\n${rest.slice(0, 500).join('\n')}\n\`\`\`\n` : '';
  const ranges = names.map((name, n) => {
    const numbers = data.map((row) => Number(plain(row[n] ?? '', comma))).filter(Number.isFinite);
    if (numbers.length === 0) return `| ${name} | | |`;
    let [low, high] = [Infinity, -Infinity];
    for (const one of numbers) {
      low = Math.min(low, one);
      high = Math.max(high, one);
    }
    return `| ${name} | ${low} | ${high} |`;
  });
  return [
    {
      path: `${file.stem}.md`,
      text: `# ${file.stem}\n\n${data.length} rows of ${width} columns: [${file.stem} data.csv](<${file.stem} data.csv>).\n\n| column | from | to |\n| --- | --- | --- |\n${ranges.join('\n')}\n${notes}`,
      properties: { title: file.stem, source: file.name, rows: data.length, ...properties },
    },
    { path: `${file.stem} data.csv`, text: `${csv}\n` },
  ];
});
