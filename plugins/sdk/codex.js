/**
 * The SDK of Codex's plugins: one file, no build step. It defines the global `codex`; its types are in codex.d.ts, what it
 * speaks with the page in docs/plugins.md. Whatever comes from outside is read by own keys only and copied into objects
 * without a prototype, so that a property called `__proto__` or `constructor` is a key like any other. It is long because it
 * is put into every frame as it is.
 */
(() => {
  'use strict';

  // Plain data.

  const DEPTH = 60;
  /** @param {unknown} from @param {string} key @returns {any} */
  const own = (from, key) => (typeof from === 'object' && from !== null && Object.hasOwn(from, key) ? Reflect.get(from, key) : undefined);
  /** A copy of JSON. @param {unknown} value @returns {any} */
  const plain = (value, depth = 0) => {
    if (value === undefined || typeof value === 'function' || depth > DEPTH) return null;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return Array.from(value, (item) => plain(item, depth + 1));
    const copy = Object.create(null);
    for (const key of Object.keys(value)) copy[key] = plain(own(value, key), depth + 1);
    return copy;
  };
  /** @param {unknown} value @param {string} [or] */
  const text = (value, or = '') => (typeof value === 'string' ? value : or);
  /** @param {unknown} value @returns {Dict<any>} */
  const dict = (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? plain(value) : Object.create(null));

  /** @param {unknown} from @returns {CodexFile} */
  const file = (from) => ({
    notebook: text(own(from, 'notebook')), id: text(own(from, 'id')), path: text(own(from, 'path')), name: text(own(from, 'name')),
    kind: text(own(from, 'kind')), media_type: text(own(from, 'media_type')), size: Number(own(from, 'size')) || 0, hash: text(own(from, 'hash')),
    title: text(own(from, 'title')) || text(own(from, 'name')), properties: dict(own(from, 'properties')),
    tags: (Array.isArray(own(from, 'tags')) ? own(from, 'tags') : []).filter((/** @type {unknown} */ tag) => typeof tag === 'string'),
    created: text(own(from, 'created')), modified: text(own(from, 'modified')), author: text(own(from, 'author')),
  });
  /** @param {unknown} from @returns {CodexFile[]} */
  const files = (from) => (Array.isArray(from) ? Array.from(from, file) : []);
  /** @param {CodexFile} of */
  const key = (of) => `${of.notebook}/${of.id}`;
  /** @param {unknown} from @returns {CodexAnswer} */
  const answer = (from) => {
    const groups = own(from, 'groups');
    const found = files(own(from, 'files'));
    // An entry is one object, wherever it stands: what changes it changes it everywhere.
    const known = new Map(found.map((each) => [key(each), each]));
    /** @type {Dict<CodexFile[]> | null} */
    let read = null;
    if (typeof groups === 'object' && groups !== null) {
      read = Object.create(null);
      for (const name of Object.keys(groups)) {
        /** @type {Dict<CodexFile[]>} */ (read)[name] = files(own(groups, name)).map((each) => {
          const one = known.get(key(each)) ?? each;
          known.set(key(each), one);
          return one;
        });
      }
    }
    return { files: found, groups: read, total: Number(own(from, 'total')) || found.length };
  };
  // Elements.

  const SVG = 'http://www.w3.org/2000/svg';
  /** @param {Element} element @param {Dict<any>} attributes */
  const dress = (element, attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith('on')) {
        if (typeof value !== 'function') throw new TypeError(`codex.h: ${name} must be a function`);
        element.addEventListener(name.slice(2), value);
      } else if (name === 'style') {
        // Set one by one: the frame's policy refuses the attribute.
        for (const [key, what] of Object.entries(value)) /** @type {HTMLElement} */ (element).style.setProperty(key, String(what));
      } else if (name === 'dataset') {
        for (const [key, what] of Object.entries(value)) /** @type {HTMLElement} */ (element).dataset[key] = String(what);
      } else if (name === 'value' || name === 'checked') Reflect.set(element, name, value);
      else if (name === 'className') element.setAttribute('class', String(value));
      else if (/^(innerhtml|outerhtml|srcdoc)$/i.test(name)) throw new TypeError(`codex.h: there is no ${name}; children are text`);
      else element.setAttribute(name, value === true ? '' : String(value));
    }
  };
  /** @param {Element} element @param {Child[]} children */
  const fill = (element, children) => {
    for (const child of children) {
      if (child === null || child === undefined || child === false) continue;
      if (Array.isArray(child)) fill(element, child);
      else element.append(child instanceof Node ? child : String(child));
    }
  };
  /** @type {any} */
  const h = (/** @type {string} */ tag, /** @type {Dict<any> | null} */ attributes, /** @type {Child[]} */ ...children) => {
    const element = document.createElement(tag);
    // A select's value means nothing before it has its options.
    fill(element, children);
    dress(element, attributes ?? {});
    return element;
  };
  /** @type {Codex['svg']} */
  const svg = (tag, attributes, ...children) => {
    const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
    dress(element, attributes ?? {});
    fill(element, children);
    return element;
  };

  // Words, numbers, days.

  let locale = 'en';
  /** @type {Map<string, Intl.DateTimeFormat | Intl.NumberFormat>} */
  const formats = new Map();
  let collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });
  /** @param {string} wanted */
  const speak = (wanted) => {
    try {
      locale = Intl.getCanonicalLocales(wanted)[0] ?? 'en';
    } catch {
      locale = 'en';
    }
    formats.clear();
    collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });
  };
  /** @type {Codex['formatNumber']} */
  const formatNumber = (value, options = { maximumFractionDigits: 6 }) => {
    const name = `n${JSON.stringify(options)}`;
    const made = /** @type {Intl.NumberFormat} */ (formats.get(name) ?? new Intl.NumberFormat(locale, options));
    formats.set(name, made);
    return made.format(value);
  };
  const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/;
  /** @type {Codex['date']} */
  const date = (value) => {
    const found = typeof value === 'string' ? DATE.exec(value.trim()) : null;
    if (!found || typeof value !== 'string') return null;
    const [, year, month, day, hour, minute, second, zone] = found;
    // A day is a day everywhere; a time without a zone is one here.
    const at = zone ? new Date(value.trim().replace(' ', 'T')) : new Date(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
    const valid = !Number.isNaN(at.getTime()) && Number(month) <= 12 && Number(day) <= 31;
    return valid ? { at, time: hour !== undefined } : null;
  };
  /** @type {Codex['day']} */
  const day = (value) => {
    const at = value instanceof Date ? value : date(value)?.at;
    if (!at || Number.isNaN(at.getTime())) return '';
    return `${String(at.getFullYear()).padStart(4, '0')}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
  };
  /** @type {Codex['formatDate']} */
  const formatDate = (value, options) => {
    const read = value instanceof Date ? { at: value, time: false } : date(value);
    if (!read || Number.isNaN(read.at.getTime())) return '';
    const wanted = options ?? (read.time ? { dateStyle: 'medium', timeStyle: 'short' } : { dateStyle: 'medium' });
    const name = `d${JSON.stringify(wanted)}`;
    const made = /** @type {Intl.DateTimeFormat} */ (formats.get(name) ?? new Intl.DateTimeFormat(locale, wanted));
    formats.set(name, made);
    return made.format(read.at);
  };
  /** @type {Codex['format']} */
  const format = (value) => {
    if (value === null || value === undefined) return '';
    if (typeof value === 'boolean') return value ? 'Yes' : 'No';
    if (typeof value === 'number') return formatNumber(value);
    if (typeof value === 'string') return formatDate(value) || value;
    if (Array.isArray(value)) return value.map(format).join(', ');
    return Object.entries(value).map(([name, inner]) => `${name}: ${format(inner)}`).join(', ');
  };
  /** @type {Codex['formatSize']} */
  const formatSize = (bytes) => {
    const units = ['B', 'KB', 'MB', 'GB', 'TB'];
    let at = 0;
    while (bytes >= 1000 && at < units.length - 1) {
      bytes /= 1000;
      at += 1;
    }
    return `${formatNumber(bytes, { maximumFractionDigits: at === 0 || bytes >= 100 ? 0 : 1 })} ${units[at]}`;
  };
  /** @type {Codex['label']} */
  const label = (name) => {
    const words = name.replace(/^propert(y|ies)\./, '').replace(/[_-]+/g, ' ').trim();
    return words.charAt(0).toLocaleUpperCase(locale) + words.slice(1);
  };
  /** @type {Codex['many']} */
  const many = (n, one, more) => `${formatNumber(n)} ${n === 1 ? one : more}`;

  // Entries.

  /** As the daemon reads a column. @type {Dict<string>} */
  const COLUMNS = Object.assign(Object.create(null), {
    path: 'path', file_path: 'path', name: 'name', filename: 'name', file_name: 'name', title: 'title', size: 'size', file_size: 'size', kind: 'kind',
    media_type: 'media_type', content_type: 'media_type', mime_type: 'media_type', created: 'created', created_at: 'created', file_created: 'created',
    modified: 'modified', modified_at: 'modified', updated_at: 'modified', file_modified: 'modified',
  });
  /** What a name means: a column, or a property. @type {Map<string, {column: string, bare: string}>} */
  const meanings = new Map();
  /** @param {string} name */
  const meaning = (name) => {
    const known = meanings.get(name);
    if (known) return known;
    const bare = name.trim().replace(/^propert(y|ies)\./, '');
    const named = bare === name.trim();
    const made = { column: bare === 'tags' ? 'tags' : named ? COLUMNS[bare] ?? '' : '', bare: named && bare === 'file_type' ? 'type' : bare };
    meanings.set(name, made);
    return made;
  };
  /** @type {Codex['get']} */
  const get = (of, name) => {
    const { column, bare } = meaning(name);
    if (column === 'tags') return of.tags.length > 0 ? of.tags : undefined;
    // When something was made its author knows better than a file that was copied.
    if ((name === 'created' || name === 'created_at') && date(of.properties['created'])) return of.properties['created'];
    if (column !== '') return /** @type {any} */ (of)[column];
    const value = of.properties[bare];
    if (value !== undefined || !bare.includes('.')) return value;
    return bare.split('.').reduce((/** @type {any} */ inner, step) => own(inner, step), of.properties);
  };
  /** @param {unknown} value */
  const shown = (value) => (typeof value === 'string' ? value.trim() : typeof value === 'object' ? JSON.stringify(value) : String(value));
  /** @type {Codex['matches']} */
  const matches = (of, filter) =>
    Object.entries(filter).every(([name, wanted]) => {
      const value = get(of, name);
      const has = (Array.isArray(value) ? value : value === undefined || value === null || value === '' ? [] : [value]).map(shown);
      const one = (/** @type {Json} */ each) => (each === null ? has.length === 0 : has.includes(shown(each)));
      return Array.isArray(wanted) ? wanted.some(one) : one(wanted);
    });
  /** @type {Codex['compare']} */
  const compare = (a, b) => {
    const none = (/** @type {unknown} */ value) => value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
    if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
    const number = (/** @type {unknown} */ value) => (typeof value === 'number' ? value : typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : null);
    const [left, right] = [number(a), number(b)];
    if (left !== null && right !== null) return left - right;
    if (left !== null || right !== null) return left !== null ? -1 : 1;
    const words = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.map(shown).join(', ') : shown(value));
    return collator.compare(words(a), words(b));
  };
  /** @type {Codex['sortKeys']} */
  const sortKeys = (sort) =>
    (Array.isArray(sort) ? sort : text(sort).split(',')).flatMap((one) => {
      const [name, direction] = text(one).trim().split(/\s+/);
      return name ? [{ name, descending: /^desc/i.test(direction ?? '') }] : [];
    });
  /** @type {Codex['sorted']} */
  const sorted = (of, sort) => {
    const keys = sortKeys(sort);
    if (keys.length === 0) return of;
    const rows = of.map((each) => ({ each, values: keys.map(({ name }) => get(each, name)) }));
    const missing = (/** @type {unknown} */ value) => value === undefined || value === null || value === '';
    rows.sort((a, b) => {
      for (const [at, { descending }] of keys.entries()) {
        const order = compare(a.values[at], b.values[at]);
        if (order === 0) continue;
        return missing(a.values[at]) || missing(b.values[at]) || !descending ? order : -order;
      }
      return 0;
    });
    return rows.map(({ each }) => each);
  };
  const DONE = new Set(['done', 'complete', 'completed', 'closed', 'finished']);
  /** @type {Codex['valuesOf']} */
  const valuesOf = (of, name) => {
    const seen = new Set();
    for (const each of of) {
      const value = get(each, name);
      for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'string' && one !== '') seen.add(one);
      if (seen.size > 60) break;
    }
    return [...seen].sort(compare);
  };
  /** @param {CodexFile} of */
  const isDone = (of) => DONE.has(shown(of.properties['status'] ?? '').toLowerCase());

  // The page.

  /** @type {MessagePort | null} */
  let port = null;
  /** @type {((view: CodexView) => unknown) | null} */
  let drawer = null;
  /** @type {unknown} */
  let begun = null;
  /** @type {Map<number, {done: (value: any) => void, failed: (reason: CodexRefusal) => void}>} */
  const waiting = new Map();
  let calls = 0;
  /** @param {Dict<any>} message */
  const post = (message) => port?.postMessage(message);
  /** @param {string} name @param {Dict<any>} values @returns {Promise<any>} */
  const call = (name, values) =>
    new Promise((done, failed) => {
      calls += 1;
      waiting.set(calls, { done, failed });
      post({ type: 'call', id: calls, call: name, ...values });
    });
  /** @param {unknown} reason */
  const why = (reason) => text(own(reason, 'message')) || (reason instanceof Error ? reason.message : 'it was refused');
  /** @param {CodexFile | string} of */
  const named = (of) => (typeof of === 'string' ? { entry: of } : { entry: of.id, notebook: of.notebook });

  /** What this frame changed and has not seen come back: key of the entry → property → values. */
  /** @type {Map<string, Map<string, {before: Set<string>, mine: Json, settled: number}>>} */
  const changes = new Map();
  /** An answer that knows nothing of a change is older than it for so long. */
  const SETTLE_MS = 3000;
  /** @param {CodexFile} of @param {string} name @param {Json} value */
  const put = (of, name, value) => {
    if (value === null) delete of.properties[name];
    else of.properties[name] = value;
    if (name === 'title') Reflect.set(of, 'title', text(value) || of.name);
    if (name === 'tags') Reflect.set(of, 'tags', Array.isArray(value) ? value.map(String) : []);
  };
  /** Lays what this frame changed over an answer. Whoever else changed the same meanwhile wins. @param {CodexFile[]} of */
  const overlay = (of) => {
    if (changes.size === 0) return;
    for (const each of of) {
      const mine = changes.get(key(each));
      for (const [name, change] of mine ?? []) {
        const now = JSON.stringify(each.properties[name] ?? null);
        const old = change.before.has(now) && (change.settled === 0 || performance.now() - change.settled < SETTLE_MS);
        if (old) put(each, name, change.mine);
        else if (change.settled > 0 || now !== JSON.stringify(change.mine)) mine?.delete(name);
      }
      if (mine?.size === 0) changes.delete(key(each));
    }
  };

  const root = document.createElement('main');
  root.id = 'codex';
  const live = document.createElement('div');
  live.className = 'codex-unseen';
  live.setAttribute('aria-live', 'polite');
  /** @param {string} words */
  const announce = (words) => {
    live.textContent = '';
    // The same words again are said again.
    setTimeout(() => (live.textContent = words), 50);
  };

  let fits = false;
  let said = '';
  let resizing = 0;
  const measure = () => {
    resizing = 0;
    const height = Math.ceil(fits ? root.getBoundingClientRect().height : document.documentElement.scrollHeight);
    const now = `${height} ${fits}`;
    if (now !== said) post({ type: 'size', height, fit: fits });
    said = now;
    placesNow();
  };
  const resized = () => (resizing ||= window.setTimeout(measure, 60));
  /** @type {Map<Element, string>} */
  const places = new Map();
  let placed = '[]';
  const placesNow = () => {
    const shownPlaces = [];
    for (const [element, path] of places) {
      if (!element.isConnected) places.delete(element);
      const { left, top, width, height } = element.getBoundingClientRect();
      if (element.isConnected && width > 0) shownPlaces.push({ path, x: Math.round(left + scrollX), y: Math.round(top + scrollY), width: Math.round(width), height: Math.round(height) });
    }
    const now = JSON.stringify(shownPlaces);
    if (now !== placed) post({ type: 'places', places: shownPlaces });
    placed = now;
  };

  /** @type {any} */
  const state = {
    root, kind: 'view', name: '', config: Object.create(null), layout: null, files: [], groups: null, total: 0, values: Object.create(null), body: '', kept: Object.create(null),
    theme: { dark: false, reducedMotion: false }, locale: 'en', today: day(new Date()), weekStart: 1, onchange: () => {},
    query: (/** @type {Dict<Json>} */ query) => call('query', { query: plain(query) }).then(answer),
    entry: (/** @type {CodexFile | string} */ of) => call('entry', named(of)).then(dict),
    text: (/** @type {CodexFile | string} */ of) => call('text', named(of)).then((value) => ({ text: text(own(value, 'text')), version: text(own(value, 'version')) })),
    picture: (/** @type {CodexFile} */ of, /** @type {number} */ size) => picture(of, size),
    set: (/** @type {CodexFile} */ of, /** @type {Dict<Json>} */ properties) => set(of, properties),
    create: (/** @type {Dict<any>} */ entry) => call('create', plain(entry)).then(dict),
    write: (/** @type {CodexFile | string} */ of, /** @type {string} */ words, /** @type {string} */ version) => call('write', { ...named(of), text: words, version }).then(dict),
    keep: (/** @type {Dict<Json>} */ values) => {
      const wanted = dict(values);
      for (const name of Object.keys(wanted)) {
        if (wanted[name] === null) delete state.kept[name];
        else state.kept[name] = wanted[name];
      }
      return call('keep', { values: wanted }).then(() => true, () => false);
    },
    call: (/** @type {string} */ endpoint, /** @type {Dict<Json>} */ parameters = {}) =>
      call('endpoint', { endpoint, parameters: plain(parameters) }).then((value) => ({ data: plain(own(value, 'data')), as_of: text(own(value, 'as_of')), stale: own(value, 'stale') === true })),
    open: (/** @type {CodexFile | string} */ of, /** @type {{line?: number}} */ at = {}) => post({ type: 'open', ...named(of), line: at.line ?? null }),
    select: (/** @type {CodexFile[]} */ of) => post({ type: 'select', entries: of.map((each) => each.id) }),
    say: (/** @type {string} */ words) => post({ type: 'say', text: words }),
    place(/** @type {Element} */ element, /** @type {string | null} */ path) {
      if (path === null) places.delete(element);
      else places.set(element, path);
      watch.observe(element);
      resized();
    },
    fit() {
      fits = true;
      document.documentElement.classList.add('codex-fit');
      resized();
    },
  };
  /** @type {CodexView} */
  const view = state;
  const watch = new ResizeObserver(resized);

  /** @param {CodexFile} of @param {Dict<Json>} properties */
  const set = async (of, properties) => {
    const wanted = dict(properties);
    const names = Object.keys(wanted);
    const current = () => state.files.find((/** @type {CodexFile} */ each) => key(each) === key(of)) ?? of;
    const mine = changes.get(key(of)) ?? new Map();
    changes.set(key(of), mine);
    const before = names.map((name) => current().properties[name] ?? null);
    const { title, tags } = current();
    for (const [at, name] of names.entries()) {
      const last = mine.get(name);
      // What was shown here on the way to this is as old as what was there before.
      mine.set(name, { before: new Set([...(last?.before ?? []), JSON.stringify(before[at])]), mine: wanted[name], settled: 0 });
      put(current(), name, wanted[name]);
    }
    const made = names.map((name) => mine.get(name));
    view.onchange();
    /** @type {Dict<Json>} */
    const given = Object.create(null);
    for (const name of names) if (wanted[name] !== null) given[name] = wanted[name];
    try {
      await call('set', { ...named(of), properties: given, remove: names.filter((name) => wanted[name] === null) });
      for (const each of made) if (each) each.settled = performance.now();
      return true;
    } catch (reason) {
      for (const [at, name] of names.entries()) {
        // What was changed again since, here or by somebody else, stays.
        if (mine.get(name) !== made[at]) continue;
        mine.delete(name);
        put(current(), name, before[at] ?? null);
        // A title may be that of the text, tags may stand in it.
        if (name === 'title' || name === 'tags') Reflect.set(current(), name, name === 'title' ? title : tags);
      }
      view.onchange();
      view.say(`“${of.title}” was not changed: ${why(reason)}`);
      return false;
    }
  };

  /** Pictures by entry, bytes and size, the ones asked for last at the end. @type {Map<string, Promise<string>>} */
  const pictures = new Map();
  /** @type {(() => void)[]} */
  const queue = [];
  let asking = 0;
  const next = () => {
    // What came into sight last is wanted first.
    while (asking < 4 && queue.length > 0) queue.pop()?.();
  };
  /** @param {CodexFile} of @param {number} size @returns {Promise<string>} */
  const picture = (of, size) => {
    const name = `${key(of)} ${of.hash} ${size}`;
    const known = pictures.get(name);
    pictures.delete(name);
    /** @type {Promise<string>} */
    const made = known ?? new Promise((done, failed) => {
      queue.push(() => {
        asking += 1;
        call('picture', { ...named(of), size }).then(
          (value) => {
            const type = text(own(value, 'media_type'));
            if (/^image\/[a-z0-9.+-]+$/.test(type)) done(`data:${type};base64,${text(own(value, 'base64'))}`);
            else failed({ code: 'no_picture', message: 'there is no picture of it' });
          },
          failed,
        ).finally(() => {
          asking -= 1;
          next();
        });
      });
      next();
    });
    pictures.set(name, made);
    made.catch(() => pictures.delete(name));
    if (pictures.size > 400) pictures.delete(pictures.keys().next().value ?? '');
    return made;
  };

  /** The page's variables of colour and type. @param {unknown} theme */
  const paint = (theme) => {
    const style = document.documentElement.style;
    const dark = own(theme, 'dark') === true;
    state.theme = { dark, reducedMotion: own(theme, 'reducedMotion') === true };
    style.setProperty('color-scheme', dark ? 'dark' : 'light');
    document.documentElement.classList.toggle('codex-still', state.theme.reducedMotion);
    const given = own(theme, 'variables');
    for (const name of Array.from(style)) if (name.startsWith('--') && typeof own(given, name) !== 'string') style.removeProperty(name);
    for (const name of Object.keys(given ?? {})) {
      const value = own(given, name);
      if (/^--[a-z0-9-]+$/.test(name) && typeof value === 'string' && value.length < 300 && !/url\(|image-set\(|[;{}]/i.test(value)) style.setProperty(name, value);
    }
  };

  /** Keys of the page: `Mod+Shift+F`, `Alt+N`, `?`, `Escape`. @type {string[]} */
  let pageKeys = [];
  /** As the page reads them. @param {string} keys @param {KeyboardEvent} event */
  const fitsKeys = (keys, event) => {
    const parts = keys.split('+');
    const name = parts.pop() ?? '';
    const alt = parts.includes('Alt');
    if ((event.ctrlKey || event.metaKey) !== parts.includes('Mod') || event.altKey !== alt) return false;
    if (name === '?') return event.key === '?';
    if (event.shiftKey !== parts.includes('Shift')) return false;
    return alt ? event.code === (/\d/.test(name) ? `Digit${name}` : `Key${name}`) : event.key.toUpperCase() === name.toUpperCase();
  };
  /** What nothing in the frame made use of is the page's. @param {KeyboardEvent} event */
  const handOn = (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    const found = pageKeys.find((keys) => fitsKeys(keys, event));
    const typing = event.target instanceof Element && event.target.closest('input:not([type=checkbox]), select, textarea, [contenteditable]') !== null;
    if (found === undefined || (found === '?' && typing)) return;
    // Escape is also the browser's: it closes what is open in the frame, and that first. Prevented, it closed nothing.
    if (found === 'Escape' && document.querySelector(':modal, :popover-open')) return;
    if (found !== 'Escape') event.preventDefault();
    post({ type: 'key', key: event.key, code: event.code, ctrl: event.ctrlKey, meta: event.metaKey, alt: event.altKey, shift: event.shiftKey });
  };

  /** Takes what a message has. @param {unknown} message */
  const take = (message) => {
    for (const name of ['config', 'values', 'kept']) if (own(message, name) !== undefined) state[name] = dict(own(message, name));
    for (const name of ['body', 'today', 'locale']) if (typeof own(message, name) === 'string') state[name] = own(message, name);
    if (own(message, 'kind') === 'block' || own(message, 'kind') === 'view') state.kind = own(message, 'kind');
    if (typeof own(message, 'view') === 'string') state.name = own(message, 'view');
    if (own(message, 'layout') !== undefined) state.layout = Array.isArray(own(message, 'layout')) ? plain(own(message, 'layout')) : null;
    if (own(message, 'theme') !== undefined) paint(own(message, 'theme'));
    if (own(message, 'locale') !== undefined) {
      speak(state.locale);
      state.locale = locale;
      document.documentElement.lang = locale;
    }
    const keys = own(message, 'keys');
    if (Array.isArray(keys)) pageKeys = keys.filter((each) => typeof each === 'string').slice(0, 100);
    const week = Number(own(message, 'weekStart') ?? own(message, 'week_start'));
    if (week >= 1 && week <= 7) state.weekStart = week;
    if (own(message, 'answer')) {
      const given = answer(own(message, 'answer'));
      overlay([...new Set([...given.files, ...Object.values(given.groups ?? {}).flat()])]);
      Object.assign(state, given);
    }
  };
  /** @param {unknown} reason @param {string} [where] */
  const broke = (reason, where = '') => {
    root.replaceChildren(h('p', { class: 'codex-broken', role: 'alert' }, `This ${state.kind} stopped: ${why(reason)}${where}`));
    resized();
  };
  /** What draws may also wait for something first. @param {() => unknown} work */
  const safely = (work) => {
    const stops = (/** @type {unknown} */ reason) => {
      broke(reason, whereOf(reason));
      console.error(reason);
    };
    try {
      const drawn = work();
      if (drawn instanceof Promise) drawn.catch(stops);
    } catch (reason) {
      stops(reason);
    }
  };
  /** Why the script never got as far as to say how it draws. @type {{reason: unknown, where: string} | null} */
  let stillborn = null;
  /** How many lines of the document are above the script, and how many the script has. @type {{above: number, lines: number} | null} */
  let scriptLines = null;
  /** Found while the document still is as it came: what is drawn may have the same words. */
  const findScript = () => {
    const script = [...document.scripts].findLast((each) => each.type === 'module')?.textContent;
    if (!script || scriptLines) return;
    const whole = document.documentElement.outerHTML;
    scriptLines = { above: whole.slice(0, whole.lastIndexOf(script)).split('\n').length, lines: script.split('\n').length };
  };
  /** The line of the script, of a line of the document that it is written into. @param {number} line */
  const lineOf = (line) => {
    findScript();
    const at = line - (scriptLines?.above ?? line);
    return scriptLines && at >= 1 && at <= scriptLines.lines ? ` (line ${at} of the script)` : '';
  };
  /** Where in the script something was thrown: the place that is nearest to it, which may be where it called the SDK. @param {unknown} reason */
  const whereOf = (reason) => {
    if (!(reason instanceof Error)) return '';
    const stack = text(reason.stack);
    // The message stands above; what it has is no place.
    const from = stack.indexOf(reason.message);
    for (const [, line] of stack.slice(from < 0 ? 0 : from + reason.message.length).matchAll(/:(\d+):\d+\)?$/gm)) {
      const where = lineOf(Number(line));
      if (where) return where;
    }
    return '';
  };
  const FAULT_MS = 1000;
  let faultAt = -FAULT_MS;
  /** What went wrong beside the drawing, as when a button is pressed. One in a second: it may be thrown with every movement. @param {unknown} reason */
  const fault = (reason) => {
    if (performance.now() - faultAt < FAULT_MS) return;
    faultAt = performance.now();
    view.say(`${why(reason)}${whereOf(reason)}`);
  };
  /** @param {unknown} reason @param {string} [where] */
  const dies = (reason, where = '') => {
    if (root.isConnected || drawer !== null) return false;
    stillborn ??= { reason, where };
    begin();
    return true;
  };
  addEventListener('error', (event) => {
    // Without what was thrown it is a word of the browser, such as that sizes changed again while they were reckoned.
    if (event instanceof ErrorEvent && !dies(event.error ?? event.message, lineOf(event.lineno)) && event.error) fault(event.error);
  });
  /** A script that is through by then says how it draws, or never does. */
  const SILENT_MS = 4000;
  let isSilent = false;
  addEventListener('load', () => setTimeout(() => {
    isSilent = dies({ message: 'the script does not call codex.start' });
  }, SILENT_MS));
  const begin = () => {
    if (begun === null || (drawer === null && stillborn === null)) return;
    const [message, draw] = [begun, drawer ?? (() => stillborn && broke(stillborn.reason, stillborn.where))];
    begun = null;
    drawer = null;
    findScript();
    document.body.append(root, live);
    take(message);
    watch.observe(root);
    addEventListener('keydown', handOn);
    addEventListener('resize', resized);
    addEventListener('scroll', resized, { passive: true, capture: true });
    safely(() => draw(view));
    resized();
  };
  /** @param {unknown} message */
  const hear = (message) => {
    const id = own(message, 'id');
    switch (own(message, 'type')) {
      case 'begin':
        begun ??= message;
        begin();
        break;
      case 'change':
        take(message);
        safely(() => view.onchange());
        break;
      case 'ping':
        post({ type: 'pong', id: plain(id) });
        break;
      case 'reply': {
        const one = waiting.get(id);
        waiting.delete(id);
        const error = own(message, 'error');
        if (error) one?.failed({ code: text(own(error, 'code'), 'refused'), message: text(own(error, 'message'), 'it was refused') });
        else one?.done(own(message, 'value'));
      }
    }
  };
  addEventListener('message', (event) => {
    // Other frames can reach this window too: only the page around it is believed, and only once.
    const [given] = event.ports;
    if (event.source !== window.parent || own(event.data, 'codex') !== 1 || port || !given) return;
    port = given;
    port.onmessage = (message) => hear(message.data);
  });
  addEventListener('unhandledrejection', (event) => {
    if (dies(event.reason, whereOf(event.reason))) return;
    // A refused call is told each time.
    if (typeof own(event.reason, 'code') === 'string') view.say(why(event.reason));
    else fault(event.reason);
  });

  // A list that keeps few rows in the page.

  const SPARE = 6;
  /** @type {any} */
  const list = (/** @type {ListOptions<any>} */ options) => {
    const { row, key: keyOf, role = 'list', rowRole = role === 'rowgroup' ? 'row' : 'listitem', estimate = 44, gap = 0 } = options;
    let items = options.items;
    let columns = Math.max(1, options.columns ?? 1);
    let active = 0;
    /** Where each line of items begins; one more than there are lines. */
    let offsets = new Float64Array(1);
    /** @type {Map<string, number>} */
    const heights = new Map();
    let usual = estimate;
    /** @type {Map<number, HTMLElement>} */
    let drawn = new Map();
    /** @type {WeakMap<HTMLElement, any>} */
    const shows = new WeakMap();
    const space = h('div', { class: 'codex-space', role, 'aria-label': options.label });
    const element = h('div', { class: 'codex-list' }, options.header, space);

    /** Where everything is, if the view says so. @type {Box[]} */
    let boxes = [];

    const lines = () => Math.ceil(items.length / columns);
    const lineKey = (/** @type {number} */ line) => keyOf(items[line * columns]);
    const layOut = () => {
      if (options.place) {
        boxes = options.place(items, space.clientWidth || element.clientWidth);
        space.style.height = `${boxes.reduce((most, box) => Math.max(most, box.y + box.height), 0)}px`;
        space.style.minWidth = `max(100%, ${boxes.reduce((most, box) => Math.max(most, box.x + box.width), 0)}px)`;
        return;
      }
      offsets = new Float64Array(lines() + 1);
      for (let line = 0; line < lines(); line += 1) offsets[line + 1] = (offsets[line] ?? 0) + (heights.get(lineKey(line)) ?? usual) + gap;
      space.style.height = `${offsets[lines()] ?? 0}px`;
    };
    const lineAt = (/** @type {number} */ y) => {
      let [low, high] = [0, Math.max(0, lines() - 1)];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((offsets[middle] ?? 0) <= y) low = middle;
        else high = middle - 1;
      }
      return low;
    };
    const rowFor = (/** @type {number} */ index) => {
      const item = items[index];
      const made = row(item, index);
      made.classList.add('codex-row');
      made.dataset['key'] = keyOf(item);
      if (rowRole) made.setAttribute('role', rowRole);
      // A table's first row is its header.
      if (rowRole === 'row') made.setAttribute('aria-rowindex', String(index + 2));
      else {
        made.setAttribute('aria-posinset', String(index + 1));
        made.setAttribute('aria-setsize', String(items.length));
      }
      shows.set(made, item);
      return made;
    };
    /** What has the focus in the list: its item, and which of the things in it. */
    const focused = () => {
      const at = document.activeElement;
      if (!(at instanceof HTMLElement) || !space.contains(at)) return null;
      const holder = /** @type {HTMLElement | null} */ (at.closest('.codex-row'));
      return holder ? { key: holder.dataset['key'] ?? '', part: at === holder ? null : at.dataset['part'] ?? null } : null;
    };
    const wantedLines = () => {
      const head = space.offsetTop;
      const top = element.scrollTop - head;
      const first = Math.max(0, lineAt(top) - SPARE);
      const last = Math.min(lines() - 1, lineAt(top + element.clientHeight) + SPARE);
      return [first, last];
    };
    const inSight = () => {
      const [left, top] = [element.scrollLeft - space.offsetLeft, element.scrollTop - space.offsetTop];
      const far = element.clientHeight / 2;
      const seen = new Set();
      for (const [index, box] of boxes.entries()) {
        if (box.y < top + element.clientHeight + far && box.y + box.height > top - far && box.x < left + element.clientWidth + far && box.x + box.width > left - far) seen.add(index);
      }
      return seen;
    };
    /** Puts the rows that are in sight into the page; measures them; does so again if they were of another height. */
    const render = (turn = 0) => {
      if (!element.isConnected || element.clientHeight === 0) return;
      const hadFocus = focused();
      const wanted = options.place ? inSight() : new Set();
      if (!options.place) {
        const [first, last] = /** @type {[number, number]} */ (wantedLines());
        for (let index = first * columns; index < Math.min(items.length, (last + 1) * columns); index += 1) wanted.add(index);
      }
      // The row that has the keyboard stays, wherever the list is scrolled to.
      if (active < items.length) wanted.add(active);
      const order = /** @type {number[]} */ ([...wanted].sort((a, b) => /** @type {number} */ (a) - /** @type {number} */ (b)));
      /** @type {Map<string, HTMLElement>} */
      const old = new Map();
      const keys = new Set(order.map((index) => keyOf(items[index])));
      for (const one of drawn.values()) {
        if (keys.has(one.dataset['key'] ?? '')) old.set(one.dataset['key'] ?? '', one);
        else one.remove();
      }
      const now = new Map();
      /** @type {Node | null} */
      let before = space.firstChild;
      for (const index of order) {
        const kept = old.get(keyOf(items[index]));
        const same = kept && (shows.get(kept) === items[index] || kept.querySelector('[data-editing]'));
        const made = same ? kept : rowFor(index);
        now.set(index, made);
        made.tabIndex = index === active ? 0 : -1;
        if (kept && !same) {
          if (before === kept) before = kept.nextSibling;
          kept.remove();
        }
        if (before !== made) space.insertBefore(made, before);
        before = made.nextSibling;
      }
      drawn = now;
      if (measured() && turn < 4) return void render(turn + 1);
      place();
      if (hadFocus && !focused()) refocus(hadFocus);
    };
    const refocus = (/** @type {{key: string, part: string | null}} */ had) => {
      const one = [...drawn.values()].find((each) => each.dataset['key'] === had.key) ?? drawn.get(active);
      const part = had.part ? one?.querySelector(`[data-part="${CSS.escape(had.part)}"]`) : null;
      /** @type {HTMLElement | undefined} */ (part ?? one)?.focus({ preventScroll: true });
    };
    /** Whether a line was of another height than thought. What is in sight stays where it is. */
    const measured = () => {
      if (options.place) return false;
      /** @type {Map<number, number>} */
      const found = new Map();
      for (const [index, one] of drawn) {
        const line = Math.floor(index / columns);
        found.set(line, Math.max(found.get(line) ?? 0, one.offsetHeight));
      }
      let [changed, above] = [false, 0];
      const top = element.scrollTop - space.offsetTop;
      for (const [line, height] of found) {
        const thought = heights.get(lineKey(line)) ?? usual;
        if (height === 0 || Math.abs(height - thought) < 1) continue;
        changed = true;
        if ((offsets[line + 1] ?? 0) <= top) above += height - thought;
        heights.set(lineKey(line), height);
      }
      if (!changed) return false;
      const all = [...found.values()].filter((height) => height > 0);
      if (heights.size <= all.length && above === 0) usual = all.reduce((sum, height) => sum + height, 0) / Math.max(1, all.length);
      layOut();
      if (above !== 0) element.scrollTop += above;
      return true;
    };
    const place = () => {
      for (const [index, one] of drawn) {
        const box = boxes[index];
        if (options.place && box) {
          one.style.transform = `translate(${box.x}px, ${box.y}px)`;
          one.style.width = `${box.width}px`;
          one.style.height = `${box.height}px`;
          continue;
        }
        const line = Math.floor(index / columns);
        one.style.transform = `translateY(${offsets[line] ?? 0}px)`;
        if (columns === 1) continue;
        const share = `(100% - ${(columns - 1) * gap}px) / ${columns}`;
        one.style.width = `calc(${share})`;
        one.style.left = `calc((${share} + ${gap}px) * ${index % columns})`;
      }
    };
    const show = (/** @type {number} */ index) => {
      const box = boxes[index];
      if (options.place && box) {
        const [x, y] = [box.x + space.offsetLeft, box.y + space.offsetTop];
        if (y < element.scrollTop || y + box.height > element.scrollTop + element.clientHeight) element.scrollTop = y < element.scrollTop ? y - 8 : y + box.height - element.clientHeight + 8;
        if (x < element.scrollLeft || x + box.width > element.scrollLeft + element.clientWidth) element.scrollLeft = x < element.scrollLeft ? x - 8 : x + box.width - element.clientWidth + 8;
        return;
      }
      const line = Math.floor(index / columns);
      const head = space.offsetTop;
      const sticky = options.header && getComputedStyle(options.header).position === 'sticky' ? options.header.offsetHeight : 0;
      const [top, bottom] = [(offsets[line] ?? 0) + head, (offsets[line + 1] ?? 0) + head];
      if (top - sticky < element.scrollTop) element.scrollTop = line === 0 ? 0 : top - sticky;
      else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
    };
    const activate = (/** @type {number} */ index) => {
      const before = drawn.get(active);
      if (before) before.tabIndex = -1;
      active = index;
      const one = drawn.get(active);
      if (one) one.tabIndex = 0;
    };
    const focus = (/** @type {number} */ index) => {
      if (items.length === 0) return;
      activate(Math.max(0, Math.min(items.length - 1, index)));
      show(active);
      render();
      show(active);
      drawn.get(active)?.focus({ preventScroll: true });
    };
    /** The nearest one in a direction. @param {number} x @param {number} y */
    const towards = (x, y) => {
      const from = boxes[active];
      let [best, least] = [-1, Infinity];
      for (const [index, box] of boxes.entries()) {
        if (!from || index === active) continue;
        const [across, down] = [box.x + box.width / 2 - from.x - from.width / 2, box.y + box.height / 2 - from.y - from.height / 2];
        const [along, aside] = x === 0 ? [down * y, across] : [across * x, down];
        const far = along + Math.abs(aside) * 2.5;
        if (along > 1 && far < least) [best, least] = [index, far];
      }
      return best;
    };
    const step = (/** @type {KeyboardEvent} */ event) => {
      const arrow = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      if (options.place && arrow && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        const to = towards(arrow[0] ?? 0, arrow[1] ?? 0);
        if (to >= 0) focus(to);
        return true;
      }
      const page = Math.max(1, Math.floor(element.clientHeight / (usual + gap)) - 1) * columns;
      /** @type {Dict<number>} */
      const by = { ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page, Home: -items.length, End: items.length };
      if (columns > 1) Object.assign(by, { ArrowLeft: -1, ArrowRight: 1 });
      const way = Object.hasOwn(by, event.key) ? by[event.key] : undefined;
      if (way === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return false;
      const to = active + way;
      if (to < 0 && way === -columns) return true;
      focus(to);
      return true;
    };
    const rowOf = (/** @type {EventTarget | null} */ target) => /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest('.codex-row') : null);
    const inside = (/** @type {EventTarget | null} */ target) => target instanceof Element && target.closest('button, a, input, select, textarea, [data-part]') !== null;
    space.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      const one = rowOf(event.target);
      const index = one ? api.indexOf(one.dataset['key'] ?? '') : -1;
      if (!one || index < 0 || event.isComposing) return;
      const typing = event.target instanceof Element && event.target.matches('input:not([type=checkbox]), select, textarea');
      let done = !typing && options.onkey?.(event, items[index], index) === true;
      if (!done && !typing) done = step(event);
      if (!done && event.target === one && event.key === 'Enter' && options.onopen) {
        options.onopen(items[index], index);
        done = true;
      }
      if (!done && !typing && options.onmenu && (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10'))) {
        options.onmenu(items[index], one);
        done = true;
      }
      if (done) event.preventDefault();
    });
    space.addEventListener('focusin', (/** @type {FocusEvent} */ event) => {
      const index = api.indexOf(rowOf(event.target)?.dataset['key'] ?? '');
      if (index < 0) return;
      if (index !== active) activate(index);
      options.onfocus?.(items[index], index);
    });
    space.addEventListener('click', (/** @type {MouseEvent} */ event) => {
      const index = api.indexOf(rowOf(event.target)?.dataset['key'] ?? '');
      if (index >= 0 && !inside(event.target) && !event.defaultPrevented) options.onopen?.(items[index], index);
    });
    space.addEventListener('contextmenu', (/** @type {MouseEvent} */ event) => {
      const one = rowOf(event.target);
      const index = api.indexOf(one?.dataset['key'] ?? '');
      if (!one || index < 0 || !options.onmenu || event.button !== 2) return;
      event.preventDefault();
      options.onmenu(items[index], one);
    });
    let frame = 0;
    element.addEventListener('scroll', () => (frame ||= requestAnimationFrame(() => {
      frame = 0;
      render();
    })), { passive: true });
    let width = 0;
    new ResizeObserver(() => {
      if (element.clientWidth === width && options.place) return render();
      if (element.clientWidth !== width) heights.clear();
      width = element.clientWidth;
      layOut();
      render();
    }).observe(element);

    /** @type {CodexList<any>} */
    const api = {
      element,
      get items() {
        return items;
      },
      get active() {
        return active;
      },
      set(next, lanes) {
        const had = items[active] === undefined ? null : keyOf(items[active]);
        items = next;
        if (lanes !== undefined && lanes !== columns) {
          columns = Math.max(1, lanes);
          heights.clear();
        }
        const at = had === null ? -1 : api.indexOf(had);
        active = at >= 0 ? at : Math.max(0, Math.min(active, items.length - 1));
        layOut();
        render();
      },
      redraw() {
        for (const one of drawn.values()) shows.delete(one);
        heights.clear();
        layOut();
        render();
      },
      indexOf: (wanted) => {
        // Rows in the page are few; most questions are about them.
        for (const [index, one] of drawn) if (one.dataset['key'] === wanted && items[index] !== undefined && keyOf(items[index]) === wanted) return index;
        return items.findIndex((item) => keyOf(item) === wanted);
      },
      show(index) {
        show(index);
        render();
      },
      focus,
      at: (index) => drawn.get(index) ?? null,
    };
    layOut();
    return api;
  };

  // What opens beside an element.

  /** @type {(() => void) | null} */
  let close = null;
  /** `away` is what a click beside it means; without one it closes, also when the page around gets the keyboard. */
  /** @param {Element} anchor @param {HTMLElement} box @param {() => void} [away] */
  const beside = (anchor, box, away) => {
    close?.();
    const back = document.activeElement;
    // A row may be drawn anew meanwhile: its key finds it again.
    const row = anchor.closest('.codex-row');
    const rowKey = row instanceof HTMLElement ? row.dataset['key'] : undefined;
    const where = anchor.getBoundingClientRect();
    const leave = (/** @type {Event} */ event) => {
      if (event.target instanceof Node && box.contains(event.target)) return;
      if (away) away();
      else close?.();
    };
    close = () => {
      close = null;
      document.removeEventListener('pointerdown', leave, true);
      removeEventListener('blur', blurred);
      const had = box.contains(document.activeElement) || document.activeElement === document.body;
      box.remove();
      const again = rowKey === undefined ? null : document.querySelector(`.codex-row[data-key="${CSS.escape(rowKey)}"]`);
      const target = back instanceof HTMLElement && back.isConnected ? back : again;
      if (had && target instanceof HTMLElement) target.focus({ preventScroll: true });
    };
    const blurred = () => close?.();
    box.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' && event.key !== 'Tab') return;
      if (event.key === 'Tab' && box.querySelectorAll('button, input, select').length > 1 && box.getAttribute('role') !== 'menu') return;
      event.preventDefault();
      event.stopPropagation();
      close?.();
    });
    document.body.append(box);
    const { width, height } = box.getBoundingClientRect();
    const [wide, high] = [document.documentElement.clientWidth, document.documentElement.clientHeight];
    const below = where.bottom + height + 4 <= high || where.top < height + 4;
    box.style.left = `${Math.max(4, Math.min(where.left, wide - width - 4))}px`;
    box.style.top = `${Math.max(4, below ? Math.min(where.bottom + 4, high - height - 4) : where.top - height - 4)}px`;
    document.addEventListener('pointerdown', leave, true);
    if (!away) addEventListener('blur', blurred);
  };
  /** @type {Codex['menu']} */
  const menu = (anchor, items, name = 'Menu') => {
    const buttons = items.map((item) =>
      h('button', {
        type: 'button', role: item.checked === undefined ? 'menuitem' : 'menuitemradio', tabindex: -1, disabled: item.disabled,
        'aria-checked': item.checked === undefined ? null : String(item.checked),
        onclick: () => {
          close?.();
          item.act();
        },
      }, item.text));
    const box = h('div', { class: 'codex-pop codex-menu', role: 'menu', 'aria-label': name }, buttons);
    box.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      const able = buttons.filter((button) => !button.disabled);
      const at = able.indexOf(/** @type {any} */ (document.activeElement));
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: able.length - 1 }[event.key];
      const letter = event.key.length === 1 ? able.findIndex((button, index) => index > at && button.textContent.toLowerCase().startsWith(event.key.toLowerCase())) : -1;
      if (to === undefined && letter < 0) return;
      event.preventDefault();
      able[to === undefined ? letter : (to + able.length) % able.length]?.focus();
    });
    beside(anchor, box);
    (buttons.find((button) => button.getAttribute('aria-checked') === 'true') ?? buttons.find((button) => !button.disabled))?.focus();
  };
  /** @param {string} name @param {Json | undefined} value @returns {NonNullable<EditOptions['kind']>} */
  const kindOf = (name, value) => {
    if (typeof value === 'boolean') return 'checkbox';
    if (typeof value === 'number') return 'number';
    if (Array.isArray(value)) return 'list';
    const read = date(value);
    if (read) return read.time ? 'text' : 'date';
    return (value === undefined || value === null || value === '') && /(^|[_ ])(date|due|day|on)$/i.test(name) ? 'date' : 'text';
  };
  /** What a field holds, as a property. @param {string} kind @param {HTMLInputElement | HTMLSelectElement} input @returns {Json} */
  const valueOf = (kind, input) => {
    const written = input.value.trim();
    if (kind === 'checkbox' && input instanceof HTMLInputElement) return input.checked;
    if (written === '') return null;
    if (kind === 'list') return written.split(',').map((part) => part.trim()).filter((part) => part !== '');
    return kind === 'number' && Number.isFinite(Number(written)) ? Number(written) : written;
  };
  let fieldsMade = 0;
  /** @type {Codex['field']} */
  const field = ({ label: name, value, options, kind = kindOf(name, value) }) => {
    const now = Array.isArray(value) ? value.map(shown).join(', ') : value === undefined || value === null ? '' : shown(value);
    const choices = [...new Set(['', ...(options ?? []), now])];
    fieldsMade += 1;
    const id = `codex-options-${fieldsMade}`;
    const offers = kind === 'text' && options !== undefined && options.length > 0;
    const input = kind === 'select'
      ? h('select', { value: now }, choices.map((choice) => h('option', { value: choice }, choice === '' ? '–' : choice)))
      : h('input', { type: kind === 'list' ? 'text' : kind, value: now, checked: value === true, step: 'any', list: offers ? id : null, autocomplete: 'off' });
    const offered = offers ? h('datalist', { id }, options.map((choice) => h('option', { value: choice }))) : null;
    return { input, offered, kind, read: () => valueOf(kind, input) };
  };
  /** @type {Codex['edit']} */
  const edit = (anchor, options) => {
    const { label: name, value, save } = options;
    const { input, offered, kind, read } = field(options);
    const done = () => {
      const next = read();
      close?.();
      if (JSON.stringify(next) !== JSON.stringify(value ?? null)) save(next);
    };
    // No form: a sandboxed frame may submit none.
    const form = h('div', { class: 'codex-pop codex-edit', role: 'group', 'aria-label': label(name) }, h('label', null, h('span', null, label(name)), input), offered,
      h('div', { class: 'codex-buttons' }, h('button', { type: 'button', class: 'codex-main', onclick: done }, 'Save'), h('button', { type: 'button', onclick: () => close?.() }, 'Cancel')));
    input.addEventListener('keydown', (/** @type {Event} */ event) => {
      if (!(event instanceof KeyboardEvent) || event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault();
      done();
    });
    // What was typed is not lost by a click beside it; Escape and Cancel leave it.
    beside(anchor, form, done);
    input.focus();
    if (input instanceof HTMLInputElement && kind === 'text') input.select();
  };

  // The pointer.

  const SLACK = 5;
  const LONG_MS = 350;
  /** @type {Codex['drag']} */
  const drag = (container, options) => {
    container.addEventListener('pointerdown', (down) => {
      const from = down.target instanceof Element ? down.target : null;
      const item = /** @type {HTMLElement | null} */ (from?.closest(options.item));
      if (!item || down.button !== 0 || from?.closest('input, select, textarea, [data-nodrag]')) return;
      const box = item.getBoundingClientRect();
      /** @type {HTMLElement | null} */
      let ghost = null;
      /** @type {HTMLElement | null} */
      let over = null;
      let moving = false;
      let scrolls = 0;
      let last = down;
      const touch = down.pointerType === 'touch';
      const timer = touch ? window.setTimeout(() => begin(), LONG_MS) : 0;
      const begin = () => {
        if (options.start?.(item, down) === false) return end();
        moving = true;
        item.classList.add('codex-dragged');
        document.body.classList.add('codex-dragging');
        if (options.bare) return;
        ghost = /** @type {HTMLElement} */ (item.cloneNode(true));
        ghost.classList.replace('codex-dragged', 'codex-ghost');
        ghost.removeAttribute('tabindex');
        ghost.setAttribute('aria-hidden', 'true');
        Object.assign(ghost.style, { width: `${box.width}px`, height: `${box.height}px`, left: '0', top: '0' });
        document.body.append(ghost);
      };
      const under = () => {
        const found = document.elementFromPoint(last.clientX, last.clientY)?.closest(options.target);
        return found instanceof HTMLElement ? found : null;
      };
      const show = () => {
        if (ghost) ghost.style.transform = `translate(${box.left + last.clientX - down.clientX}px, ${box.top + last.clientY - down.clientY}px)`;
        const now = under();
        if (now !== over) over?.classList.remove('codex-over');
        now?.classList.add('codex-over');
        over = now;
        options.move?.(item, over, last);
      };
      /** Near an edge, what is under the pointer scrolls. */
      const scroll = () => {
        scrolls = moving ? requestAnimationFrame(scroll) : 0;
        for (let at = document.elementFromPoint(last.clientX, last.clientY); at; at = at.parentElement) {
          const { left, right, top, bottom } = at.getBoundingClientRect();
          const near = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ here) => (here - low < 36 ? -9 : high - here < 36 ? 9 : 0);
          if (at.scrollHeight > at.clientHeight + 1) at.scrollTop += near(top, bottom, last.clientY);
          if (at.scrollWidth > at.clientWidth + 1) at.scrollLeft += near(left, right, last.clientX);
        }
      };
      const move = (/** @type {PointerEvent} */ event) => {
        if (event.pointerId !== down.pointerId) return;
        last = event;
        const far = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > SLACK;
        if (!moving && far && touch) return end();
        if (!moving && far) begin();
        if (!moving) return;
        if (scrolls === 0) scrolls = requestAnimationFrame(scroll);
        show();
      };
      const still = (/** @type {Event} */ event) => moving && event.preventDefault();
      const end = () => {
        clearTimeout(timer);
        cancelAnimationFrame(scrolls);
        for (const [name, what] of Object.entries({ pointermove: move, pointerup: up, pointercancel: cancel, keydown: escape })) removeEventListener(name, /** @type {any} */ (what), true);
        removeEventListener('touchmove', still);
        removeEventListener('contextmenu', still, true);
        ghost?.remove();
        over?.classList.remove('codex-over');
        item.classList.remove('codex-dragged');
        document.body.classList.remove('codex-dragging');
        moving = false;
      };
      const up = (/** @type {PointerEvent} */ event) => {
        if (event.pointerId !== down.pointerId) return;
        last = event;
        const [was, target] = [moving, moving ? under() : null];
        end();
        if (!was) return;
        // The click that follows is the end of the movement.
        const swallow = (/** @type {Event} */ click) => click.stopPropagation();
        addEventListener('click', swallow, { capture: true, once: true });
        setTimeout(() => removeEventListener('click', swallow, true), 0);
        options.drop(item, target, event);
      };
      const cancel = () => {
        const was = moving;
        end();
        if (was) options.cancel?.(item);
      };
      const escape = (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Escape' || !moving) return;
        event.stopPropagation();
        cancel();
      };
      addEventListener('pointermove', move, true);
      addEventListener('pointerup', up, true);
      addEventListener('pointercancel', cancel, true);
      addEventListener('keydown', escape, true);
      addEventListener('touchmove', still, { passive: false });
      addEventListener('contextmenu', still, true);
    });
  };

  // Small pieces.

  /** @type {Codex['image']} */
  const image = (of, size, attributes = {}) => {
    const made = h('img', { alt: '', decoding: 'async', ...attributes });
    made.classList.add('codex-waits');
    // Rows that only fly past are not asked for.
    setTimeout(() => {
      if (!made.isConnected) return;
      picture(of, size).then((address) => (made.src = address), () => made.classList.add('codex-none')).finally(() => made.classList.remove('codex-waits'));
    }, 60);
    return made;
  };
  /** @type {Codex['fields']} */
  const fields = (of, names) => {
    const shownFields = names.flatMap((name) => {
      const value = get(of, name);
      const words = format(value);
      if (words === '') return [];
      const late = /due/i.test(name) && !isDone(of) && date(value) !== null && day(value) < view.today;
      return [h('div', { class: late ? 'codex-late' : null, dataset: { field: name } }, h('dt', null, label(name)), h('dd', null, words, late && h('span', { class: 'codex-unseen' }, ' (overdue)')))];
    });
    return shownFields.length > 0 ? h('dl', { class: 'codex-fields' }, shownFields) : null;
  };
  /** @type {Codex['card']} */
  const card = (of, names, attributes = {}) =>
    h('article', { ...attributes, class: `codex-card ${attributes['class'] ?? ''}` }, h('h3', null, of.title), fields(of, names));
  /** @type {Codex['empty']} */
  const empty = (title, hint) => h('div', { class: 'codex-empty' }, h('p', null, title), hint ? h('p', { class: 'codex-quiet' }, hint) : null);
  /** @type {Codex['more']} */
  const more = () =>
    view.total > view.files.length
      ? h('p', { class: 'codex-more' }, `${formatNumber(view.files.length)} of ${many(view.total, 'entry', 'entries')} are shown. `, h('span', { class: 'codex-quiet' }, '“limit” in the query of this view says how many.'))
      : null;

  /** @type {Codex} */
  const codex = {
    version: 1,
    start(draw) {
      if (typeof draw !== 'function') throw new TypeError('codex.start: give it a function that draws the view');
      drawer = draw;
      if (isSilent) {
        isSilent = false;
        root.replaceChildren();
        safely(() => draw(view));
      } else begin();
    },
    h, svg, list, menu, field, edit, drag, image, card, fields, empty, more, announce, key, get, matches, compare, sorted, sortKeys, valuesOf, isDone, date, day, label, format, formatDate,
    formatNumber, formatSize, many,
  };
  Object.defineProperty(globalThis, 'codex', { value: Object.freeze(codex) });
})();
