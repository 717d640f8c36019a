/** Other views beside and below one another, in rows of twelve columns. */
const { h } = codex;

const COLUMNS = 12;
/** Pixels of a row that does not say how high it is. */
const HIGH = 380;

/** @typedef {{span: number, path: string | null, title: string, height: number, text: string | null}} Part */

codex.start((view) => {
  view.fit();
  const rows = h('div', { class: 'rows' });
  view.root.append(rows);

  /** @param {any} given @param {number} high @param {number} share @returns {Part} */
  const part = (given, high, share) => {
    const span = Math.max(1, Math.min(COLUMNS, Math.round(Number(given?.span)) || share));
    const path = typeof given?.view === 'string' ? given.view.trim() : typeof given?.path === 'string' ? given.path.trim() : '';
    const name = path.split('/').at(-1)?.replace(/\.cdx$/, '') ?? '';
    const title = String(given?.title ?? name);
    const height = Math.max(80, Math.min(2000, Number(given?.height) || high));
    const kind = String(given?.type ?? 'mini-view');
    if (kind !== 'mini-view' && kind !== 'view') return { span, path: null, title, height, text: `There is no component “${kind}”; there is “mini-view”.` };
    return path === '' ? { span, path: null, title, height, text: 'It does not say which view: “view: Board.cdx”.' } : { span, path, title, height, text: null };
  };
  /** What is written may be rows of components, or components alone. @returns {Part[][]} */
  const layout = () => {
    const given = view.layout ?? (Array.isArray(view.config['layout']) ? view.config['layout'] : []);
    /** @type {Part[][]} */
    const found = [];
    /** @type {any[]} */
    let loose = [];
    const flush = () => {
      if (loose.length > 0) found.push(loose.map((one) => part(one, HIGH, COLUMNS)));
      loose = [];
    };
    for (const row of /** @type {any[]} */ (given)) {
      const inside = Array.isArray(row) ? row : Array.isArray(row?.components) ? row.components : null;
      if (inside === null) {
        if (row && typeof row === 'object') loose.push(row);
        continue;
      }
      flush();
      const high = Number(row?.height) || HIGH;
      // What says no width shares what the others leave.
      const said = inside.reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + (Number(each?.span) || 0), 0);
      const silent = inside.filter((/** @type {any} */ each) => !Number(each?.span)).length;
      const share = Math.max(1, Math.floor((COLUMNS - said) / Math.max(1, silent))) || COLUMNS;
      found.push(inside.map((/** @type {any} */ each) => part(each, high, share)));
    }
    flush();
    return found;
  };

  /** Its file is looked for as the page does it: the path may be seen from here, or from the top. @param {string} path */
  const open = async (path) => {
    const clean = path.replace(/^(\.?\.?\/)+/, '');
    const found = await view.query({ paths: [`**/${clean.replace(/[*?[\]{}]/g, '?')}`], limit: 20 });
    const file = found.files.find((each) => each.path === clean) ?? found.files.find((each) => each.path.endsWith(`/${clean}`));
    if (file) view.open(file);
    else view.say(`There is no “${path}” here.`);
  };
  /** @param {Part} one */
  const draw = (one) => {
    const place = h('div', { class: 'place', style: { height: `${one.height}px` } }, one.text === null ? null : h('p', { class: 'codex-quiet' }, one.text));
    if (one.path !== null) view.place(place, one.path);
    return h('section', { class: 'part', style: { '--span': one.span }, 'aria-label': one.title },
      h('h2', null, one.path === null ? one.title || 'Nothing to show' : h('button', { type: 'button', class: 'codex-plain', title: one.path, onclick: () => void open(/** @type {string} */ (one.path)) }, one.title)), place);
  };
  let form = '';
  view.onchange = () => {
    const now = JSON.stringify([view.layout, view.config]);
    // Entries that changed are the other views' own affair.
    if (now === form) return;
    form = now;
    const parts = layout();
    rows.replaceChildren(...(parts.length === 0
      ? [codex.empty('This dashboard has no rows yet.', '“layout:” in its source lists rows of components: “- components: [{type: mini-view, span: 6, view: Board.cdx}]”.')]
      : parts.map((row) => h('div', { class: 'row' }, row.map(draw)))));
  };
  view.onchange();
});
