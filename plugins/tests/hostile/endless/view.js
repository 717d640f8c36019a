// Never comes back once it is asked to.
codex.start((view) => {
  view.root.append(codex.h('button', { onclick: () => setTimeout(() => { for (;;); }, 100) }, 'Go'));
});
