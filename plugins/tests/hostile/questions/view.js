// Asks the daemon without end, each question as large as one may be.
codex.start((view) => {
  const ask = () => { for (let n = 0; n < 50; n += 1) void view.query({ content_search: 'x'.repeat(60_000), limit: 10_000 }).catch(() => {}); };
  view.root.append(codex.h('button', { onclick: () => setInterval(ask, 20) }, 'Go'));
});
