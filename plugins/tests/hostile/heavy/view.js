// Few messages, each of them large.
codex.start((view) => {
  const rows = Array.from({ length: 400_000 }, (_, n) => ({ n }));
  view.root.append(codex.h('button', { onclick: () => setInterval(() => view.select(rows.map(({ n }) => ({ id: { n } }))), 20) }, 'Go'));
});
