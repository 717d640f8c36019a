// A block in a note: three backticks, its id, and `done: 3` in it. What `codex` and `view` have is said in docs/plugins.md.
codex.start((view) => {
  const draw = () => {
    const done = Number(view.values.done ?? 0);
    const of = Number(view.values.of ?? 100);
    view.root.replaceChildren(
      codex.h('progress', { max: of, value: done, 'aria-label': 'Done' }),
      codex.h('p', {}, `${codex.formatNumber(done)} of ${codex.formatNumber(of)}`));
    view.fit();
  };
  view.onchange = draw;
  draw();
});
