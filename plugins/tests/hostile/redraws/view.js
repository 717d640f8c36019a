// Draws itself anew without end, each time as high as it was not, and says so.
codex.start((view) => {
  let n = 0;
  const draw = () => {
    n += 1;
    view.root.replaceChildren(...Array.from({ length: 12000 + (n % 2) * 500 }, (_, at) => codex.h('p', {}, `${n} ${at}`)));
    view.select([]);
    view.fit();
    setTimeout(draw, 0);
  };
  view.root.append(codex.h('button', { onclick: draw }, 'Go'));
});
