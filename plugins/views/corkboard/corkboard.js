/** Notes on a board: each where it was put, or in lanes by a property. */
const { h } = codex;

/** Width and height of a card. @type {Dict<[number, number]>} */
const SHAPES = { sticky: [190, 150], minimal: [210, 48], detailed: [270, 196] };
const GAP = 18;
const HEAD = 40;
/** Pixels that an arrow key moves, and that a grid has. */
const STEP = 20;
/** Keys that follow one another are one change. */
const QUIET_MS = 500;
const COLOURS = ['yellow', 'blue', 'green', 'pink', 'purple', 'grey'];
const DETAILS = ['status', 'due_date', 'assignee', 'priority', 'tags'];

/** @typedef {{lane: string, title: string, value: Json, count: number}} Lane */
/** @typedef {{key: string, lane: Lane | null, file: CodexFile | null}} Item */

codex.start((view) => {
  /** Where cards are that are being moved with keys: entry → place. @type {Map<string, {x: number, y: number, timer: number, write: () => void}>} */
  const moving = new Map();
  /** Lanes stay while the board is open, also without cards. @type {Map<string, Json>} */
  const seen = new Map();

  const lanes = () => view.config['layout'] === 'swimlanes';
  const by = () => String(view.config['group_by'] || 'properties.status');
  const property = () => by().replace(/^propert(y|ies)\./, '');
  const style = () => (Object.hasOwn(SHAPES, view.config['card_style']) ? view.config['card_style'] : 'sticky');
  const movable = () => view.config['draggable'] !== false;
  /** Pixels between the places where a card can be. */
  const grid = () => (view.config['grid'] === true ? STEP : Math.max(0, Number(view.config['grid']) || 0));
  const fields = () => (Array.isArray(view.config['card_fields']) ? view.config['card_fields'].map(String) : style() === 'detailed' ? DETAILS : []);
  const shape = () => /** @type {[number, number]} */ (SHAPES[style()]);
  const snap = (/** @type {number} */ pixels) => Math.max(0, grid() > 0 ? Math.round(pixels / grid()) * grid() : Math.round(pixels));

  /** @param {CodexFile} file @returns {{x: number, y: number} | null} */
  const position = (file) => {
    const now = moving.get(codex.key(file));
    if (now) return now;
    const said = /** @type {any} */ (file.properties['corkboard_position']);
    if (typeof said !== 'object' || said === null) return null;
    const [x, y] = [Number(said.x), Number(said.y)];
    return Number.isFinite(x) && Number.isFinite(y) ? { x: Math.max(0, Math.min(x, 20_000)), y: Math.max(0, Math.min(y, 1_000_000)) } : null;
  };
  /** @param {Item[]} items @param {number} width @returns {Box[]} */
  const place = (items, width) => {
    const [wide, high] = shape();
    const many = Math.max(1, Math.floor((width - GAP) / (wide + GAP)));
    if (!lanes()) {
      return items.map(({ file }, at) => {
        const put = file && position(file);
        // Every card has a place of its own in the order, so that none moves when another is moved away.
        return { ...(put ? { x: put.x, y: put.y } : { x: GAP + (at % many) * (wide + GAP), y: GAP + Math.floor(at / many) * (high + GAP) }), width: wide, height: high };
      });
    }
    let [y, column] = [0, 0];
    return items.map(({ lane }, at) => {
      if (lane) {
        y += at === 0 ? 0 : (column === 0 ? 0 : high + GAP) + (items[at - 1]?.lane ? GAP : 0);
        column = 0;
        const box = { x: 0, y, width, height: HEAD };
        y += HEAD;
        return box;
      }
      const box = { x: GAP + column * (wide + GAP), y, width: wide, height: high };
      column = (column + 1) % many;
      if (column === 0) y += high + GAP;
      return box;
    });
  };

  /** Cards that were put here, the last one at the end. @type {Set<string>} */
  const raised = new Set();
  /** How far up a card lies: above those that stand in the row, and the later it was put. @type {Map<string, number>} */
  const levels = new Map();
  const stack = () => {
    levels.clear();
    const put = view.files.filter((file) => position(file) !== null).sort((a, b) => codex.compare(a.modified, b.modified)).map(codex.key);
    const order = [...put.filter((key) => !raised.has(key)), ...[...raised].filter((key) => put.includes(key))];
    for (const [at, key] of order.entries()) levels.set(key, at + 1);
  };
  /** What is moved lies on top. @param {CodexFile} file */
  const raise = (file) => {
    raised.delete(codex.key(file));
    raised.add(codex.key(file));
  };
  const lift = () => {
    stack();
    for (const [at, { key }] of list.items.entries()) list.at(at)?.style.setProperty('z-index', String(levels.get(key) ?? 0));
  };

  /** @returns {Item[]} */
  const arranged = () => {
    if (!lanes()) return view.files.map((file) => ({ key: codex.key(file), lane: null, file }));
    /** @type {Map<string, CodexFile[]>} */
    const groups = new Map();
    for (const [id] of seen) groups.set(id, []);
    for (const file of view.files) {
      const value = codex.get(file, by()) ?? null;
      const one = Array.isArray(value) ? value[0] ?? null : value;
      const id = JSON.stringify(one);
      seen.set(id, one);
      groups.set(id, [...(groups.get(id) ?? []), file]);
    }
    return [...groups].sort(([a], [b]) => codex.compare(seen.get(a), seen.get(b))).flatMap(([id, files]) => {
      const value = seen.get(id) ?? null;
      const title = value === null ? `No ${codex.label(property()).toLowerCase()}` : codex.label(codex.format(value));
      return [{ key: `lane ${id}`, lane: { lane: id, title, value, count: files.length }, file: null }, ...files.map((file) => ({ key: codex.key(file), lane: null, file }))];
    });
  };

  const width = () => list.element.querySelector('.codex-space')?.clientWidth ?? 0;
  /** @param {CodexFile} file @param {number} x @param {number} y */
  const put = (file, x, y) => void view.set(file, { corkboard_position: { x: snap(x), y: snap(y) } });
  /** With keys: the place is written when the keys are quiet. @param {CodexFile} file @param {number} x @param {number} y */
  const nudge = (file, x, y) => {
    const at = list.indexOf(codex.key(file));
    const box = place(list.items, width())[at];
    const from = position(file) ?? box ?? { x: 0, y: 0 };
    clearTimeout(moving.get(codex.key(file))?.timer);
    const step = grid() || STEP;
    const to = { x: snap(from.x + x * step), y: snap(from.y + y * step) };
    const write = () => {
      clearTimeout(moving.get(codex.key(file))?.timer);
      moving.delete(codex.key(file));
      put(view.files.find((each) => codex.key(each) === codex.key(file)) ?? file, to.x, to.y);
    };
    moving.set(codex.key(file), { ...to, write, timer: window.setTimeout(write, QUIET_MS) });
    codex.announce(`${to.x}, ${to.y}`);
    raise(file);
    list.set(list.items);
    lift();
    list.show(at);
  };
  /** @param {CodexFile} file @param {Lane | undefined} to */
  const moveTo = (file, to) => {
    if (!to || codex.matches(file, { [by()]: to.value })) return;
    void view.set(file, { [property()]: to.value }).then((done) => done && codex.announce(`“${file.title}” is in ${to.title}`));
    list.focus(list.indexOf(codex.key(file)));
  };
  const allLanes = () => list.items.flatMap((item) => (item.lane ? [item.lane] : []));
  /** @param {CodexFile} file */
  const laneOf = (file) => {
    const at = list.indexOf(codex.key(file));
    for (let index = at; index >= 0; index -= 1) if (list.items[index]?.lane) return list.items[index]?.lane;
    return null;
  };
  /** @param {CodexFile} file @param {HTMLElement} anchor */
  const menu = (file, anchor) =>
    codex.menu(anchor, [
      { text: 'Open', act: () => view.open(file) },
      ...(movable() && lanes() ? allLanes().filter((lane) => lane.lane !== laneOf(file)?.lane).map((lane) => ({ text: `Move to ${lane.title}`, act: () => moveTo(file, lane) })) : []),
      ...(movable() && !lanes() && position(file) ? [{ text: 'Put back into the row', act: () => void view.set(file, { corkboard_position: null }) }] : []),
    ], `“${file.title}”`);

  /** @param {CodexFile} file */
  const card = (file) => {
    const level = lanes() ? 0 : levels.get(codex.key(file)) ?? 0;
    const said = String(file.properties['color'] ?? file.properties['colour'] ?? '').toLowerCase();
    const made = codex.card(file, style() === 'minimal' ? [] : fields(), { class: style(), style: { 'z-index': level }, dataset: { colour: COLOURS.includes(said) ? said : 'yellow' }, 'aria-describedby': 'help' });
    const about = file.properties['description'];
    if (style() === 'detailed' && typeof about === 'string' && about !== '') made.append(h('p', { class: 'about codex-quiet' }, about));
    return made;
  };
  const list = codex.list({
    items: /** @type {Item[]} */ ([]), key: (item) => item.key, label: 'Cards', place,
    row: ({ file, lane }) => (file ? card(file) : h('div', { class: 'lane', dataset: { lane: lane?.lane ?? '' } }, h('h2', null, lane?.title ?? '', h('span', { class: 'codex-quiet' }, codex.formatNumber(lane?.count ?? 0))))),
    onopen: ({ file }) => file && view.open(file),
    onmenu: ({ file }, anchor) => file && menu(file, anchor),
    onkey: (event, { file }) => {
      const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!file || !arrow || !event.altKey || !movable()) return false;
      const [x = 0, y = 0] = arrow;
      if (!lanes()) nudge(file, x, y);
      else {
        const all = allLanes();
        const to = all[all.findIndex((lane) => lane.lane === laneOf(file)?.lane) + (x || y)];
        if (to) moveTo(file, to);
      }
      return true;
    },
  });
  const foot = h('div', null);
  const help = h('p', { id: 'help', class: 'codex-unseen' });
  view.root.append(list.element, foot, help);

  // Where on the board the pointer is, and how far from the card's corner it took hold.
  const hold = { x: 0, y: 0 };
  /** @param {PointerEvent} event */
  const onBoard = (event) => {
    const space = /** @type {HTMLElement} */ (list.element.querySelector('.codex-space')).getBoundingClientRect();
    return { x: event.clientX - space.left, y: event.clientY - space.top };
  };
  /** @param {PointerEvent} event */
  const laneAt = (event) => {
    const { y } = onBoard(event);
    const boxes = place(list.items, width());
    return list.items.reduce((/** @type {Lane | null} */ found, item, at) => (item.lane && (boxes[at]?.y ?? Infinity) <= y ? item.lane : found), null);
  };
  const light = (/** @type {Lane | null} */ lane) => {
    for (const each of list.element.querySelectorAll('.lane')) each.classList.toggle('over', lane !== null && /** @type {HTMLElement} */ (each).dataset['lane'] === lane.lane);
  };
  codex.drag(list.element, {
    item: '.movable article', target: '.codex-list',
    start: (item, event) => {
      const box = item.getBoundingClientRect();
      Object.assign(hold, { x: event.clientX - box.left, y: event.clientY - box.top });
    },
    move: (_, target, event) => lanes() && light(target ? laneAt(event) : null),
    cancel: () => light(null),
    drop: (item, target, event) => {
      light(null);
      const file = view.files.find((each) => codex.key(each) === item.dataset['key']);
      if (!file || !target) return;
      if (lanes()) return moveTo(file, laneAt(event) ?? undefined);
      const { x, y } = onBoard(event);
      raise(file);
      put(file, x - hold.x, y - hold.y);
    },
  });

  // Whoever goes away has moved it.
  for (const leaving of ['blur', 'pagehide']) addEventListener(leaving, () => [...moving.values()].forEach(({ write }) => write()));

  let form = '';
  view.onchange = () => {
    const now = JSON.stringify(view.config);
    if (form !== '' && form !== now) {
      seen.clear();
      list.redraw();
    }
    form = now;
    list.element.className = `codex-list${movable() ? ' movable' : ''}${grid() > 0 && !lanes() ? ' dotted' : ''}`;
    list.element.style.setProperty('--grid', `${grid() || STEP}px`);
    list.element.hidden = view.files.length === 0;
    stack();
    list.set(arranged());
    if (!lanes()) lift();
    help.textContent = movable() ? (lanes() ? 'Alt with up or down moves the card to another lane, Enter opens it.' : 'Alt with arrows moves the card, Enter opens it.') : 'Enter opens the card.';
    const more = codex.more();
    foot.replaceChildren(...(view.files.length === 0 ? [codex.empty('The board is empty.', 'Every entry that the query of this view finds is a card.')] : more ? [more] : []));
  };
  view.onchange();
});
