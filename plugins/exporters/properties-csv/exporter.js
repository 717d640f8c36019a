// CSV as RFC 4180 has it, in UTF-8 with its mark, so that spreadsheets read its letters.

/** A list is its values with `; ` between them, an object its JSON. @param {Json | undefined} value @returns {string} */
function words(value) {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(words).join('; ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** @param {string} text */
const cell = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

codex.exporter((entries) => {
  if (entries.length === 0) throw new Error('there is no entry to make a table of');
  const own = new Set(['title', 'tags']);
  const keys = [...new Set(entries.flatMap(({ properties }) => Object.keys(properties)))].filter((key) => !own.has(key));
  const head = ['path', 'title', 'tags', ...keys, 'file_created', 'file_modified'];
  const rows = entries.map(({ path, title, tags, properties, created, modified }) =>
    [path, title, words(tags), ...keys.map((key) => words(Object.hasOwn(properties, key) ? properties[key] : undefined)), created, modified]);
  return [{ name: 'entries.csv', text: `\uFEFF${[head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')}` }];
});
