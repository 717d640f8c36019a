/** @typedef {{names: string[], series: {name: string, values: number[]}[]}} Data */
/** @typedef {(value: number) => string} Format */

/** So many colours there are in chart.css, `.c0` and on; those of further ones are made, each apart from the one before. */
const COLOURS = 8;
/** @param {number} at */
const colour = (at) => {
  const hue = (at * 137.5) % 360;
  return at < COLOURS ? { class: `c${at}` } : { style: { '--colour': `light-dark(hsl(${hue} 48% ${36 + (at % 3) * 8}%), hsl(${hue} 55% ${62 + (at % 3) * 7}%))` } };
};
/** More slices than this cannot be told apart. */
const MOST_SLICES = 40;
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

const KINDS = ['bar', 'line', 'pie', 'doughnut'];
const H = 280;
/** Pixels that a letter of a label is wide, about, and at most all of one. */
const LETTER = 6.6;
const LABEL = 96;

/** @param {string} text */
const short = (text) => (text.length * LETTER > LABEL ? `${text.slice(0, Math.floor(LABEL / LETTER) - 1)}…` : text);
/** Days are written as people do, without a year that is the same for all. @param {string[]} names */
const readable = (names) => {
  if (names.length === 0 || !names.every((name) => codex.date(name)?.time === false)) return names.map(short);
  const one = new Set(names.map((name) => name.slice(0, 4))).size === 1;
  return names.map((name) => codex.formatDate(name, { day: 'numeric', month: 'short', ...(one ? {} : { year: '2-digit' }) }));
};

/** @param {Data} data @param {string} kind @param {Format} format @param {number} W */
function axes({ names, series }, kind, format, W) {
  const values = series.flatMap((one) => one.values).filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-9);
  const steps = ticks(low, high);
  const left = Math.min(110, Math.max(30, ...steps.map((value) => format(value).length * LETTER + 12)));
  const right = W - 12;
  const band = (right - left) / Math.max(1, names.length);
  const words = readable(names);
  const widest = Math.max(1, ...words.map((word) => word.length * LETTER));
  // Names that have no room beside one another lean; where even that is too narrow, some are left out.
  const lean = widest + 8 > band && band >= 17;
  const every = lean || widest + 8 <= band ? 1 : Math.ceil((widest + 10) / band);
  const [top, bottom] = [12, H - (lean ? Math.min(LABEL, widest) * 0.71 + 20 : 34)];
  const y = (/** @type {number} */ value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  const marks = steps.map((value) => s('g', { class: 'tick' },
    s('line', { x1: left, x2: right, y1: y(value), y2: y(value) }),
    s('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value))));
  const labels = words.map((word, n) => {
    const x = left + band * (n + 0.5);
    return n % every === 0 && s('text', lean ? { class: 'name', x, y: bottom + 12, 'text-anchor': 'end', transform: `rotate(-45 ${x} ${bottom + 12})` } : { class: 'name', x, y: bottom + 18, 'text-anchor': 'middle' }, word);
  });
  const drawn = series.map((one, at) => {
    if (kind === 'line') {
      const points = one.values.map((value, n) => (Number.isFinite(value) ? `${left + band * (n + 0.5)},${y(value)}` : null));
      const path = points.map((point, n) => (point === null ? '' : `${n === 0 || points[n - 1] === null ? 'M' : 'L'}${point}`)).join(' ');
      const { class: named = '', ...made } = colour(at);
      return s('path', { d: path, class: `line ${named}`, ...made });
    }
    const width = (band * 0.8) / series.length;
    return s('g', colour(at), one.values.map((value, n) => Number.isFinite(value) && s('rect', {
      class: 'filled', x: left + band * (n + 0.1) + width * at, width: Math.max(0.5, width - 1), y: Math.min(y(value), y(0)), height: Math.abs(y(value) - y(0)),
    }, s('title', null, `${names[n]}: ${format(value)}`))));
  });
  return s('svg', { viewBox: `0 0 ${W} ${H}`, height: H }, ...marks, ...labels, ...drawn);
}

/** @param {Data} data @param {string} kind @param {Format} format */
function round({ names, series }, kind, format) {
  const { h } = codex;
  const values = (series[0]?.values ?? []).map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  if (values.length > MOST_SLICES) throw new Error(`${values.length} parts are more than a ${kind} shows, which is ${MOST_SLICES}; “type: bar” shows them.`);
  const whole = values.reduce((sum, value) => sum + value, 0) || 1;
  const r = H / 2 - 14;
  const inner = kind === 'doughnut' ? r * 0.58 : 0;
  let from = -Math.PI / 2;
  const at = (/** @type {number} */ angle, /** @type {number} */ radius) => `${H / 2 + radius * Math.cos(angle)} ${H / 2 + radius * Math.sin(angle)}`;
  const slices = values.map((value, n) => {
    // A whole circle is no arc: it ends where it begins.
    const to = from + Math.min(value / whole, 0.99999) * 2 * Math.PI;
    const large = to - from > Math.PI ? 1 : 0;
    const d = `M${at(from, r)} A${r} ${r} 0 ${large} 1 ${at(to, r)} L${at(to, inner)} A${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`;
    from = to;
    return s('g', colour(n), s('path', { d, class: 'slice filled' }, s('title', null, `${names[n]}: ${format(value)}`)));
  });
  const keys = names.map((name, n) => h('li', colour(n), key(), h('span', null, `${name}: ${format(values[n] ?? 0)} (${Math.round(((values[n] ?? 0) / whole) * 100)} %)`)));
  return h('div', { class: 'round' }, s('svg', { viewBox: `0 0 ${H} ${H}`, height: H, width: H }, slices), h('ul', { class: 'legend' }, keys));
}
const key = () => s('svg', { viewBox: '0 0 12 12', class: 'key', 'aria-hidden': 'true' }, s('rect', { class: 'filled', width: 12, height: 12 }));

codex.start((view) => {
  const { h } = codex;
  let turn = 0;
  /** What was read. @type {Data | null} */
  let data = null;
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
    // Of a kind that there is not the page says so below.
    const kind = KINDS.find((each) => each === view.values.type) ?? 'bar';
    data ??= await read(view);
    if (data.names.length > 2000) throw new Error(`${data.names.length} points are more than a chart of 2,000 shows.`);
    const format = (/** @type {number} */ value) => codex.formatNumber(value, { maximumSignificantDigits: 6 });
    const { names, series } = data;
    const title = String(view.values.title ?? '');
    const spoken = `${title || 'Chart'}: ${names.slice(0, 20).map((name, n) => `${name} ${format(series[0]?.values[n] ?? 0)}`).join(', ')}`;
    const whole = kind === 'pie' || kind === 'doughnut';
    const drawing = whole ? round(data, kind, format) : axes(data, kind, format, width());
    const picture = drawing.matches('svg') ? drawing : drawing.querySelector('svg');
    picture?.setAttribute('role', 'img');
    picture?.setAttribute('aria-label', spoken);
    const rest = series.slice(1).map(({ name }) => name);
    const below = whole
      ? rest.length > 0 && h('p', { class: 'codex-quiet' }, `A ${kind} is of one column, here “${series[0]?.name}”. “y: ${rest[0]}” shows another; “type: bar” shows ${rest.length > 1 ? 'all' : 'both'}.`)
      : series.length > 1 && h('ul', { class: 'legend' }, series.map((one, n) => h('li', colour(n), key(), h('span', null, one.name))));
    return h('figure', { class: 'chart' }, title !== '' && h('figcaption', null, title), drawing, below);
  };
  // Letters keep their size: what is narrower is drawn anew.
  const width = () => Math.max(260, Math.min(720, view.root.clientWidth - 28));
  let drawnFor = 0;
  new ResizeObserver(() => {
    if (width() !== drawnFor) void draw();
    drawnFor = width();
  }).observe(view.root);
  view.onchange = () => {
    data = null;
    void draw();
  };
  void draw();
});
