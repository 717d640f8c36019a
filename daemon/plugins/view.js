// What `codex` and `view` have is said in docs/plugins.md.
codex.start((view) => {
  const draw = () => {
    const lists = Map.groupBy(view.files, (file) => String(file.properties[view.config.by] ?? 'none'));
    view.root.replaceChildren(
      ...[...lists].map(([name, files]) =>
        codex.h('section', {},
          codex.h('h2', {}, name),
          ...files.map((file) => codex.h('button', { onclick: () => view.open(file) }, file.title || file.name)))));
  };
  view.onchange = draw;
  draw();
});
