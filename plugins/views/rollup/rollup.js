/** Entries below one another in groups: by day, week, month or hour of a date, by any other value, or in sections that are filters. */
const { h, svg } = codex;

const FORMATS = ['day', 'week', 'month', 'hour'];
/** Bars of the picture above; more would be too thin to see. */
const BARS = 60;

/** @typedef {{kind: 'section' | 'group', key: string, title: string, files: CodexFile[], level: number}} Head */
/** @typedef {{kind: 'entry', key: string, file: CodexFile, by: Json | undefined}} Line */

codex.start((view) => {
  /** Groups that were closed. @type {Set<string>} */
  const closed = new Set();
  const format = () => (FORMATS.includes(view.config['group_format']) ? view.config['group_format'] : 'day');
  const sections = () => (Array.isArray(view.config['sections']) ? view.config['sections'] : []);
  const by = () => (typeof view.config['group_by'] === 'string' && view.config['group_by'].trim() !== '' ? view.config['group_by'].trim() : sections().length > 0 || view.groups ? '' : 'modified');

  /** The first day of a week. @param {Date} at */
  const week = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate() - ((at.getDay() - (view.weekStart % 7) + 7) % 7));
  /** Which group a value is of; dates sort by it. @param {Json | undefined} value */
  const group = (value) => {
    const at = codex.date(value)?.at;
    if (!at) return { sort: '', date: false };
    if (format() === 'week') return { sort: codex.day(week(at)), date: true };
    const day = codex.day(at);
    return { sort: format() === 'month' ? day.slice(0, 7) : format() === 'hour' ? `${day} ${String(at.getHours()).padStart(2, '0')}` : day, date: true };
  };
  /** What a group is called. @param {Json | undefined} value */
  const titleOf = (value) => {
    const at = codex.date(value)?.at;
    if (!at) return codex.format(value);
    if (format() === 'month') return codex.formatDate(at, { month: 'long', year: 'numeric' });
    if (format() === 'hour') {
      const from = new Date(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours());
      return codex.formatDate(from, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' });
    }
    if (format() === 'week') {
      const from = week(at);
      return new Intl.DateTimeFormat(view.locale, { dateStyle: 'long' }).formatRange(from, new Date(from.getFullYear(), from.getMonth(), from.getDate() + 6));
    }
    return (codex.day(at) === view.today ? 'Today, ' : '') + codex.formatDate(at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  };
  /** @param {CodexFile[]} files @param {string} under @param {number} level @returns {Head[]} */
  const grouped = (files, under, level) => {
    const name = by();
    if (name === '' && view.groups && sections().length === 0) {
      return Object.entries(view.groups).map(([title, some]) => ({ kind: 'group', key: `${under}/${title}`, title: title === '' ? 'Without a value' : codex.format(title), files: some, level }));
    }
    if (name === '') return [];
    /** @type {Map<string, {sort: string, date: boolean, value: Json, files: CodexFile[]}>} */
    const found = new Map();
    for (const file of files) {
      const value = codex.get(file, name);
      // Of several values, as of tags, it is in several groups.
      for (const one of Array.isArray(value) && value.length > 0 ? value : [value ?? null]) {
        const which = group(one);
        const id = which.date ? which.sort : JSON.stringify(one);
        const known = found.get(id) ?? { ...which, value: one, files: [] };
        found.set(id, known);
        known.files.push(file);
      }
    }
    const all = [...found.entries()];
    // Dates come the newest first, but for a query that says otherwise.
    const dates = all.filter(([, each]) => each.date).map(([, each]) => each.sort);
    const rising = dates.length > 1 && dates.every((date, at) => at === 0 || (dates[at - 1] ?? '') <= date);
    all.sort(([, a], [, b]) => {
      if (a.date && b.date) return (a.sort < b.sort ? -1 : 1) * (rising ? 1 : -1);
      return a.date !== b.date ? (a.date ? -1 : 1) : codex.compare(a.value, b.value);
    });
    return all.map(([id, each]) => ({ kind: 'group', key: `${under}/${id}`, title: titleOf(each.value) || `No ${codex.label(name).toLowerCase()}`, files: each.files, level }));
  };
  /** @returns {Head[]} */
  const heads = () => {
    const wanted = sections();
    if (wanted.length === 0) return grouped(view.files, '', 2);
    const used = new Set();
    const parts = wanted.map((section, at) => {
      const filter = section?.filter && typeof section.filter === 'object' ? section.filter : {};
      const files = view.files.filter((file) => codex.matches(file, filter));
      for (const file of files) used.add(file);
      return { title: String(section?.title ?? `Section ${at + 1}`), files, key: `s${at}` };
    });
    const rest = view.files.filter((file) => !used.has(file));
    if (rest.length > 0) parts.push({ title: 'Everything else', files: rest, key: 'rest' });
    return parts.flatMap((part) => [{ kind: /** @type {const} */ ('section'), level: 2, ...part }, ...(closed.has(part.key) ? [] : grouped(part.files, part.key, 3))]);
  };

  /** @param {Head} head */
  const toggle = (head) => {
    if (!closed.delete(head.key)) closed.add(head.key);
    draw();
  };
  /** @param {Head} head */
  const headRow = (head) => {
    const open = !closed.has(head.key);
    return h('div', { class: `head ${head.kind}` },
      h(head.level === 2 ? 'h2' : 'h3', null, h('button', { type: 'button', class: 'codex-plain', tabindex: -1, 'data-part': 'head', 'aria-expanded': String(open), onclick: () => toggle(head) }, h('span', { class: 'turner', 'aria-hidden': 'true' }, open ? '▾' : '▸'), head.title)),
      h('span', { class: 'codex-quiet count' }, codex.many(head.files.length, 'entry', 'entries')));
  };
  /** @param {Line} line */
  const entryRow = ({ file, by: value }) => {
    const folder = file.path.includes('/') ? file.path.slice(0, file.path.lastIndexOf('/')) : '';
    const read = codex.date(value) ?? codex.date(file.modified);
    const moment = read ? (read.time && ['day', 'hour'].includes(format()) && codex.date(value) ? codex.formatDate(read.at, { timeStyle: 'short' }) : codex.formatDate(read.at, { day: 'numeric', month: 'short' })) : '';
    return h('div', { class: 'entry' }, h('span', { class: 'moment codex-quiet' }, moment), h('span', { class: 'title' }, file.title),
      h('span', { class: 'about codex-quiet' }, [folder, file.tags.map((tag) => `#${tag}`).join(' ')].filter(Boolean).join(' · ')));
  };
  const list = codex.list({
    items: /** @type {(Head | Line)[]} */ ([]), key: (item) => item.key, label: 'Entries in groups', estimate: 34,
    row: (item) => (item.kind === 'entry' ? entryRow(item) : headRow(item)),
    onopen: (item) => (item.kind === 'entry' ? view.open(item.file) : toggle(item)),
    onkey: (event, item, index) => {
      if (event.altKey || event.ctrlKey || event.metaKey || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return false;
      if (item.kind !== 'entry') {
        if (closed.has(item.key) === (event.key === 'ArrowRight')) toggle(item);
      } else if (event.key === 'ArrowLeft') {
        // To the heading that it is below.
        let at = index;
        while (at > 0 && list.items[at]?.kind === 'entry') at -= 1;
        list.focus(at);
      }
      return true;
    },
  });
  const stats = h('div', { class: 'stats' });
  const foot = h('div', null);
  view.root.append(stats, list.element, foot);

  /** Entries of each group, as bars. @param {Head[]} groups */
  const bars = (groups) => {
    const shown = groups.slice(0, BARS);
    const most = Math.max(...shown.map((head) => head.files.length));
    return svg('svg', { class: 'bars', viewBox: `0 0 ${shown.length * 10} 40`, preserveAspectRatio: 'none', 'aria-hidden': 'true', style: { 'max-width': `${shown.length * 16}px` } },
      ...shown.map((head, at) => svg('rect', { x: at * 10 + 1, width: 8, y: 40 - Math.max(1, (head.files.length / most) * 40), height: Math.max(1, (head.files.length / most) * 40) }, svg('title', null, `${head.title}: ${codex.formatNumber(head.files.length)}`))));
  };
  /** @param {Head[]} all */
  const drawStats = (all) => {
    const groups = all.filter((head) => head.kind === 'group');
    const size = view.files.reduce((sum, file) => sum + file.size, 0);
    const pictures = view.files.filter((file) => file.media_type.startsWith('image/')).length;
    const notes = view.files.filter((file) => file.media_type === 'text/markdown').length;
    const figures = /** @type {[string, string][]} */ ([
      [codex.formatNumber(view.files.length), view.files.length === 1 ? 'entry' : 'entries'], [codex.formatNumber(notes), notes === 1 ? 'note' : 'notes'],
      [codex.formatNumber(pictures), pictures === 1 ? 'picture' : 'pictures'], [codex.formatSize(size), 'in all'],
    ]).filter(([figure], at) => figure !== '0' && (at === 0 || figure !== codex.formatNumber(view.files.length)));
    stats.replaceChildren(h('dl', null, figures.map(([figure, what]) => h('div', null, h('dt', null, what), h('dd', null, figure)))), ...(groups.length > 2 ? [bars(groups)] : []));
  };

  const draw = () => {
    const all = heads();
    /** @type {(Head | Line)[]} */
    const rows = [];
    for (const [at, head] of all.entries()) {
      rows.push(head);
      const inGroups = head.kind === 'section' && all[at + 1]?.kind === 'group';
      if (closed.has(head.key) || inGroups) continue;
      for (const file of head.files) rows.push({ kind: 'entry', key: `${head.key}/${codex.key(file)}`, file, by: by() === '' ? undefined : codex.get(file, by()) });
    }
    stats.hidden = view.config['show_stats'] === false || view.files.length === 0;
    if (!stats.hidden) drawStats(all);
    list.element.hidden = view.files.length === 0;
    list.set(rows);
    const more = codex.more();
    foot.replaceChildren(...(view.files.length === 0 ? [codex.empty('Nothing happened here.', 'No entry fits the query of this view.')] : more ? [more] : []));
  };
  view.onchange = draw;
  draw();
});
