/** Tasks, one a line, to be ticked off. */
const { h } = codex;

/** What is shown of each with `show_details`. */
const DETAILS = ['due_date', 'assignee', 'priority', 'estimated_hours', 'tags'];

codex.start((view) => {
  const compact = () => view.config['compact'] === true;
  const details = () => view.config['show_details'] !== false && !compact();
  const editable = () => view.config['editable'] !== false;

  /** @param {CodexFile} file */
  const due = (file) => file.properties['due_date'] ?? file.properties['due'];
  /** @param {CodexFile} file */
  const late = (file) => !codex.isDone(file) && codex.date(due(file)) !== null && codex.day(due(file)) < view.today;
  /** @param {CodexFile} file */
  const toggle = (file) => void view.set(file, { status: codex.isDone(file) ? 'todo' : 'done' });
  /** @param {CodexFile} file @param {HTMLElement} anchor @param {string} name */
  const edit = (file, anchor, name) =>
    codex.edit(anchor, { label: name, value: codex.get(file, name), options: codex.valuesOf(view.files, name), save: (value) => void view.set(file, { [name]: value }) });
  /** @param {CodexFile} file @param {HTMLElement} anchor */
  const menu = (file, anchor) =>
    codex.menu(anchor, [
      { text: 'Open', act: () => view.open(file) },
      ...(editable()
        ? [{ text: codex.isDone(file) ? 'Not done yet' : 'Done', act: () => toggle(file) },
          ...['due_date', 'assignee', 'priority', 'status'].map((name) => ({ text: `Change ${codex.label(name).toLowerCase()}…`, act: () => edit(file, anchor, name) }))]
        : []),
    ], `“${file.title}”`);

  /** @param {CodexFile} file */
  const row = (file) => {
    const done = codex.isDone(file);
    const tick = h('input', {
      type: 'checkbox', checked: done, 'data-part': 'tick', tabindex: -1, 'aria-label': `Done: ${file.title}`, disabled: !editable(), onchange: () => toggle(file),
    });
    const shown = details() ? codex.fields(file, DETAILS) : compact() && due(file) ? h('span', { class: `day${late(file) ? ' codex-late' : ' codex-quiet'}` }, codex.format(due(file))) : null;
    return h('div', { class: `task${done ? ' done' : ''}${late(file) ? ' late' : ''}` }, tick,
      h('div', { class: 'what' }, h('span', { class: 'title' }, file.title, late(file) && h('span', { class: 'mark' }, 'overdue')), shown),
      editable() && !compact() && h('button', { type: 'button', class: 'codex-plain more', tabindex: -1, 'data-part': 'more', 'aria-label': `What can be done with “${file.title}”`, onclick: (/** @type {Event} */ event) => menu(file, /** @type {HTMLElement} */ (event.currentTarget)) }, '⋯'));
  };
  const list = codex.list({
    items: /** @type {CodexFile[]} */ ([]), key: codex.key, label: 'Tasks', estimate: 40, row,
    onopen: (file) => view.open(file),
    onmenu: menu,
    onkey: (event, file) => {
      if (event.key !== ' ' && event.key.toLowerCase() !== 'x') return false;
      if (event.ctrlKey || event.altKey || event.metaKey || !editable()) return false;
      // A box with the focus ticks itself.
      if (event.target instanceof HTMLInputElement) return false;
      toggle(file);
      return true;
    },
  });
  const count = h('span', { class: 'codex-quiet', 'aria-live': 'polite' });
  const bar = h('div', { class: 'codex-bar summary' }, count);
  const foot = h('div', null);
  view.root.append(bar, list.element, foot);

  const draw = () => {
    const sort = codex.sortKeys(view.config['sort_by']).length > 0 ? view.config['sort_by'] : null;
    // Without `sort_by` the query's own order stays.
    const files = sort ? codex.sorted(view.files, sort) : view.files;
    const most = Number(view.config['max_items']) || files.length;
    const shown = files.slice(0, most);
    const done = view.files.filter(codex.isDone).length;
    const over = view.files.filter(late).length;
    count.textContent = view.files.length === 0 ? '' : [`${codex.formatNumber(done)} of ${codex.formatNumber(view.files.length)} done`, over > 0 ? `${codex.formatNumber(over)} overdue` : ''].filter(Boolean).join(' · ');
    bar.hidden = view.files.length === 0 || compact();
    list.element.hidden = shown.length === 0;
    list.element.classList.toggle('compact', compact());
    list.set(shown);
    const more = shown.length < files.length
      ? h('p', { class: 'codex-more codex-quiet' }, `${codex.formatNumber(shown.length)} of ${codex.many(files.length, 'task', 'tasks')} are shown.`)
      : codex.more();
    foot.replaceChildren(...(shown.length === 0 ? [codex.empty('There are no tasks here.', 'Entries that the query of this view finds are listed, whatever their type.')] : more ? [more] : []));
  };
  let shape = JSON.stringify(view.config);
  view.onchange = () => {
    draw();
    if (JSON.stringify(view.config) !== shape) list.redraw();
    shape = JSON.stringify(view.config);
  };
  draw();
});
