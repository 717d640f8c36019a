// A block in a note: three backticks, its id, and `name: …` in it.
codex.start(async (view) => {
  const { data, as_of } = await view.call('get', { name: view.values.name });
  view.root.replaceChildren(codex.h('p', {}, JSON.stringify(data)), codex.h('small', {}, as_of));
  view.fit();
});
