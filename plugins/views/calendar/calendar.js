/** Entries by a date of theirs, in a month or a week. */
const { h } = codex;

const NARROW = matchMedia('(max-width: 620px)');
/** Height of one entry in a day, and what a day has above them. */
const [LINE, ABOVE] = [25, 30];
/** Columns that nobody sets. */
const FIXED = ['created', 'created_at', 'file_created', 'modified', 'modified_at', 'updated_at', 'file_modified'];
const FIELDS = ['status', 'assignee', 'priority'];

codex.start((view) => {
  /** What was chosen here last, as long as the file says the same. @type {any} */
  const kept = view.kept['shown'];
  let shown = (kept?.said === (view.config['view'] ?? null) ? kept.view : view.config['view']) === 'week' ? 'week' : 'month';
  let chosen = view.today;
  /** @type {Map<string, CodexFile[]>} */
  let days = new Map();
  let lines = 3;

  const by = () => String(view.config['date_property'] || 'due_date');
  const property = () => by().replace(/^propert(y|ies)\./, '');
  const movable = () => !FIXED.includes(by());
  /** @param {string} day @param {number} by */
  const plus = (day, by) => {
    const at = codex.date(day)?.at ?? new Date();
    return codex.day(new Date(at.getFullYear(), at.getMonth(), at.getDate() + by));
  };
  /** @param {string} day */
  const weekStart = (day) => {
    const at = codex.date(day)?.at ?? new Date();
    return plus(day, -((at.getDay() - (view.weekStart % 7) + 7) % 7));
  };
  const first = () => (shown === 'week' ? weekStart(chosen) : weekStart(`${chosen.slice(0, 8)}01`));
  const weeks = () => {
    if (shown === 'week') return 1;
    const at = codex.date(chosen)?.at ?? new Date();
    const last = codex.day(new Date(at.getFullYear(), at.getMonth() + 1, 0));
    return (new Date(last).getTime() - new Date(first()).getTime()) / 86_400_000 >= 35 ? 6 : (new Date(last).getTime() - new Date(first()).getTime()) / 86_400_000 >= 28 ? 5 : 4;
  };
  /** The month or week before or after. @param {number} by */
  const turn = (by) => {
    const at = codex.date(chosen)?.at ?? new Date();
    if (shown === 'week') return choose(plus(chosen, 7 * by));
    const last = new Date(at.getFullYear(), at.getMonth() + by + 1, 0).getDate();
    choose(codex.day(new Date(at.getFullYear(), at.getMonth() + by, Math.min(at.getDate(), last))));
  };
  /** @param {string} day */
  const choose = (day, focus = false) => {
    const had = focus || grid.contains(document.activeElement);
    chosen = day;
    draw();
    if (had) cell(day)?.focus();
  };
  /** @param {string} day @returns {HTMLElement | null} */
  const cell = (day) => grid.querySelector(`[data-day="${day}"]`);

  /** The same moment on another day, written as it was. @param {Json | undefined} value @param {string} day @returns {string} */
  const moved = (value, day) => {
    const read = codex.date(value);
    if (!read || typeof value !== 'string' || !read.time) return day;
    if (!/(Z|[+-]\d\d:?\d\d)$/.test(value.trim())) return day + value.trim().slice(10);
    const [y = 0, m = 1, d = 1] = day.split('-').map(Number);
    const to = new Date(read.at);
    to.setFullYear(y, m - 1, d);
    return to.toISOString().replace('.000Z', 'Z');
  };
  /** @param {CodexFile} file @param {string} day */
  const move = (file, day) => {
    if (!movable()) return view.say(`“${by()}” is not set by hand: “${file.title}” stays where it is.`);
    const value = codex.get(file, by());
    if (codex.day(value) === day) return;
    void view.set(file, { [property()]: moved(value, day) }).then((done) => done && codex.announce(`“${file.title}” is on ${long(day)}`));
  };
  /** @param {string} day */
  const long = (day) => codex.formatDate(day, { weekday: 'long', day: 'numeric', month: 'long' });
  /** @param {CodexFile} file */
  const clock = (file) => {
    const read = codex.date(codex.get(file, by()));
    return read?.time ? codex.formatDate(read.at, { timeStyle: 'short' }) : '';
  };
  /** @param {CodexFile} file @param {HTMLElement} anchor */
  const menu = (file, anchor) =>
    codex.menu(anchor, [
      { text: 'Open', act: () => view.open(file) },
      ...(movable() ? [
        { text: `Change ${codex.label(by()).toLowerCase()}…`, act: () => codex.edit(anchor, { label: by(), value: codex.get(file, by()), save: (value) => void view.set(file, { [property()]: value }) }) },
        { text: 'Today', act: () => move(file, view.today) }, { text: 'A day later', act: () => move(file, plus(codex.day(codex.get(file, by())), 1)) },
        { text: 'A week later', act: () => move(file, plus(codex.day(codex.get(file, by())), 7)) },
      ] : []),
    ], `“${file.title}”`);

  /** Keys on an entry: `true` if it was moved. @param {KeyboardEvent} event @param {CodexFile} file */
  const entryKey = (event, file) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    if (!event.altKey || step === undefined || !movable()) return false;
    const to = plus(codex.day(codex.get(file, by())), step);
    chosen = to;
    move(file, to);
    focusEntry(file, to);
    return true;
  };
  /** @param {CodexFile} file @param {string} day */
  const focusEntry = (file, day) => {
    const index = agenda.indexOf(codex.key(file));
    const button = cell(day)?.querySelector(`[data-key="${CSS.escape(codex.key(file))}"]`);
    if (button instanceof HTMLElement) button.focus();
    else if (!agendaBox.hidden && index >= 0) agenda.focus(index);
    else cell(day)?.focus();
  };
  /** @param {CodexFile} file */
  const entry = (file) => {
    const done = codex.isDone(file);
    const time = clock(file);
    return h('button', {
      type: 'button', class: `entry${done ? ' done' : ''}`, tabindex: -1, dataset: { key: codex.key(file) }, title: file.title,
      onclick: () => view.open(file),
      oncontextmenu: (/** @type {MouseEvent} */ event) => {
        event.preventDefault();
        menu(file, /** @type {HTMLElement} */ (event.currentTarget));
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const here = /** @type {HTMLElement} */ (event.currentTarget);
        const other = event.key === 'ArrowDown' ? here.nextElementSibling : event.key === 'ArrowUp' ? here.previousElementSibling : null;
        let used = true;
        if (entryKey(event, file)) used = true;
        else if (event.key === 'Escape') /** @type {HTMLElement | null} */ (here.closest('[data-day]'))?.focus();
        else if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) menu(file, here);
        else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') (other instanceof HTMLElement ? other : here).focus();
        else used = event.key.startsWith('Arrow');
        if (!used && event.key !== 'Tab') return event.stopPropagation();
        if (used) event.preventDefault();
        event.stopPropagation();
      },
    }, time && h('span', { class: 'time' }, time), file.title);
  };

  /** @param {string} day */
  const dayCell = (day) => {
    const files = days.get(day) ?? [];
    const room = shown === 'week' ? 60 : Math.max(1, files.length > lines ? lines - 1 : lines);
    const some = NARROW.matches ? [] : files.slice(0, room);
    const rest = files.length - some.length;
    const other = shown === 'month' && day.slice(0, 7) !== chosen.slice(0, 7);
    return h('div', {
      class: `day${other ? ' other' : ''}${day === view.today ? ' today' : ''}`, role: 'gridcell', tabindex: day === chosen ? 0 : -1, dataset: { day }, 'aria-selected': String(day === chosen),
      'aria-current': day === view.today ? 'date' : null,
    }, h('span', { class: 'number', 'aria-hidden': 'true' }, codex.formatNumber(Number(day.slice(8)))),
    h('span', { class: 'codex-unseen' }, `${long(day)}, ${files.length === 0 ? 'nothing' : codex.many(files.length, 'entry', 'entries')}`),
    h('div', { class: 'entries' }, some.map(entry)),
    rest > 0 && (NARROW.matches
      ? h('span', { class: 'tally', 'aria-hidden': 'true' }, codex.formatNumber(rest))
      : h('button', { type: 'button', class: 'codex-plain rest', tabindex: -1, onclick: () => choose(day, true) }, `${codex.formatNumber(rest)} more`)));
  };

  const title = h('h2', { 'aria-live': 'polite' });
  const segments = h('div', { class: 'codex-segments', role: 'group', 'aria-label': 'Shown' });
  const grid = h('div', { class: 'grid', role: 'grid', 'aria-label': 'Calendar' });
  const agenda = codex.list({
    items: /** @type {CodexFile[]} */ ([]), key: codex.key, label: 'Entries of the day', estimate: 52, gap: 6,
    row: (file) => {
      const made = codex.card(file, [by(), ...FIELDS]);
      if (codex.isDone(file)) made.classList.add('done');
      return made;
    },
    onopen: (file) => view.open(file), onmenu: menu, onkey: (event, file) => entryKey(event, file),
  });
  const agendaTitle = h('h3', null);
  const agendaBox = h('section', { class: 'agenda', 'aria-label': 'The day' }, agendaTitle, agenda.element);
  const foot = h('div', null);
  view.root.append(
    h('div', { class: 'codex-bar' }, h('button', { type: 'button', 'aria-label': 'Before', onclick: () => turn(-1) }, '‹'), h('button', { type: 'button', onclick: () => choose(view.today) }, 'Today'),
      h('button', { type: 'button', 'aria-label': 'After', onclick: () => turn(1) }, '›'), title, h('span', { class: 'codex-grow' }), segments),
    h('div', { class: 'sheet' }, grid, agendaBox), foot);

  grid.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    if (step !== undefined) choose(plus(chosen, step), true);
    else if (event.key === 'PageUp' || event.key === 'PageDown') turn(event.key === 'PageUp' ? -1 : 1);
    else if (event.key === 'Home' || event.key === 'End') choose(plus(weekStart(chosen), event.key === 'Home' ? 0 : 6), true);
    else if (event.key === 'Enter' || event.key === ' ') {
      const inside = cell(chosen)?.querySelector('.entry');
      if (inside instanceof HTMLElement) inside.focus();
      else if (agenda.items.length > 0) agenda.focus(0);
    } else return;
    event.preventDefault();
  });
  grid.addEventListener('click', (event) => {
    const day = event.target instanceof Element && !event.target.closest('button') ? event.target.closest('[data-day]') : null;
    if (day instanceof HTMLElement) choose(day.dataset['day'] ?? chosen, true);
  });
  codex.drag(view.root, {
    item: '.sheet .entry, .agenda .codex-row', target: '.day',
    start: () => movable(),
    drop: (item, target) => {
      const file = view.files.find((each) => codex.key(each) === item.dataset['key']);
      if (file && target?.dataset['day']) move(file, target.dataset['day']);
    },
  });

  const sortIn = () => {
    days = new Map();
    for (const file of view.files) {
      const value = codex.get(file, by());
      for (const one of Array.isArray(value) ? value : [value]) {
        const day = codex.day(one);
        if (day === '') continue;
        const known = days.get(day);
        if (known) known.push(file);
        else days.set(day, [file]);
      }
    }
    for (const some of days.values()) some.sort((a, b) => codex.compare(codex.get(a, by()), codex.get(b, by())));
  };
  const draw = () => {
    const from = first();
    const names = Array.from({ length: 7 }, (_, at) => plus(from, at));
    title.textContent = shown === 'month' ? codex.formatDate(chosen, { month: 'long', year: 'numeric' })
      : new Intl.DateTimeFormat(view.locale, { dateStyle: 'long' }).formatRange(codex.date(from)?.at ?? new Date(), codex.date(plus(from, 6))?.at ?? new Date());
    segments.replaceChildren(...['month', 'week'].map((name) => h('button', { type: 'button', 'aria-pressed': String(shown === name), onclick: () => {
      shown = name;
      void view.keep({ shown: { view: name, said: view.config['view'] ?? null } });
      draw();
      /** @type {HTMLElement} */ (segments.querySelector('[aria-pressed=true]')).focus();
    } }, codex.label(name))));
    const focused = document.activeElement instanceof HTMLElement && grid.contains(document.activeElement) ? document.activeElement.dataset['key'] ?? '' : null;
    grid.className = `grid by-${shown}${NARROW.matches ? ' narrow' : ''}`;
    // The days' names are drawn already: their height says how much room is left for the days.
    const room = grid.clientHeight - 30;
    lines = Math.max(1, Math.floor((room / weeks() - ABOVE) / LINE));
    grid.replaceChildren(
      h('div', { role: 'row', class: 'names' }, names.map((day) => h('div', { role: 'columnheader', 'aria-label': codex.formatDate(day, { weekday: 'long' }) }, codex.formatDate(day, { weekday: NARROW.matches ? 'narrow' : 'short' })))),
      ...Array.from({ length: weeks() }, (_, week) => h('div', { role: 'row', class: 'week' }, names.map((_, at) => dayCell(plus(from, week * 7 + at))))));
    if (focused !== null) {
      const again = focused === '' ? cell(chosen) : grid.querySelector(`[data-key="${CSS.escape(focused)}"]`);
      if (again instanceof HTMLElement) again.focus();
    }
    const today = days.get(chosen) ?? [];
    // The day that was chosen is spelt out where there is no room for it, and where it does not fit.
    agendaBox.hidden = !NARROW.matches && today.length <= (shown === 'week' ? 60 : lines);
    agendaTitle.textContent = `${long(chosen)}${today.length === 0 ? ': nothing' : ''}`;
    agenda.element.hidden = today.length === 0;
    agenda.set(today);
    const without = view.files.length - new Set([...days.values()].flat()).size;
    const more = codex.more();
    const lost = without > 0 ? h('p', { class: 'codex-more codex-quiet' }, `${codex.many(without, 'entry has', 'entries have')} no date in “${by()}”.`) : null;
    foot.replaceChildren(...[lost, more].filter((each) => each !== null));
  };
  const whole = () => {
    sortIn();
    draw();
  };
  NARROW.addEventListener('change', draw);
  let height = 0;
  new ResizeObserver(() => {
    if (Math.abs(grid.clientHeight - height) < 4) return;
    height = grid.clientHeight;
    draw();
  }).observe(grid);
  let said = view.config['view'];
  view.onchange = () => {
    if (view.config['view'] !== said) shown = view.config['view'] === 'week' ? 'week' : 'month';
    said = view.config['view'];
    whole();
  };
  whole();
});
