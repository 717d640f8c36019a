const DAY = 86_400_000;

/** @typedef {{date?: string, dateTime?: string}} At */
/** @typedef {{status?: string, start: At, end: At, summary?: string, location?: string}} Happening */

/** The first moment of a day here: `from`, as in `2026-12-01`, or today. @param {string | undefined} from */
const first = (from) => {
  const day = from === undefined ? new Date() : new Date(`${from}T00:00:00`);
  if (Number.isNaN(day.getTime())) throw new Error(`“${from}” is no day; write it as in 2026-12-01`);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate());
};

/** A whole day stands as `date` without a time zone, a moment as `dateTime` (RFC 3339). @param {At} at */
const moment = (at) => new Date(at.dateTime ?? `${at.date}T00:00:00`);

codex.start(async (view) => {
  const { h } = codex;
  const show = (/** @type {Child[]} */ ...children) => {
    view.root.replaceChildren(h('article', { class: 'agenda' }, ...children));
    view.fit();
  };
  const words = (/** @type {Intl.DateTimeFormatOptions} */ options, /** @type {Date} */ date) => new Intl.DateTimeFormat(view.locale, options).format(date);
  show(h('p', { class: 'quiet' }, 'Calendar …'));
  try {
    const { calendar, from, days } = view.values;
    const start = first(from === undefined ? undefined : String(from));
    const end = new Date(start.getFullYear(), start.getMonth(), start.getDate() + Number(days ?? 7));
    const found = await view.call('list_events', {
      timeMin: start.toISOString(), timeMax: end.toISOString(),
      ...(calendar === undefined ? {} : { calendarId: String(calendar) }),
    });
    /** @type {Happening[]} */
    const events = (found.data.items ?? []).filter((/** @type {Partial<Happening>} */ event) => event.status !== 'cancelled' && event.start && event.end);
    const rows = [];
    for (let day = start; day < end; day = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1)) {
      const next = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
      const here = events.filter((event) => moment(event.start) < next && (moment(event.end) > day || Number(moment(event.start)) === Number(day)));
      if (here.length === 0) continue;
      rows.push(h('section', {},
        h('h4', {}, words({ weekday: 'long', day: 'numeric', month: 'long' }, day)),
        h('ul', {}, ...here.map((event) => h('li', {},
          h('span', { class: 'time' }, event.start.date || moment(event.start) <= day && Number(moment(event.end)) - Number(day) >= DAY ? 'all day' : words({ timeStyle: 'short' }, moment(event.start))),
          h('span', {}, h('b', {}, event.summary ?? 'Busy'), event.location ? h('span', { class: 'quiet' }, ` · ${event.location}`) : null),
        )))));
    }
    if (rows.length === 0) rows.push(h('p', { class: 'quiet' }, 'Nothing on these days.'));
    const when = words({ dateStyle: 'medium', timeStyle: 'short' }, new Date(found.as_of));
    return show(h('h3', {}, found.data.summary ?? 'Calendar'), ...rows, h('p', { class: 'quiet' }, found.stale ? `does not answer now; as of ${when}` : `as of ${when}`));
  } catch (error) {
    return show(h('h3', {}, 'Calendar'), h('p', { class: 'quiet' }, /** @type {{message: string}} */ (error).message));
  }
});
