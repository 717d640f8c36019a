/** @typedef {{names: string[], series: {name: string, values: number[]}[]}} Data */
/** @typedef {(value: number) => string} Format */

/** So many colours there are in chart.css, `.c0` and on. */
const COLOURS = 8;
/** @param {number} at */
const colour = (at) => `c${at % COLOURS}`;
const s = codex.svg;

/** RFC 4180, with `,`, `;` or a tab between the fields. @param {string} text */
function csv(text) {
  const first = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const between = ['\t', ';', ','].find((sign) => first.includes(sign)) ?? ',';
  /** @type {string[]} */
  let row = [];
  const rows = [row];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      at += 1;
      while (at < text.length && (text[at] !== '"' || text[at + 1] === '"')) {
        field += text[at];
        at += text[at] === '"' ? 2 : 1;
      }
      at += 1;
    }
    while (at < text.length && text[at] !== between && text[at] !== '\n') field += text[at++];
    row.push(field.replace(/\r$/, '').trim());
    if (text[at] === '\n') rows.push((row = []));
    at += 1;
  }
  return rows.filter((row) => row.some((field) => field !== ''));
}

/** @param {unknown} text */
const number = (text) => (typeof text === 'number' ? text : Number(String(text).replace(',', '.')));
/** @param {unknown} item @returns {item is Dict<Json>} */
const isDict = (item) => typeof item === 'object' && item !== null && !Array.isArray(item);

/** The columns of a CSV file. @param {CodexView} view @param {string} path @returns {Promise<Data>} */
async function fromFile(view, path) {
  const { files } = await view.query({ paths: [path], limit: 1 });
  if (!files[0]) throw new Error(`There is no “${path}” in this notebook.`);
  const [head = [], ...rows] = csv((await view.text(files[0])).text.replace(/^\uFEFF/, ''));
  const column = (/** @type {string} */ name) => {
    const found = head.indexOf(name);
    if (found < 0) throw new Error(`“${path}” has no column “${name}”; it has ${head.join(', ')}.`);
    return found;
  };
  const x = view.values.x === undefined ? 0 : column(String(view.values.x));
  const numeric = (/** @type {number} */ n) => n !== x && rows.some((row) => !Number.isNaN(number(row[n] ?? 'x')));
  const wanted = view.values.y === undefined ? [...head.keys()].filter(numeric) : String(view.values.y).split(/\s*,\s*/).map(column);
  return { names: rows.map((row) => row[x] ?? ''), series: wanted.map((n) => ({ name: head[n] ?? '', values: rows.map((row) => number(row[n] ?? '')) })) };
}

/** `Mon 3, Tue 5`. @param {string} text @returns {[string, number][]} */
const listed = (text) =>
  text.split(/\s*[,;\n]\s*/).filter(Boolean).map((item) => {
    const [, name = '', value] = /^(.*?)[\s:=]*(-?[\d.]+)$/.exec(item) ?? [];
    if (value === undefined) throw new Error(`“${item}” is no number with a name before it.`);
    return [name === '' ? value : name, Number(value)];
  });

/** Names and series, of whatever way the numbers are written. @param {CodexView} view @returns {Promise<Data>} */
async function read(view) {
  /** @type {Json | undefined} */
  let data = view.values.data;
  if (typeof data === 'string' && /^[[{]/.test(data.trim())) data = /** @type {Json} */ (JSON.parse(data));
  if (typeof data === 'string' && /^\S.*\.(csv|tsv|txt)$/i.test(data.trim())) return fromFile(view, data.trim().replace(/^\//, ''));
  if (typeof data === 'string') data = listed(data);
  else if (isDict(data)) data = Object.entries(data);
  if (!Array.isArray(data)) throw new Error('`data` says nothing: write `data: Mon 3, Tue 5`.');
  const pairs = data.map((item, n) => (Array.isArray(item) ? item : isDict(item) ? [item.label ?? item.name ?? n + 1, item.value] : [n + 1, item]));
  return { names: pairs.map(([name]) => String(name)), series: [{ name: '', values: pairs.map(([, value]) => number(value)) }] };
}

/** Steps of 1, 2 or 5 times a power of ten. @param {number} low @param {number} high */
function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const all = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) all.push(Number(at.toPrecision(12)));
  return all;
}

const W = 640;
const H = 280;

/** @param {Data} data @param {string} kind @param {Format} format */
function axes({ names, series }, kind, format) {
  const values = series.flatMap((one) => one.values).filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-9);
  const [left, right, top, bottom] = [56, W - 12, 12, H - 34];
  const y = (/** @type {number} */ value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  const band = (right - left) / Math.max(1, names.length);
  const marks = ticks(low, high).map((value) => s('g', { class: 'tick' },
    s('line', { x1: left, x2: right, y1: y(value), y2: y(value) }),
    s('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value))));
  const every = Math.ceil(names.length / 12);
  const labels = names.map((name, n) => n % every === 0 && s('text', { class: 'name', x: left + band * (n + 0.5), y: bottom + 18, 'text-anchor': 'middle' }, name.length > 12 ? `${name.slice(0, 11)}…` : name));
  const drawn = series.map((one, at) => {
    if (kind === 'line') {
      const points = one.values.map((value, n) => (Number.isFinite(value) ? `${left + band * (n + 0.5)},${y(value)}` : null));
      const path = points.map((point, n) => (point === null ? '' : `${n === 0 || points[n - 1] === null ? 'M' : 'L'}${point}`)).join(' ');
      return s('path', { d: path, class: `line ${colour(at)}` });
    }
    const width = (band * 0.8) / series.length;
    return s('g', { class: colour(at) }, one.values.map((value, n) => Number.isFinite(value) && s('rect', {
      class: 'filled', x: left + band * (n + 0.1) + width * at, width: Math.max(0.5, width - 1), y: Math.min(y(value), y(0)), height: Math.abs(y(value) - y(0)),
    }, s('title', null, `${names[n]}: ${format(value)}`))));
  });
  return [...marks, ...labels, ...drawn];
}

/** @param {Data} data @param {string} kind @param {Format} format */
function round({ names, series }, kind, format) {
  const values = (series[0]?.values ?? []).map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const whole = values.reduce((sum, value) => sum + value, 0) || 1;
  const [cx, cy, r] = /** @type {[number, number, number]} */ ([150, H / 2, H / 2 - 14]);
  const inner = kind === 'doughnut' ? r * 0.58 : 0;
  let from = -Math.PI / 2;
  const at = (/** @type {number} */ angle, /** @type {number} */ radius) => `${cx + radius * Math.cos(angle)} ${cy + radius * Math.sin(angle)}`;
  const slices = values.map((value, n) => {
    // A whole circle is no arc: it ends where it begins.
    const to = from + Math.min(value / whole, 0.99999) * 2 * Math.PI;
    const large = to - from > Math.PI ? 1 : 0;
    const d = `M${at(from, r)} A${r} ${r} 0 ${large} 1 ${at(to, r)} L${at(to, inner)} A${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`;
    from = to;
    return s('path', { d, class: `slice filled ${colour(n)}` }, s('title', null, `${names[n]}: ${format(value)}`));
  });
  const legend = names.slice(0, 10).map((name, n) => s('g', { class: colour(n) },
    s('rect', { class: 'filled', x: 320, y: 26 + n * 24, width: 12, height: 12 }),
    s('text', { x: 340, y: 37 + n * 24 }, `${name}: ${format(values[n] ?? 0)} (${Math.round(((values[n] ?? 0) / whole) * 100)} %)`)));
  return [...slices, ...legend];
}

codex.start((view) => {
  const { h } = codex;
  let turn = 0;
  const draw = async () => {
    turn += 1;
    const mine = turn;
    const shown = await drawn().catch((/** @type {{message: string}} */ why) => h('p', { class: 'wrong', role: 'alert' }, why.message));
    // What is drawn of values that are not the last ones comes too late.
    if (mine !== turn) return;
    view.root.replaceChildren(shown);
    view.fit();
  };

  const drawn = async () => {
    const kind = ['bar', 'line', 'pie', 'doughnut'].find((each) => each === view.values.type) ?? 'bar';
    const data = await read(view);
    if (data.names.length > 2000) throw new Error(`${data.names.length} points are more than a chart of 2,000 shows.`);
    const format = (/** @type {number} */ value) => codex.formatNumber(value, { maximumSignificantDigits: 6 });
    const title = String(view.values.title ?? '');
    const spoken = `${title || 'Chart'}: ${data.names.slice(0, 20).map((name, n) => `${name} ${format(data.series[0]?.values[n] ?? 0)}`).join(', ')}`;
    const whole = kind === 'pie' || kind === 'doughnut';
    const picture = s('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': spoken }, (whole ? round : axes)(data, kind, format));
    const keys = data.series.map((one, n) => h('span', { class: colour(n) }, s('svg', { viewBox: '0 0 12 12', class: 'key' }, s('rect', { class: 'filled', width: 12, height: 12 })), ` ${one.name} `));
    return h('figure', { class: 'chart' }, title !== '' && h('figcaption', null, title), picture, !whole && keys.length > 1 && h('p', { class: 'legend' }, keys));
  };
  view.onchange = () => void draw();
  void draw();
});
