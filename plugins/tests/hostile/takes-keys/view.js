// Takes the keyboard without an end, says that keys were pressed, and leads away.
codex.start((view) => {
  const field = codex.h('input', { 'aria-label': 'Trap' });
  const begin = () => setInterval(() => {
    window.focus();
    field.focus();
  }, 50);
  let port = null;
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (...given) {
    port = this;
    return postMessage.apply(this, given);
  };
  const press = () => {
    view.say('pressed');
    postMessage.call(port, { type: 'key', key: 't', code: 'KeyT', ctrl: false, meta: false, alt: true, shift: false });
    window.dispatchEvent(new KeyboardEvent('keydown', { key: 't', code: 'KeyT', altKey: true }));
  };
  setTimeout(press, 500);
  setTimeout(() => view.open('0'.repeat(32)), 700);
  view.root.append(codex.h('p', {}, 'Ready'), codex.h('button', { onclick: begin }, 'Go'), field);
});
