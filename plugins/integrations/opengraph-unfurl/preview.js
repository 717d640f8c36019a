codex.start(async (view) => {
  const { h } = codex;
  const url = String(view.values.url ?? view.body).trim();
  const show = (/** @type {Child[]} */ ...children) => {
    view.root.replaceChildren(h('article', { class: 'card' }, ...children));
    view.fit();
  };
  show(h('p', { class: 'quiet' }, url));
  try {
    const { data, as_of, stale } = await view.call('fetch_metadata', { url });
    const day = new Intl.DateTimeFormat(view.locale, { dateStyle: 'medium' }).format(new Date(as_of));
    show(
      h('h3', {}, data.title ?? url),
      data.description && h('p', {}, String(data.description).slice(0, 300)),
      h('p', { class: 'quiet' }, [data.site_name, stale ? `does not answer now; as of ${day}` : `as of ${day}`].filter(Boolean).join(' · ')),
    );
  } catch (error) {
    show(h('p', {}, url), h('p', { class: 'quiet' }, /** @type {{message: string}} */ (error).message));
  }
});
