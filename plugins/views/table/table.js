/** Entries as rows, properties as columns: sorted, filtered, changed in place, summed up. */
const { h } = codex;

/** Columns that the file says, not a property. */
const FIXED = ['name', 'filename', 'file_name', 'path', 'file_path', 'size', 'file_size', 'kind', 'media_type', 'content_type', 'mime_type', 'created', 'created_at', 'file_created', 'modified', 'modified_at', 'updated_at', 'file_modified'];
/** Properties that no column is made of by itself. */
const PLAIN = ['title', 'type', 'corkboard_position', 'tags'];
const ROW = 36;
/** Pixels of a column, by its name or (kind). @type {Dict<number>} */
const WIDTHS = { title: 260, path: 220, tags: 150, '(number)': 136, '(date)': 130, '(checkbox)': 90 };
const OPERATORS = /^([^\s:<>=]+)(:|>=|<=|>|<|=)(.+)$/;
const TOTALS = ['none', 'sum', 'mean', 'min', 'max', 'count'];
/** What can be summed up of values of a kind. @param {string} kind */
const totalsOf = (kind) => TOTALS.filter((each) => kind === 'number' || ['none', 'count'].includes(each) || (kind === 'date' && ['min', 'max'].includes(each)));

/** @typedef {{name: string, title: string, width: number, kind: string, total: string}} Column */

codex.start((view) => {
  /** What the user sorted by; nothing: as the view or its query says. @type {{name: string, descending: boolean}[] | null} */
  let order = null;
  /** @type {any} */
  const sorted = view.kept['sorted'];
  if (Array.isArray(sorted?.order) && sorted.config === JSON.stringify(view.config)) order = sorted.order.filter((/** @type {any} */ by) => typeof by?.name === 'string');
  let filter = '';
  /** Totals that were chosen here. @type {Map<string, string>} */
  const chosen = new Map();
  /** @type {Column[]} */
  let columns = [];
  /** @type {CodexFile[]} */
  let rows = [];
  /** What the file says in vain. @type {string[]} */
  let odd = [];

  const editable = () => view.config['editable'] !== false;
  const totals = () => view.config['totals'] !== false;

  /** What most values of a property are. @param {string} name */
  const kindOf = (name) => {
    if (['size', 'file_size'].includes(name)) return 'number';
    let [seen, numbers, dates, lists, boxes] = [0, 0, 0, 0, 0];
    for (const file of view.files) {
      const value = codex.get(file, name);
      if (value === undefined || value === null || value === '') continue;
      seen += 1;
      if (typeof value === 'number') numbers += 1;
      else if (typeof value === 'boolean') boxes += 1;
      else if (Array.isArray(value)) lists += 1;
      else if (codex.date(value)) dates += 1;
      if (seen === 200) break;
    }
    const most = (/** @type {number} */ n) => seen > 0 && n >= seen * 0.9;
    return most(numbers) ? 'number' : most(dates) ? 'date' : most(boxes) ? 'checkbox' : lists > 0 && most(lists) ? 'list' : 'text';
  };
  /** @returns {string[]} */
  const usual = () => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const file of view.files.slice(0, 500)) for (const name of Object.keys(file.properties)) if (!PLAIN.includes(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    const names = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 7).map(([name]) => name);
    return ['title', ...names, ...(view.files.some((file) => file.tags.length > 0) ? ['tags'] : []), 'modified'];
  };
  const read = () => {
    odd = [];
    const given = Array.isArray(view.config['columns']) && view.config['columns'].length > 0 ? view.config['columns'] : usual();
    columns = given.map((/** @type {any} */ each) => {
      const name = String((typeof each === 'object' ? each?.property ?? each?.field ?? each?.id : each) ?? '');
      const kind = kindOf(name);
      const width = Number(each?.width) || WIDTHS[name] || WIDTHS[`(${kind})`] || 150;
      const title = String(each?.title ?? codex.label(name));
      const usual = kind === 'number' ? 'sum' : 'none';
      const total = totalsOf(kind).includes(each?.total) ? each.total : usual;
      if (each?.total !== undefined && each.total !== null && total !== each.total && view.files.some((file) => codex.get(file, name) !== undefined)) {
        odd.push(TOTALS.includes(each.total) ? `“${title}” has no numbers that “${each.total}” could be of.` : `There is no total “${codex.format(each.total)}” (column “${title}”); there are ${TOTALS.join(', ')}.`);
      }
      return { name, title, width: Math.max(50, Math.min(800, width)), kind, total };
    }).filter((/** @type {Column} */ column) => column.name !== '');
  };
  /** @param {Column} column */
  const fixed = (column) => FIXED.includes(column.name) || column.name === 'title';
  /** @param {Column} column @param {CodexFile} file */
  const shown = (column, file) => {
    const value = codex.get(file, column.name);
    if (['size', 'file_size'].includes(column.name)) return codex.formatSize(file.size);
    return FIXED.includes(column.name) && column.kind === 'date' ? codex.formatDate(codex.day(value)) : codex.format(value);
  };

  // Filter and order.

  /** The column that is called so; else a property of an entry, which need not be shown. @param {string} called @returns {Column | null} */
  const columnOf = (called) => {
    const known = columns.find((each) => [each.name, each.title, codex.label(each.name)].some((name) => name.toLowerCase().replace(/\s+/g, '_') === called.toLowerCase()));
    if (known) return known;
    return view.files.some((file) => codex.get(file, called) !== undefined) ? { name: called, title: called, width: 0, kind: kindOf(called), total: 'none' } : null;
  };
  /** @param {string} word @returns {(file: CodexFile) => boolean} */
  const test = (word) => {
    const found = OPERATORS.exec(word);
    const column = found && columnOf(found[1] ?? '');
    if (!found || !column) return (file) => columns.some((each) => shown(each, file).toLowerCase().includes(word.toLowerCase()));
    const [, , operator, wanted = ''] = found;
    if (operator === ':') return (file) => shown(column, file).toLowerCase().includes(wanted.toLowerCase()) || JSON.stringify(codex.get(file, column.name) ?? '').toLowerCase().includes(wanted.toLowerCase());
    const than = /^-?\d+(\.\d+)?$/.test(wanted) ? Number(wanted) : wanted;
    return (file) => {
      const value = codex.get(file, column.name);
      if (value === undefined || value === null || value === '' || Array.isArray(value)) return false;
      const by = codex.compare(value, than);
      return operator === '=' ? by === 0 : operator === '>' ? by > 0 : operator === '<' ? by < 0 : operator === '>=' ? by >= 0 : by <= 0;
    };
  };
  /** @param {string} text */
  const words = (text) => (text.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).map((word) => word.replaceAll('"', ''));
  const arrange = () => {
    const always = view.config['filter'];
    const tests = [...words(typeof always === 'string' ? always : ''), ...words(filter)].map(test);
    const found = view.files.filter((file) => (!always || typeof always !== 'object' || codex.matches(file, always)) && tests.every((one) => one(file)));
    const sort = order ? order.map(({ name, descending }) => `${name} ${descending ? 'desc' : 'asc'}`) : view.config['sort_by'];
    rows = codex.sorted(found, sort);
  };
  const current = () => order ?? codex.sortKeys(view.config['sort_by']);
  /** Up, down, as it was. @param {Column} column @param {boolean} more */
  const sortBy = (column, more) => {
    const now = current();
    const had = now.find((each) => each.name === column.name);
    const next = !had ? { name: column.name, descending: false } : had.descending ? null : { ...had, descending: true };
    const others = more ? now.filter((each) => each.name !== column.name) : [];
    order = next ? [...others, next] : others.length > 0 ? others : null;
    if (!next && others.length === 0 && codex.sortKeys(view.config['sort_by']).length > 0) order = [];
    // Of this config: another one begins anew.
    void view.keep({ sorted: order && { order, config: JSON.stringify(view.config) } });
    draw();
    codex.announce(next ? `By ${column.title}, ${next.descending ? 'the greatest' : 'the least'} first` : 'As the query says');
  };

  // Cells.

  /** @param {HTMLElement} cell @param {CodexFile} file @param {Column} column */
  const editCell = (cell, file, column) => {
    if (!editable() || fixed(column) || cell.dataset['editing']) return;
    const value = codex.get(file, column.name);
    const { input, offered, read: result } = codex.field({
      label: column.name, value, options: codex.valuesOf(view.files, column.name),
      ...(value === undefined || value === null || value === '' ? { kind: /** @type {any} */ (column.kind) } : {}),
    });
    input.setAttribute('aria-label', column.title);
    let over = false;
    const end = (/** @type {boolean} */ keep, focus = true) => {
      if (over) return;
      over = true;
      delete cell.dataset['editing'];
      const next = result();
      cell.replaceChildren(shown(column, file));
      if (focus) cell.focus();
      if (keep && JSON.stringify(next) !== JSON.stringify(value ?? null)) void view.set(file, { [column.name.replace(/^propert(y|ies)\./, '')]: next });
      else draw();
    };
    input.addEventListener('keydown', (/** @type {Event} */ given) => {
      const event = /** @type {KeyboardEvent} */ (given);
      if (event.isComposing || !['Enter', 'Escape', 'Tab'].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key !== 'Escape');
      if (event.key === 'Tab') step(cell, event.shiftKey ? -1 : 1);
    });
    input.addEventListener('blur', () => end(true, false));
    cell.dataset['editing'] = 'yes';
    cell.replaceChildren(input, ...(offered ? [offered] : []));
    input.focus();
    if (input instanceof HTMLInputElement && input.type === 'text') input.select();
  };
  /** @param {Element} cell @param {number} by */
  const step = (cell, by) => {
    const next = by > 0 ? cell.nextElementSibling : cell.previousElementSibling;
    if (next instanceof HTMLElement) {
      next.focus();
      next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else if (by < 0) /** @type {HTMLElement | null} */ (cell.closest('.codex-row'))?.focus();
  };
  /** @param {CodexFile} file */
  const rowFor = (file) =>
    h('div', { class: 'line', style: { 'grid-template-columns': template() } }, columns.map((column, at) => {
      const value = codex.get(file, column.name);
      const late = /due/i.test(column.name) && !codex.isDone(file) && codex.date(value) !== null && codex.day(value) < view.today;
      const inside = column.kind === 'checkbox' && typeof value === 'boolean'
        ? h('input', { type: 'checkbox', checked: value, tabindex: -1, 'aria-label': column.title, disabled: !editable() || fixed(column), onchange: () => void view.set(file, { [column.name]: !value }) })
        : shown(column, file);
      return h('div', {
        role: at === 0 ? 'rowheader' : 'gridcell', 'aria-colindex': at + 1, tabindex: -1, 'data-part': String(at), class: `cell ${column.kind}${column.name === 'title' ? ' title' : ''}${late ? ' codex-late' : ''}`,
        title: typeof inside === 'string' && inside.length > 20 ? inside : null, 'aria-readonly': !editable() || fixed(column) ? 'true' : null,
      }, inside);
    }));
  const template = () => columns.map((column) => `minmax(${column.width}px, ${column.width}fr)`).join(' ');

  const head = h('div', { class: 'line head', role: 'row', 'aria-rowindex': 1 });
  const foot = h('div', { class: 'line totals', role: 'row' });
  const list = codex.list({
    items: /** @type {CodexFile[]} */ ([]), key: codex.key, role: 'rowgroup', estimate: ROW, row: rowFor, header: head,
    onmenu: (file, anchor) => codex.menu(anchor, [{ text: 'Open', act: () => view.open(file) }], `“${file.title}”`),
    onopen: (file) => view.open(file),
    onkey: (event, file, index) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const cell = /** @type {HTMLElement | null} */ (target.closest('.cell'));
      if (event.altKey || event.ctrlKey || event.metaKey) return false;
      if (!cell) {
        if (event.key !== 'ArrowRight') return false;
        /** @type {HTMLElement | null} */ (target.querySelector('.cell'))?.focus();
        return true;
      }
      const column = columns[Number(cell.dataset['part'])];
      const box = cell.querySelector('input[type=checkbox]');
      if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') step(cell, event.key === 'ArrowLeft' ? -1 : 1);
      else if (event.key === 'Escape') /** @type {HTMLElement | null} */ (cell.closest('.codex-row'))?.focus();
      else if (box instanceof HTMLElement && (event.key === 'Enter' || (event.key === ' ' && target !== box))) box.click();
      else if (event.key === 'Enter' || event.key === 'F2') {
        if (column && !fixed(column) && editable()) editCell(cell, file, column);
        else if (event.key === 'Enter') view.open(file);
      } else if (event.key === 'Delete' || event.key === 'Backspace') {
        if (column && !fixed(column) && editable()) void view.set(file, { [column.name.replace(/^propert(y|ies)\./, '')]: null });
      } else {
        const to = { ArrowUp: index - 1, ArrowDown: index + 1 }[event.key];
        if (to === undefined || to < 0 || to >= list.items.length) return to !== undefined;
        const part = cell.dataset['part'];
        list.focus(to);
        /** @type {HTMLElement | null | undefined} */ (list.at(to)?.querySelector(`[data-part="${part}"]`))?.focus({ preventScroll: true });
      }
      return true;
    },
  });
  list.element.append(foot);
  list.element.setAttribute('role', 'grid');
  list.element.setAttribute('aria-label', 'Entries');
  list.element.addEventListener('click', (event) => {
    const cell = event.target instanceof Element ? event.target.closest('.cell') : null;
    const row = cell?.closest('.codex-row');
    if (!(cell instanceof HTMLElement) || !(row instanceof HTMLElement) || cell.dataset['editing'] || event.target instanceof HTMLInputElement) return;
    const file = rows.find((each) => codex.key(each) === row.dataset['key']);
    const column = columns[Number(cell.dataset['part'])];
    if (!file || !column) return;
    if (column.name === 'title') view.open(file);
    else if (column.kind !== 'checkbox') editCell(cell, file, column);
  });

  // What stands above and below.

  const drawHead = () => {
    const now = current();
    const had = document.activeElement instanceof HTMLElement && head.contains(document.activeElement) ? document.activeElement.dataset['column'] : null;
    head.style.setProperty('grid-template-columns', template());
    head.replaceChildren(...columns.map((column, at) => {
      const by = now.find((each) => each.name === column.name);
      return h('div', { role: 'columnheader', class: column.kind, 'aria-colindex': at + 1, 'aria-sort': by ? (by.descending ? 'descending' : 'ascending') : 'none' },
        h('button', { type: 'button', class: 'codex-plain', dataset: { column: column.name }, title: `Sort by ${column.title}`, onclick: (/** @type {MouseEvent} */ event) => sortBy(column, event.shiftKey) },
          h('span', null, column.title), h('span', { class: 'arrow', 'aria-hidden': 'true' }, by ? (by.descending ? '▾' : '▴') : '')));
    }));
    if (had) /** @type {HTMLElement | null} */ (head.querySelector(`[data-column="${CSS.escape(had)}"]`))?.focus();
  };
  /** @param {Column} column @param {string} which */
  const total = (column, which) => {
    if (which === 'count') return codex.formatNumber(rows.filter((file) => codex.format(codex.get(file, column.name)) !== '').length);
    const all = rows.map((file) => codex.get(file, column.name));
    if (column.kind === 'date' && which !== 'none') {
      const days = all.filter((value) => codex.date(value) !== null).sort((a, b) => (codex.date(a)?.at.getTime() ?? 0) - (codex.date(b)?.at.getTime() ?? 0));
      const one = days.at(which === 'min' ? 0 : -1);
      return FIXED.includes(column.name) ? codex.formatDate(codex.day(one)) : codex.format(one);
    }
    const values = all.flatMap((value) => (typeof value === 'number' ? [value] : []));
    if (values.length === 0 || which === 'none') return '';
    const sum = values.reduce((all, value) => all + value, 0);
    const result = which === 'sum' ? sum : which === 'mean' ? sum / values.length : values.reduce((a, b) => (which === 'min' ? Math.min(a, b) : Math.max(a, b)));
    return ['size', 'file_size'].includes(column.name) ? codex.formatSize(result) : codex.formatNumber(result, { maximumFractionDigits: 2 });
  };
  const drawTotals = () => {
    foot.hidden = !totals() || columns.length === 0;
    if (foot.hidden) return;
    const had = document.activeElement instanceof HTMLElement && foot.contains(document.activeElement) ? document.activeElement.dataset['column'] : null;
    foot.style.setProperty('grid-template-columns', template());
    foot.setAttribute('aria-rowindex', String(rows.length + 2));
    foot.replaceChildren(...columns.map((column, at) => {
      const which = chosen.get(column.name) ?? column.total;
      const value = total(column, which);
      const words = which === 'none' || value === '' ? '' : `${codex.label(which)} ${value}`;
      return h('div', { role: 'gridcell', class: column.kind, 'aria-colindex': at + 1 }, at === 0 ? h('span', { class: 'codex-quiet' }, codex.many(rows.length, 'entry', 'entries'))
        : h('button', {
          type: 'button', class: 'codex-plain', dataset: { column: column.name }, 'aria-label': `Total of ${column.title}: ${words || 'none'}`,
          onclick: (/** @type {Event} */ event) => codex.menu(/** @type {HTMLElement} */ (event.currentTarget), totalsOf(column.kind).map((each) => ({
            text: codex.label(each), checked: each === which,
            act: () => {
              chosen.set(column.name, each);
              drawTotals();
            },
          })), `Total of ${column.title}`),
        }, words));
    }));
    if (had) /** @type {HTMLElement | null} */ (foot.querySelector(`[data-column="${CSS.escape(had)}"]`))?.focus();
  };
  const box = h('input', { type: 'search', placeholder: 'Filter: words, status:open, yield>20', 'aria-label': 'Filter', oninput: () => {
    filter = box.value;
    draw();
  } });
  const count = h('span', { class: 'codex-quiet', 'aria-live': 'polite' });
  const below = h('div', null);
  const bar = h('div', { class: 'codex-bar' }, box, count);
  const sheet = h('div', { class: 'sheet' }, list.element);
  view.root.append(bar, sheet, below);
  /** At the side where columns go on there is a shade. */
  const shade = () => {
    const { scrollLeft, scrollWidth, clientWidth } = list.element;
    sheet.classList.toggle('goes-on', scrollLeft + clientWidth < scrollWidth - 1);
    sheet.classList.toggle('came-from', scrollLeft > 1);
  };
  list.element.addEventListener('scroll', shade, { passive: true });
  new ResizeObserver(shade).observe(list.element);

  const draw = () => {
    arrange();
    drawHead();
    drawTotals();
    bar.hidden = view.files.length === 0;
    sheet.hidden = view.files.length === 0;
    list.element.setAttribute('aria-rowcount', String(rows.length + 2));
    list.element.setAttribute('aria-colcount', String(columns.length));
    list.element.style.setProperty('--wide', `${columns.reduce((sum, column) => sum + column.width, 0)}px`);
    list.set(rows);
    shade();
    count.textContent = filter.trim() === '' ? '' : `${codex.formatNumber(rows.length)} of ${codex.formatNumber(view.files.length)}`;
    below.replaceChildren(...[
      view.files.length === 0 ? codex.empty('No entries fit the query of this view.', 'Its columns are then made of their properties, or as “columns” says.') : codex.more(),
      ...odd.map((each) => h('p', { class: 'codex-more' }, each)),
    ].filter((each) => each !== null));
  };
  let form = '';
  const whole = () => {
    const before = JSON.stringify(columns);
    read();
    const now = JSON.stringify(view.config);
    if (now !== form && form !== '') {
      order = null;
      chosen.clear();
    }
    form = now;
    draw();
    if (before !== '[]' && before !== JSON.stringify(columns)) list.redraw();
  };
  view.onchange = whole;
  whole();
});
