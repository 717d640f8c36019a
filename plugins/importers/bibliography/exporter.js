// What `importer.js` made of BibTeX becomes BibTeX again; so does every note of `type: reference`.

/** What is the note's own, or has a field of another name. */
const OWN = new Set(['title', 'type', 'reference_type', 'citation_key', 'authors', 'editors', 'tags', 'aliases', 'icon', 'template', 'due_date', 'status']);
/** What is no text in TeX. */
const PLAIN = new Set(['doi', 'url', 'file', 'eprint']);
/** @type {ReadonlyMap<string, string>} */
const SIGNS = new Map(Object.entries({ '\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}' }));

/** Whether each brace has its other one: BibTeX counts them wherever they are. @param {string} text */
function balanced(text) {
  let depth = 0;
  for (const sign of text) {
    if (sign === '{') depth += 1;
    if (sign === '}') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** A text as TeX writes it. @param {string} text */
function tex(text) {
  const braces = balanced(text);
  return text
    .replace(/[&%$#_{}\\~^]/g, (sign) => SIGNS.get(sign) ?? (braces || !/[{}]/.test(sign) ? `\\${sign}` : sign === '{' ? '\\textbraceleft{}' : '\\textbraceright{}'))
    .replace(/-(?=-)/g, '-{}')
    .replace(/\s+/g, ' ')
    .trim();
}

/** @param {Json | undefined} value @returns {string[]} */
const texts = (value) => (Array.isArray(value) ? value.flatMap(texts) : value === null || value === undefined || typeof value === 'object' ? [] : [String(value)]);

/** @param {string} name */
const person = (name) => (/\sand\s|,/i.test(name) ? `{${tex(name)}}` : tex(name));

/** @param {CodeEntry} entry */
const isWork = ({ properties }) => properties.type === 'reference' || typeof properties.citation_key === 'string' || typeof properties.reference_type === 'string';

/** @param {CodeEntry} entry @param {string} key */
function record({ title, text, properties }, key) {
  const kind = String(properties.reference_type ?? 'misc').toLowerCase().replace(/[^a-z]/g, '') || 'misc';
  /** @type {[string, string][]} */
  const fields = [['title', tex(title)], ['author', texts(properties.authors).map(person).join(' and ')], ['editor', texts(properties.editors).map(person).join(' and ')]];
  for (const [name, value] of Object.entries(properties)) {
    const field = name.toLowerCase().replace(/^(bib_)+/, '').replace(/[^a-z0-9_-]/g, '-');
    const said = texts(value).join('; ');
    if (OWN.has(name) || !/^[a-z]/.test(field) || said === '') continue;
    fields.push([field, PLAIN.has(field) && balanced(said) ? said : tex(said)]);
  }
  fields.push(['keywords', texts(properties.tags).map(tex).join(', ')]);
  const [, abstract = ''] = /^## Abstract\n+([^]*?)(?=\n## |(?![^]))/m.exec(text ?? '') ?? [];
  fields.push(['abstract', tex(abstract)]);
  const lines = fields.filter(([, value]) => value !== '').map(([name, value]) => `  ${name} = {${value}}`);
  return `@${kind}{${key},\n${lines.join(',\n')}\n}\n`;
}

codex.exporter((entries) => {
  const works = entries.filter(isWork);
  if (works.length === 0) throw new Error(`none of ${entries.length} entries is a work: those have \`type: reference\`, or a \`citation_key\``);
  const taken = new Set();
  const records = works.map((entry) => {
    const own = texts(entry.properties.citation_key)[0] ?? entry.name.replace(/\.[^.]*$/, '');
    const bare = own.replace(/[\s,{}()="#%\\~]+/g, '-') || 'work';
    let key = bare;
    for (let times = 2; taken.has(key.toLowerCase()); times += 1) key = `${bare}-${times}`;
    taken.add(key.toLowerCase());
    return record(entry, key);
  });
  return [{ name: 'library.bib', text: records.join('\n') }];
});
