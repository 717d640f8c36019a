// Says without an end that other views are in other places: first the same ones, then ever new ones.
codex.start((view) => {
  let turn = 0;
  const spots = Array.from({ length: 48 }, () => codex.h('div', { style: { height: '20px' } }));
  const put = () => {
    turn += 1;
    view.root.style.setProperty('padding-left', `${turn % 50}px`);
    for (const [at, spot] of spots.entries()) view.place(spot, turn < 200 ? `note ${at}.cdx` : `note ${turn} ${at}.cdx`);
    setTimeout(put, 12);
  };
  view.root.append(codex.h('button', { onclick: put }, 'Go'), ...spots);
});
