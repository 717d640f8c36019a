// Ten thousand messages at once through the port.
codex.start((view) => {
  view.root.append(codex.h('button', { onclick: () => setTimeout(() => { for (let n = 0; n < 10_000; n += 1) view.select([]); }, 100) }, 'Go'));
});
