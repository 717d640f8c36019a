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
  /** What the views call themselves. @type {Map<string, string>} */
  const titles = new Map();

  /** @param {any} given @param {number} high @param {number} share @returns {Part} */
  const part = (given, high, share) => {
    const span = Math.max(1, Math.min(COLUMNS, Math.round(Number(given?.span)) || share));
    const path = typeof given?.view === 'string' ? given.view.trim() : typeof given?.path === 'string' ? given.path.trim() : '';
    const title = String(given?.title ?? titles.get(path) ?? path.split('/').at(-1)?.replace(/\.cdx$/, '') ?? '');
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

  /** Their files are looked for as the page does it: a path may be seen from here, or from the top. @param {string[]} paths */
  const find = async (paths) => {
    const clean = paths.map((path) => path.replace(/^(\.?\.?\/)+/, ''));
    const found = await view.query({ paths: clean.map((path) => `**/${path.replace(/[*?[\]{}]/g, '?')}`), limit: 200 });
    return clean.map((path) => found.files.find((each) => each.path === path) ?? found.files.find((each) => each.path.endsWith(`/${path}`)));
  };
  /** @param {string} path */
  const open = async (path) => {
    const [file] = await find([path]);
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
  /** @param {Part[][]} parts */
  const name = async (parts) => {
    const paths = [...new Set(parts.flat().flatMap(({ path }) => path ?? []))];
    if (paths.length === 0) return;
    const before = JSON.stringify([...titles]);
    const found = await find(paths);
    for (const [at, path] of paths.entries()) {
      const title = found[at]?.properties['title'];
      if (typeof title === 'string' && title.trim() !== '') titles.set(path, title);
      else titles.delete(path);
    }
    if (JSON.stringify([...titles]) === before) return;
    for (const [at, { title }] of layout().flat().entries()) {
      const head = rows.querySelectorAll('.part')[at]?.querySelector('h2 button');
      head?.replaceChildren(title);
      head?.closest('.part')?.setAttribute('aria-label', title);
    }
  };
  let form = '';
  view.onchange = () => {
    const now = JSON.stringify([view.layout, view.config]);
    const parts = layout();
    // Without their titles they are called as their files are.
    name(parts).catch(() => {});
    // Entries that changed are the other views' own affair.
    if (now === form) return;
    form = now;
    rows.replaceChildren(...(parts.length === 0
      ? [codex.empty('This dashboard has no rows yet.', '“layout:” in its source lists rows of components: “- components: [{type: mini-view, span: 6, view: Board.cdx}]”.')]
      : parts.map((row) => h('div', { class: 'row' }, row.map(draw)))));
  };
  view.onchange();
});
