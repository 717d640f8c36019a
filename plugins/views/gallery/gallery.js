/** Pictures beside one another; one of them large. */
const { h } = codex;

/**
 * Of `thumbnail_size`: pixels that a tile is wide at least and at most, that a line of a list is high, and that a picture is asked
 * for. Between the least and the most `columns` says how wide a tile is.
 * @typedef {{least: number, most: number, line: number, asked: number}} Size
 */
/** @type {Dict<Size>} */
const SIZES = { small: { least: 90, most: 150, line: 60, asked: 160 }, medium: { least: 140, most: 364, line: 88, asked: 320 }, large: { least: 330, most: Infinity, line: 150, asked: 640 } };
const LARGE = 1600;
const GAP = 10;
const CAPTION = 54;
/** Of a picture that does not say how wide and high it is. */
const SHAPE = 4 / 3;

codex.start((view) => {
  /** @param {CodexFile} file */
  const isPicture = (file) => file.media_type.startsWith('image/');
  const layout = () => (['grid', 'masonry', 'list'].includes(view.config['layout']) ? view.config['layout'] : 'grid');
  const described = () => view.config['show_metadata'] !== false;
  const wanted = () => view.config['thumbnail_size'] ?? 'medium';
  /** @returns {Size | null} */
  const said = () => {
    const pixels = Number(wanted());
    if (!(pixels > 0)) return Object.hasOwn(SIZES, wanted()) ? SIZES[wanted()] ?? null : null;
    const wide = Math.max(40, Math.min(1200, Math.round(pixels)));
    return { least: wide, most: wide, line: Math.round(wide / SHAPE), asked: wide };
  };
  const size = () => said() ?? /** @type {Size} */ (SIZES['medium']);
  const columns = (/** @type {number} */ width) => {
    // What is said neither here nor there: four, and of small ones as many as there is room for.
    const most = Math.max(1, Math.min(8, Math.round(Number(view.config['columns'])) || (size().most < 200 ? 8 : 4)));
    // On a narrow page there are fewer: a picture is at least so wide.
    return layout() === 'list' ? 1 : Math.max(1, Math.min(most, Math.floor((width + GAP) / (size().least + GAP))));
  };
  /** @param {CodexFile} file */
  const shape = (file) => {
    const [width, height] = [Number(file.properties['width']), Number(file.properties['height'])];
    return width > 0 && height > 0 ? Math.max(0.35, Math.min(3, width / height)) : SHAPE;
  };
  /** @param {CodexFile} file */
  const facts = (file) => {
    const { width, height, format } = file.properties;
    return [width && height ? `${codex.format(width)} × ${codex.format(height)}` : '', typeof format === 'string' ? format.toUpperCase() : '', codex.formatSize(file.size), codex.formatDate(codex.day(file.modified))]
      .filter((fact) => fact !== '').join(' · ');
  };
  /** @param {CodexFile} file */
  const ending = (file) => (file.name.includes('.') ? file.name.split('.').at(-1) ?? '' : file.kind).slice(0, 6).toUpperCase();

  /** @param {CodexFile} file */
  const tile = (file) =>
    h('div', { class: 'tile', 'aria-label': file.title },
      h('div', { class: 'frame', style: layout() === 'list' ? { width: `${size().line * SHAPE}px` } : {} }, isPicture(file) ? codex.image(file, size().asked) : h('span', { class: 'ending codex-quiet', 'aria-hidden': 'true' }, ending(file))),
      described() && h('div', { class: 'caption' }, h('p', { class: 'title' }, file.title), h('p', { class: 'codex-quiet facts' }, facts(file))));

  /** @param {CodexFile[]} files @param {number} width @returns {Box[]} */
  const place = (files, width) => {
    const many = columns(width);
    const wide = Math.min(size().most, (width - GAP * (many - 1)) / many);
    const below = described() ? CAPTION : 0;
    const { line } = size();
    if (layout() === 'list') return files.map((_, at) => ({ x: 0, y: at * (line + GAP), width, height: line }));
    const ends = new Array(many).fill(0);
    return files.map((file, at) => {
      const lane = layout() === 'grid' ? at % many : ends.indexOf(Math.min(...ends));
      const height = wide / (layout() === 'grid' ? SHAPE : shape(file)) + below;
      const box = { x: lane * (wide + GAP), y: ends[lane], width: wide, height };
      ends[lane] += height + GAP;
      return box;
    });
  };

  /** One picture, as large as there is room. @param {number} start */
  const enlarge = (start) => {
    const pictures = view.files.filter(isPicture);
    let at = pictures.findIndex((file) => file === view.files[start]);
    const image = h('img', { alt: '' });
    const title = h('p', { class: 'title' });
    const about = h('p', { class: 'codex-quiet' });
    const [before, after] = [-1, 1].map((by) => h('button', { type: 'button', class: `turn ${by < 0 ? 'before' : 'after'}`, 'aria-label': by < 0 ? 'The picture before' : 'The next picture', onclick: () => show(at + by) }, by < 0 ? '‹' : '›'));
    const box = h('dialog', { class: 'lightbox', 'aria-label': 'Picture', tabindex: -1 },
      h('div', { class: 'stage' }, before, image, after),
      h('div', { class: 'under' }, h('div', { class: 'words', 'aria-live': 'polite' }, title, about),
        h('button', { type: 'button', onclick: () => pictures[at] && view.open(/** @type {CodexFile} */ (pictures[at])) }, 'Open the entry'),
        h('button', { type: 'button', onclick: () => box.close() }, 'Close')));
    const show = (/** @type {number} */ to) => {
      const file = pictures[to];
      if (!file) return;
      at = to;
      image.alt = file.title;
      image.removeAttribute('src');
      image.classList.add('codex-waits');
      title.textContent = file.title;
      about.textContent = [facts(file), `${codex.formatNumber(at + 1)} of ${codex.formatNumber(pictures.length)}`].join(' · ');
      // A button that is disabled would lose the keyboard.
      before?.setAttribute('aria-disabled', String(at === 0));
      after?.setAttribute('aria-disabled', String(at === pictures.length - 1));
      view.picture(file, LARGE).then(
        (address) => {
          if (pictures[at] !== file) return;
          image.src = address;
          image.classList.remove('codex-waits');
          const next = pictures[at + 1];
          if (next) view.picture(next, LARGE).catch(() => {});
        },
        () => pictures[at] === file && (about.textContent = 'There is no picture of it here.'),
      );
    };
    box.addEventListener('keydown', (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: pictures.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
    box.addEventListener('click', (event) => {
      if (event.target === box || (event.target instanceof Element && event.target.matches('.stage'))) box.close();
    });
    box.addEventListener('close', () => {
      const last = pictures[at];
      box.remove();
      list.focus(last ? list.indexOf(codex.key(last)) : start);
    });
    view.root.append(box);
    box.showModal();
    box.focus();
    show(at);
  };

  const list = codex.list({
    items: /** @type {CodexFile[]} */ ([]), key: codex.key, label: 'Pictures', row: tile, place,
    onopen: (file, index) => (view.config['lightbox'] !== false && isPicture(file) ? enlarge(index) : view.open(file)),
    onmenu: (file, anchor) =>
      codex.menu(anchor, [
        ...(isPicture(file) ? [{ text: 'Show large', act: () => enlarge(list.indexOf(codex.key(file))) }] : []),
        { text: 'Open the entry', act: () => view.open(file) },
      ], `“${file.title}”`),
  });
  const foot = h('div', null);
  view.root.append(list.element, foot);

  let form = '';
  view.onchange = () => {
    const now = JSON.stringify(view.config);
    list.element.className = `codex-list ${layout()}`;
    list.element.hidden = view.files.length === 0;
    list.set(view.files);
    if (form !== '' && form !== now) list.redraw();
    form = now;
    const odd = said() === null ? h('p', { class: 'codex-more' }, `There is no thumbnail_size “${codex.format(wanted())}”; there are small, medium, large, and pixels. They are shown as medium.`) : null;
    foot.replaceChildren(...[
      view.files.length === 0 ? codex.empty('There are no pictures here.', '“content_types: [image/*]” in the query finds all that the notebook has.') : codex.more(), odd,
    ].filter((each) => each !== null));
  };
  view.onchange();
});
