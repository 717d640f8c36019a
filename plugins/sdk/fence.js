/*
 * Runs before anything of a plugin. A policy says nothing of some ways out of a frame: a `link` looks names up and opens connections,
 * browsers connect to one another, an inner frame has words of its own that nobody took away. So no script gets hold of these. What
 * this holds on to is taken before a plugin can change it. What no script can be kept from is to send the frame itself elsewhere: the
 * page shows nothing of it, and takes the frame out.
 */
(() => {
  'use strict';
  const own = (method) => Function.prototype.call.bind(method);
  const getter = (owner, name) => own(getOwnPropertyDescriptor(owner, name).get);
  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const [lower, split] = [String.prototype.toLowerCase, String.prototype.split].map(own);
  const [nodeType, localName] = [getter(Node.prototype, 'nodeType'), getter(Element.prototype, 'localName')];
  const find = { 1: own(Element.prototype.querySelector), 9: own(Document.prototype.querySelector), 11: own(DocumentFragment.prototype.querySelector) };
  const Refused = DOMException;

  const fenced = { __proto__: null };
  for (const name of ['applet', 'base', 'embed', 'fencedframe', 'frame', 'frameset', 'iframe', 'link', 'meta', 'object', 'portal', 'script']) fenced[name] = true;
  const anyFenced = Object.keys(fenced).join();
  const refuse = (what) => {
    throw new Refused(`a plugin makes no ${what}`, 'NotAllowedError');
  };
  const fix = (owner, name, value) => owner && defineProperty(owner, name, { value, writable: false, configurable: false, enumerable: true });

  /** Says no to a name that has a fenced one in it, wherever its colons are. */
  const allowed = (name) => {
    const text = `${name}`;
    const parts = split(lower(text), ':');
    for (let at = 0; at < parts.length; at += 1) if (fenced[parts[at]]) refuse(`<${parts[at]}>`);
    return text;
  };
  /** Lets a node through in which nothing fenced is: whatever it was asked for as, what counts is what came. */
  const checked = (node) => {
    if (node === null || typeof node !== 'object') return node;
    const type = nodeType(node);
    if (type === 1 && fenced[lower(localName(node))]) refuse(`<${localName(node)}>`);
    if (find[type]?.(node, anyFenced)) refuse('copy of that');
    return node;
  };
  /** What a function makes is looked at before a plugin has it; `at`: which argument names an element. */
  const fence = (owner, name, at) => {
    const make = owner?.[name];
    if (!make) return;
    fix(owner, name, function (...given) {
      if (at !== undefined) given[at] = allowed(given[at]);
      return checked(apply(make, this, given));
    });
  };
  fence(Document.prototype, 'createElement', 0);
  fence(Document.prototype, 'createElementNS', 1);
  fence(DOMImplementation.prototype, 'createDocument', 1);
  fence(Document.prototype, 'importNode');
  fence(Node.prototype, 'cloneNode');
  fence(Range.prototype, 'cloneContents');
  fence(Range.prototype, 'extractContents');

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
  // The page is told what somebody does in the frame, over a port that no plugin gets hold of: a script can take the keyboard and say
  // that a key was pressed, but it makes no event that the browser vouches for.
  const [data, ports, source] = ['data', 'ports', 'source'].map((name) => getter(MessageEvent.prototype, name));
  const [listen, stop, send] = [EventTarget.prototype.addEventListener, Event.prototype.stopImmediatePropagation, MessagePort.prototype.postMessage].map(own);
  const target = getter(Event.prototype, 'target');
  const page = window.parent;
  let hand = null;
  listen(window, 'message', (event) => {
    if (hand !== null || source(event) !== page || data(event) !== 'codex-hand') return;
    stop(event);
    hand = ports(event)[0];
  }, true);
  const keys = ['key', 'code', 'ctrlKey', 'metaKey', 'altKey', 'shiftKey'].map((name) => [name, getter(KeyboardEvent.prototype, name)]);
  for (const [type, did] of [['pointerdown', 'pointer'], ['focus', 'enter'], ['blur', 'leave']]) {
    listen(window, type, (event) => {
      // What gets the keyboard in it has nothing to do with whether the frame has it.
      if (hand !== null && event.isTrusted && (did === 'pointer' || target(event) === window)) send(hand, { __proto__: null, did });
    }, true);
  }
  listen(window, 'keydown', (event) => {
    if (hand === null || !event.isTrusted) return;
    const said = { __proto__: null, did: 'key' };
    for (let at = 0; at < keys.length; at += 1) said[keys[at][0]] = keys[at][1](event);
    send(hand, said);
  }, true);

  // They have done their work; another script would make something else of them.
  for (const meta of document.querySelectorAll('meta')) meta.remove();
})();
