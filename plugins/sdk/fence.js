/*
 * Runs before anything of a plugin. A policy says nothing of some ways out of a frame: a `link` looks names up and opens connections,
 * a `script` with the page's nonce fetches, browsers connect to one another, an inner frame has words of its own that nobody took
 * away. So no script finds the words for them. What it holds on to is taken before a plugin can change it.
 */
(() => {
  'use strict';
  const own = (method) => Function.prototype.call.bind(method);
  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const [lower, slice, lastIndexOf, find] = [String.prototype.toLowerCase, String.prototype.slice, String.prototype.lastIndexOf, Element.prototype.querySelector].map(own);
  const localName = own(getOwnPropertyDescriptor(Element.prototype, 'localName').get);
  const Refused = DOMException;

  const fenced = { __proto__: null };
  for (const name of ['applet', 'base', 'embed', 'fencedframe', 'frame', 'frameset', 'iframe', 'link', 'meta', 'object', 'portal', 'script']) fenced[name] = true;
  const anyFenced = Object.keys(fenced).join();
  const refuse = (what) => {
    throw new Refused(`a plugin makes no ${what}`, 'NotAllowedError');
  };
  const allowed = (name) => {
    const text = `${name}`;
    const local = lower(slice(text, lastIndexOf(text, ':') + 1));
    return fenced[local] ? refuse(`<${local}>`) : text;
  };
  const fix = (owner, name, value) => owner && defineProperty(owner, name, { value, writable: false, configurable: false, enumerable: true });

  /** The argument at a place names an element. */
  const named = (owner, name, at) => {
    const made = owner[name];
    fix(owner, name, function (...given) {
      given[at] = allowed(given[at]);
      return apply(made, this, given);
    });
  };
  named(Document.prototype, 'createElement', 0);
  named(Document.prototype, 'createElementNS', 1);
  named(DOMImplementation.prototype, 'createDocument', 1);

  /** What is copied has nothing fenced in it. */
  const copied = (owner, name, node) => {
    const made = owner[name];
    fix(owner, name, function (...given) {
      const from = node(this, given);
      if (from instanceof Node && !(from instanceof CharacterData)) {
        if (from instanceof Element && fenced[lower(localName(from))]) refuse('copy of that');
        const inner = from instanceof Element ? find(from, anyFenced) : from instanceof Document || from instanceof DocumentFragment ? apply(from instanceof Document ? findInDocument : findInFragment, from, [anyFenced]) : null;
        if (inner) refuse('copy of that');
      }
      return apply(made, this, given);
    });
  };
  const [findInDocument, findInFragment] = [Document.prototype.querySelector, DocumentFragment.prototype.querySelector];
  copied(Node.prototype, 'cloneNode', (self) => self);
  copied(Document.prototype, 'importNode', (_, given) => given[0]);

  // An element of one's own may not be one of the browser's by another name.
  const { define } = CustomElementRegistry.prototype;
  fix(CustomElementRegistry.prototype, 'define', function (name, made) {
    return apply(define, this, [name, made]);
  });

  // Texts that become elements. Where the browser has Trusted Types, the policy refuses them too.
  for (const owner of [Element.prototype, globalThis.ShadowRoot?.prototype]) {
    for (const name of ['innerHTML', 'outerHTML']) {
      const before = owner && getOwnPropertyDescriptor(owner, name);
      if (before) defineProperty(owner, name, { get: before.get, set: () => refuse(name), configurable: false, enumerable: true });
    }
    for (const name of ['insertAdjacentHTML', 'setHTML', 'setHTMLUnsafe']) if (owner && name in owner) fix(owner, name, () => refuse(name));
  }
  for (const name of ['write', 'writeln', 'open', 'execCommand']) fix(Document.prototype, name, () => refuse(name));
  for (const name of ['parseHTML', 'parseHTMLUnsafe']) if (name in Document) fix(Document, name, () => refuse(name));
  fix(Range.prototype, 'createContextualFragment', () => refuse('createContextualFragment'));

  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport', 'DOMParser', 'XSLTProcessor']) delete globalThis[name];
})();
