// Tries to tell an address what it read, by everything that is no request of a script's: each line says what came of it.
const to = 'http://127.0.0.1:PORT/';
const made = (name, more) => {
  const element = more ?? document.createElement(name);
  Object.assign(element, name === 'link' ? { rel: 'preconnect', href: to } : name === 'script' ? { nonce: document.querySelector('script').nonce, src: to } : { src: to });
  document.body.append(element);
};
const named = { toString: (() => { let times = 0; return () => (times++ === 0 ? 'p' : 'link'); })() };
const tries = {
  link: () => made('link'),
  'LINK': () => made('link', document.createElement('LINK')),
  'a name that changes': () => { const element = document.createElement(named); if (element.localName === 'link') made('link', element); else throw new Error('no'); },
  'a prefix': () => made('link', document.createElementNS('http://www.w3.org/1999/xhtml', 'x:link')),
  'two prefixes': () => made('link', document.createElementNS('http://www.w3.org/1999/xhtml', 'a:link:b')),
  'a root of two prefixes': () => made('iframe', document.implementation.createDocument('http://www.w3.org/1999/xhtml', 'a:iframe:b').documentElement),
  'what a range copies': () => { const range = document.createRange(); range.selectNode(document.querySelector('script')); document.body.append(range.cloneContents()); },
  'another document': () => made('link', document.implementation.createHTMLDocument('').createElement('link')),
  'a root': () => made('link', document.implementation.createDocument('http://www.w3.org/1999/xhtml', 'link').documentElement),
  'an element of its own': () => { customElements.define('x-link', class extends HTMLLinkElement {}, { extends: 'link' }); made('link', new (customElements.get('x-link'))()); },
  script: () => made('script'),
  'a copy of a script': () => made('script', document.querySelector('script').cloneNode()),
  'a copy of all': () => document.importNode(document.documentElement, true),
  frame: () => { made('iframe'); },
  'words of another frame': () => { const frame = document.createElement('iframe'); document.body.append(frame); return frame.contentWindow.RTCPeerConnection.name; },
  innerHTML: () => { document.body.insertAdjacentHTML('beforeend', `<link rel="preconnect" href="${to}">`); },
  'the text of a shadow': () => { const host = document.createElement('p'); host.attachShadow({ mode: 'open' }).innerHTML = `<link rel="preconnect" href="${to}">`; document.body.append(host); },
  parser: () => { document.body.append(new DOMParser().parseFromString(`<link rel="preconnect" href="${to}">`, 'text/html').querySelector('link')); },
  fragment: () => { document.body.append(document.createRange().createContextualFragment(`<link rel="preconnect" href="${to}">`)); },
  write: () => { document.write(`<link rel="preconnect" href="${to}">`); },
  'words that were changed': () => {
    for (const name of ['toLowerCase', 'slice', 'lastIndexOf']) String.prototype[name] = () => 'p';
    Function.prototype.call = Reflect.apply = () => null;
    made('link');
  },
  'other classes': () => {
    globalThis.Node = globalThis.Element = function () {};
    document.body.append(document.querySelector('script').cloneNode());
  },
  peers: () => new RTCPeerConnection().connectionState,
};
codex.start(async (view) => {
  const said = {};
  for (const [name, attempt] of Object.entries(tries)) {
    try { said[name] = String(attempt() ?? 'done'); } catch { said[name] = 'refused'; }
  }
  // A script that a nonce lets through may import from anywhere.
  said.import = await import(`${to}import.js?secret`).then(() => 'done', () => 'refused');
  const lines = document.createElement('pre');
  lines.textContent = JSON.stringify(said);
  view.root.append(lines);
});
