/** Cards in columns; a column is a filter, and a card that is put into it gets the filter's properties. */
const { h } = codex;

/** @typedef {{at: number, title: string, filter: Dict<Json> | null}} Column By its place: ids and titles may be there twice. `at` is -1 for what is in no column. */

/** What a board has that names no columns. */
const USUAL = ['todo', 'doing', 'done'];

codex.start((view) => {
  /** @type {Map<number, {column: Column, list: CodexList<CodexFile>, section: HTMLElement, count: HTMLElement, hint: HTMLElement}>} */
  const lanes = new Map();
  const warning = h('p', { class: 'warning', role: 'status', hidden: true });
  const board = h('div', { class: 'board' });
  const foot = h('div', null);
  const help = h('p', { id: 'help', class: 'codex-unseen' });
  view.root.append(warning, board, foot, help);

  const movable = () => view.config['drag_drop'] !== false;
  const editable = () => view.config['editable'] !== false;
  /** @returns {string[]} */
  const fields = () => (Array.isArray(view.config['card_fields']) ? view.config['card_fields'].map(String) : []);

  /** @returns {Column[]} */
  const columns = () => {
    const given = Array.isArray(view.config['columns']) ? view.config['columns'] : [];
    if (given.length === 0) {
      const values = [...new Set([...USUAL, ...codex.valuesOf(view.files, 'status')])];
      return values.map((value, at) => ({ at, title: codex.label(value), filter: { status: value } }));
    }
    return given.map((each, at) => {
      const id = String(each?.id ?? each?.title ?? at);
      const filter = each?.filter && typeof each.filter === 'object' ? each.filter : { status: id };
      return { at, title: String(each?.title ?? codex.label(id)), filter };
    });
  };

  /** What several columns of the configuration have in common that should tell them apart. @returns {string} */
  const doubles = () => {
    const given = Array.isArray(view.config['columns']) ? view.config['columns'] : [];
    /** @type {(name: 'id' | 'title') => string[]} */
    const twice = (name) => {
      const all = given.map((each) => each?.[name]).filter((said) => said !== undefined && said !== null).map(String);
      return [...new Set(all.filter((said, at) => all.indexOf(said) !== at))];
    };
    const said = (/** @type {string} */ what, /** @type {string[]} */ all) => (all.length > 0 ? `Several columns have the ${what} ${all.map((one) => `“${one}”`).join(', ')}.` : '');
    return [said('id', twice('id')), said('title', twice('title'))].filter(Boolean).join(' ');
  };

  /** What is set on a card that moves between two columns. @param {CodexFile} file @param {Column} from @param {Column} to */
  const changes = (file, from, to) => {
    /** @type {Dict<Json>} */
    const set = {};
    for (const [name, wanted] of Object.entries(to.filter ?? {})) {
      if (codex.matches(file, { [name]: wanted })) continue;
      const value = Array.isArray(wanted) ? wanted[0] ?? null : wanted;
      const now = codex.get(file, name);
      const bare = name.replace(/^propert(y|ies)\./, '');
      if (!Array.isArray(now) || value === null) {
        set[bare] = value;
        continue;
      }
      // Of a list only what the old column stood for goes.
      const old = from.filter?.[name];
      const gone = /** @type {Json[]} */ (Array.isArray(old) ? old : [old]);
      set[bare] = [...now.filter((each) => !gone.includes(each)), value];
    }
    return set;
  };
  /** @param {CodexFile} file @param {Column} from @param {Column} to */
  const move = (file, from, to) => {
    const set = changes(file, from, to);
    if (Object.keys(set).length === 0) return;
    void view.set(file, set).then((done) => {
      if (done) codex.announce(`“${file.title}” is in ${to.title}`);
    });
    const list = lanes.get(to.at)?.list;
    const at = list?.indexOf(codex.key(file)) ?? -1;
    if (at >= 0) list?.focus(at);
  };
  /** @param {Column} from @param {number} by */
  const beside = (from, by) => {
    const all = [...lanes.values()].map((lane) => lane.column).filter((column) => column.filter !== null || by === 0);
    const at = all.findIndex((column) => column.at === from.at);
    return at < 0 ? (by < 0 ? all.at(-1) : undefined) : all[at + by];
  };

  /** @param {CodexFile} file @param {HTMLElement} anchor @param {string} name */
  const edit = (file, anchor, name) =>
    codex.edit(anchor, {
      label: name, value: codex.get(file, name), options: codex.valuesOf(view.files, name),
      save: (value) => void view.set(file, { [name.replace(/^propert(y|ies)\./, '')]: value }),
    });
  /** @param {CodexFile} file @param {HTMLElement} anchor @param {Column} from */
  const menu = (file, anchor, from) => {
    /** @type {MenuItem[]} */
    const items = [{ text: 'Open', act: () => view.open(file) }];
    if (movable()) {
      for (const { column } of lanes.values()) {
        if (column.filter !== null && column.at !== from.at) items.push({ text: `Move to ${column.title}`, act: () => move(file, from, column) });
      }
    }
    if (editable()) for (const name of fields()) items.push({ text: `Change ${codex.label(name).toLowerCase()}…`, act: () => edit(file, anchor, name) });
    codex.menu(anchor, items, `“${file.title}”`);
  };

  /** @param {Column} column */
  const lane = (column) => {
    const list = codex.list({
      items: /** @type {CodexFile[]} */ ([]), key: codex.key, label: column.title, estimate: 64, gap: 8,
      row: (file) => {
        const card = codex.card(file, fields(), { 'aria-describedby': 'help' });
        card.append(h('button', {
          class: 'codex-plain more', type: 'button', tabindex: -1, 'data-nodrag': true, 'aria-label': `What can be done with “${file.title}”`,
          onclick: (/** @type {Event} */ event) => menu(file, /** @type {HTMLElement} */ (event.currentTarget), column),
        }, '⋯'));
        return card;
      },
      onopen: (file) => view.open(file),
      onmenu: (file, anchor) => menu(file, anchor, column),
      onkey: (event, file, index) => {
        const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
        if (by !== 0 && event.altKey && movable()) {
          const to = beside(column, by);
          if (to) move(file, column, to);
          return true;
        }
        if (by !== 0 && !event.altKey && !event.ctrlKey) {
          const all = [...lanes.values()];
          for (let at = all.findIndex((each) => each.column.at === column.at) + by; all[at]; at += by) {
            const list = all[at]?.list;
            if (!list || list.items.length === 0) continue;
            list.focus(Math.min(index, list.items.length - 1));
            all[at]?.section.scrollIntoView({ inline: 'nearest', block: 'nearest' });
            break;
          }
          return true;
        }
        const row = event.target instanceof HTMLElement ? event.target : null;
        if (event.key === 'F2' && row && editable() && fields().length > 0) {
          edit(file, row, fields()[0] ?? '');
          return true;
        }
        return false;
      },
    });
    const count = h('span', { class: 'count codex-quiet' });
    const hint = h('p', { class: 'hint codex-quiet' }, 'Nothing here');
    const section = h('section', { class: 'lane', 'aria-label': column.title, dataset: { lane: String(column.at) } },
      h('h2', null, h('span', null, column.title), count), hint, list.element);
    return { column, list, section, count, hint };
  };

  const draw = () => {
    const wanted = columns();
    const used = new Set();
    const parts = wanted.map((column) => {
      const items = view.files.filter((file) => codex.matches(file, column.filter ?? {}));
      for (const file of items) used.add(file);
      return { column, items };
    });
    const rest = view.files.filter((file) => !used.has(file));
    if (rest.length > 0) parts.push({ column: { at: -1, title: 'In no column', filter: null }, items: rest });
    const same = parts.length === lanes.size && parts.every(({ column }) => JSON.stringify(lanes.get(column.at)?.column) === JSON.stringify(column));
    if (!same) {
      lanes.clear();
      for (const { column } of parts) lanes.set(column.at, lane(column));
      board.replaceChildren(...[...lanes.values()].map((each) => each.section));
    }
    for (const { column, items } of parts) {
      const one = lanes.get(column.at);
      if (!one) continue;
      one.count.textContent = codex.formatNumber(items.length);
      one.hint.hidden = items.length > 0;
      one.list.set(items);
    }
    const doubled = doubles();
    warning.hidden = doubled === '';
    // Said once: whoever hears the page is not told again at each change.
    if (warning.textContent !== doubled) warning.textContent = doubled;
    board.classList.toggle('movable', movable());
    help.textContent = movable() ? 'Alt with left or right moves the card, Enter opens it.' : 'Enter opens the card.';
    const more = codex.more();
    foot.replaceChildren(...(more ? [more] : []));
  };

  codex.drag(board, {
    item: '.movable .codex-row', target: '.lane',
    drop: (item, target) => {
      const from = lanes.get(Number(/** @type {HTMLElement | null} */ (item.closest('.lane'))?.dataset['lane']));
      const to = lanes.get(Number(target?.dataset['lane']));
      const file = view.files.find((each) => codex.key(each) === item.dataset['key']);
      if (from && to && file && to !== from && to.column.filter) move(file, from.column, to.column);
    },
  });
  let shape = '';
  view.onchange = () => {
    // Cards look at the configuration; entries that changed are drawn anew by themselves.
    const now = JSON.stringify(view.config);
    if (now !== shape) lanes.clear();
    shape = now;
    draw();
  };
  view.onchange();
});
