// Answers every ping, and sends to the window around it what nobody reads.
codex.start((view) => {
  const send = () => { for (let n = 0; n < 2000; n += 1) parent.postMessage({ n, text: 'x'.repeat(100) }, '*'); };
  view.root.append(codex.h('button', { onclick: () => setInterval(send, 20) }, 'Go'));
});
