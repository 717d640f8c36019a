const COLOURS = ['var(--accent)', '#b2622b', '#4f7a3a', '#7a4f9a', '#2b6fb2', '#a83c5a', '#6b6b2b', '#2b8a8a'];
const SVG = 'http://www.w3.org/2000/svg';
const s = (tag, attributes, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
};

/** RFC 4180, with `,`, `;` or a tab between the fields. */
function csv(text) {
  const first = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const between = ['\t', ';', ','].find((sign) => first.includes(sign)) ?? ',';
  const rows = [[]];
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
    rows[rows.length - 1].push(field.replace(/\r$/, '').trim());
    if (text[at] === '\n') rows.push([]);
    at += 1;
  }
  return rows.filter((row) => row.some((field) => field !== ''));
}

const number = (text) => (typeof text === 'number' ? text : Number(String(text).replace(',', '.')));

/** Names and series, of whatever way the numbers are written. */
async function read(view) {
  let { data } = view.values;
  if (typeof data === 'string' && /^[[{]/.test(data.trim())) data = JSON.parse(data);
  if (typeof data === 'string' && /^\S.*\.(csv|tsv|txt)$/i.test(data.trim())) {
    const path = data.trim().replace(/^\//, '');
    const { files } = await view.query({ paths: [path], limit: 1 });
    if (!files[0]) throw new Error(`There is no “${path}” in this notebook.`);
    const [head, ...rows] = csv((await view.text(files[0])).text.replace(/^\uFEFF/, ''));
    const column = (name) => {
      const found = head.indexOf(name);
      if (found < 0) throw new Error(`“${path}” has no column “${name}”; it has ${head.join(', ')}.`);
      return found;
    };
    const x = view.values.x === undefined ? 0 : column(String(view.values.x));
    const wanted = view.values.y === undefined ? head.map((_, n) => n).filter((n) => n !== x && rows.some((row) => !Number.isNaN(number(row[n] ?? 'x')))) : String(view.values.y).split(/\s*,\s*/).map(column);
    return { names: rows.map((row) => row[x] ?? ''), series: wanted.map((n) => ({ name: head[n], values: rows.map((row) => number(row[n] ?? '')) })) };
  }
  if (typeof data === 'string') {
    data = data.split(/\s*[,;\n]\s*/).filter(Boolean).map((item) => {
      const parts = /^(.*?)[\s:=]*(-?[\d.]+)$/.exec(item);
      if (!parts) throw new Error(`“${item}” is no number with a name before it.`);
      return [parts[1] === '' ? String(parts[2]) : parts[1], Number(parts[2])];
    });
  } else if (data && !Array.isArray(data)) {
    data = Object.entries(data);
  }
  if (!Array.isArray(data)) throw new Error('`data` says nothing: write `data: Mon 3, Tue 5`.');
  const pairs = data.map((item, n) => (Array.isArray(item) ? item : typeof item === 'object' && item ? [item.label ?? item.name ?? n + 1, item.value] : [n + 1, item]));
  return { names: pairs.map(([name]) => String(name)), series: [{ name: '', values: pairs.map(([, value]) => number(value)) }] };
}

/** Steps of 1, 2 or 5 times a power of ten. */
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

function axes({ names, series }, kind, format) {
  const values = series.flatMap((one) => one.values).filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-9);
  const [left, right, top, bottom] = [56, W - 12, 12, H - 34];
  const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  const band = (right - left) / Math.max(1, names.length);
  const marks = ticks(low, high).map((value) => s('g', { class: 'tick' },
    s('line', { x1: left, x2: right, y1: y(value), y2: y(value) }),
    s('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value))));
  const every = Math.ceil(names.length / 12);
  const labels = names.map((name, n) => (n % every === 0 ? s('text', { class: 'name', x: left + band * (n + 0.5), y: bottom + 18, 'text-anchor': 'middle' }, name.length > 12 ? `${name.slice(0, 11)}…` : name) : ''));
  const drawn = series.map((one, at) => {
    const colour = COLOURS[at % COLOURS.length];
    if (kind === 'line') {
      const points = one.values.map((value, n) => (Number.isFinite(value) ? `${left + band * (n + 0.5)},${y(value)}` : null));
      const path = points.map((point, n) => (point === null ? '' : `${n === 0 || points[n - 1] === null ? 'M' : 'L'}${point}`)).join(' ');
      return s('path', { d: path, class: 'line', style: `stroke: ${colour}` });
    }
    const width = (band * 0.8) / series.length;
    return s('g', {}, ...one.values.map((value, n) => (Number.isFinite(value) ? s('rect', { x: left + band * (n + 0.1) + width * at, width: Math.max(0.5, width - 1), y: Math.min(y(value), y(0)), height: Math.abs(y(value) - y(0)), style: `fill: ${colour}` }, s('title', {}, `${names[n]}: ${format(value)}`)) : '')));
  });
  return [...marks, ...labels, ...drawn];
}

function round({ names, series }, kind, format) {
  const values = (series[0]?.values ?? []).map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const whole = values.reduce((sum, value) => sum + value, 0) || 1;
  const [cx, cy, r] = [150, H / 2, H / 2 - 14];
  const inner = kind === 'doughnut' ? r * 0.58 : 0;
  let from = -Math.PI / 2;
  const at = (angle, radius) => `${cx + radius * Math.cos(angle)} ${cy + radius * Math.sin(angle)}`;
  const slices = values.map((value, n) => {
    // A whole circle is no arc: it ends where it begins.
    const to = from + Math.min(value / whole, 0.99999) * 2 * Math.PI;
    const large = to - from > Math.PI ? 1 : 0;
    const d = `M${at(from, r)} A${r} ${r} 0 ${large} 1 ${at(to, r)} L${at(to, inner)} A${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`;
    from = to;
    return s('path', { d, class: 'slice', style: `fill: ${COLOURS[n % COLOURS.length]}` }, s('title', {}, `${names[n]}: ${format(value)}`));
  });
  const legend = names.slice(0, 10).map((name, n) => s('g', {},
    s('rect', { x: 320, y: 26 + n * 24, width: 12, height: 12, style: `fill: ${COLOURS[n % COLOURS.length]}` }),
    s('text', { x: 340, y: 37 + n * 24 }, `${name}: ${format(values[n])} (${Math.round((values[n] / whole) * 100)} %)`)));
  return [...slices, ...legend];
}

codex.start((view) => {
  const { h } = codex;
  const draw = async () => {
    try {
      const kind = ['bar', 'line', 'pie', 'doughnut'].includes(view.values.type) ? view.values.type : 'bar';
      const data = await read(view);
      if (data.names.length > 2000) throw new Error(`${data.names.length} points are more than a chart of 2,000 shows.`);
      const format = (value) => new Intl.NumberFormat(view.locale, { maximumSignificantDigits: 6 }).format(value);
      const title = String(view.values.title ?? '');
      const spoken = `${title || 'Chart'}: ${data.names.slice(0, 20).map((name, n) => `${name} ${format(data.series[0]?.values[n] ?? 0)}`).join(', ')}`;
      const picture = s('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': spoken }, ...(kind === 'pie' || kind === 'doughnut' ? round(data, kind, format) : axes(data, kind, format)));
      const several = data.series.length > 1 && (kind === 'bar' || kind === 'line');
      view.root.replaceChildren(h('figure', { class: 'chart' },
        title && h('figcaption', {}, title),
        picture,
        several && h('p', { class: 'legend' }, ...data.series.map((one, n) => h('span', {}, s('svg', { viewBox: '0 0 12 12', class: 'key' }, s('rect', { width: 12, height: 12, style: `fill: ${COLOURS[n % COLOURS.length]}` })), ` ${one.name} `)))));
    } catch (error) {
      view.root.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, error.message));
    }
    view.fit();
  };
  view.onchange = draw;
  void draw();
});
