// A block in a note: three backticks, its id, and `name: …` in it.
codex.start(async (view) => {
  try {
    const { data, as_of, stale } = await view.call('get', { name: view.values.name });
    view.root.replaceChildren(codex.h('p', {}, JSON.stringify(data)));
    // What the service said before, and does not say now: the block has to show how old it is.
    if (stale) view.root.append(codex.h('small', { class: 'codex-quiet' }, `as of ${codex.formatDate(as_of)}`));
  } catch (error) {
    view.root.replaceChildren(codex.empty('The service did not say it.', error.message));
  }
  view.fit();
});
