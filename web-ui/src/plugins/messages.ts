/**
 * What comes out of a plugin's frame, believed in nothing: read by own keys of known names only, copied into objects without a
 * prototype, and within bounds. What is not understood is `null`. Pure.
 */
import type { Dict, Json } from '../api/plugins';
import type { Pressed } from './keys';

const CALLS = ['query', 'entry', 'text', 'picture', 'set', 'create', 'write', 'keep', 'endpoint'] as const;
export type CallName = (typeof CALLS)[number];

/** A view put over the frame. */
export interface Spot {
  path: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Message =
  | { is: 'call'; id: number; call: CallName; notebook: string | null; body: Dict }
  | { is: 'open'; entry: string; notebook: string | null; line: number }
  | { is: 'select'; entries: string[] }
  | { is: 'say'; text: string }
  | { is: 'size'; height: number; fit: boolean }
  | { is: 'places'; places: Spot[] }
  | { is: 'key'; pressed: Pressed }
  | { is: 'pong'; id: number };

/** Values in one message, letters in all of its texts, and levels. */
const MOST_VALUES = 50_000;
const MOST_LETTERS = 4 << 20;
const DEEPEST = 40;
const TALLEST = 20_000;
const MOST_PLACES = 48;
const MOST_SELECTED = 10_000;

/** The keys that go on to the daemon with each call; others stay here. */
const KEYS: Record<CallName, readonly string[]> = {
  query: ['query'],
  entry: ['entry'],
  text: ['entry'],
  picture: ['entry', 'size'],
  set: ['entry', 'properties', 'remove'],
  create: ['path', 'text', 'properties'],
  write: ['entry', 'text', 'version'],
  keep: ['values'],
  endpoint: ['endpoint', 'parameters'],
};

/** The value of a key that is the object's own. A getter is none: a message has been copied, and has no code. */
export function own(from: unknown, key: string): unknown {
  if (typeof from !== 'object' || from === null) return undefined;
  const has = Object.getOwnPropertyDescriptor(from, key);
  return has && 'value' in has ? has.value : undefined;
}

/** A copy that is JSON and nothing else; throws for what is not, and for what is too large. */
export function plain(value: unknown): Json {
  let values = 0;
  let letters = 0;
  const copy = (one: unknown, depth: number): Json => {
    values += 1;
    if (values > MOST_VALUES || depth > DEEPEST) throw new RangeError('too large');
    if (one === null || typeof one === 'boolean') return one;
    if (typeof one === 'number') return Number.isFinite(one) ? one : null;
    if (typeof one === 'string') return spend(one);
    if (Array.isArray(one)) {
      if (one.length > MOST_VALUES) throw new RangeError('too large');
      return Array.from({ length: one.length }, (_, at) => copy(own(one, String(at)) ?? null, depth + 1));
    }
    if (typeof one !== 'object' || Object.prototype.toString.call(one) !== '[object Object]') throw new TypeError('no JSON');
    const made = Object.create(null) as Dict;
    for (const key of Object.keys(one)) {
      const inner = own(one, key);
      if (inner !== undefined) made[spend(key)] = copy(inner, depth + 1);
    }
    return made;
  };
  const spend = (text: string): string => {
    letters += text.length;
    if (letters > MOST_LETTERS) throw new RangeError('too large');
    return text;
  };
  return copy(value, 0);
}

const text = (value: unknown, most: number): string | null => (typeof value === 'string' && value.length <= most ? value : null);
const number = (value: unknown, most: number): number => (typeof value === 'number' && Number.isFinite(value) ? Math.min(Math.max(value, 0), most) : 0);
const ID = 200;
const KEY = 32;

export function read(data: unknown): Message | null {
  try {
    const type = own(data, 'type');
    return typeof type === 'string' ? (reads[type]?.(data) ?? null) : null;
  } catch {
    return null;
  }
}

const reads = Object.assign(Object.create(null) as Record<string, (data: unknown) => Message | null>, {
  call(data: unknown): Message | null {
    const id = own(data, 'id');
    const call = CALLS.find((each) => each === own(data, 'call'));
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || !call) return null;
    const body = Object.create(null) as Dict;
    for (const key of KEYS[call]) {
      const value = own(data, key);
      if (value !== undefined) body[key] = plain(value);
    }
    return { is: 'call', id, call, notebook: text(own(data, 'notebook'), ID), body };
  },
  open(data: unknown): Message | null {
    const entry = text(own(data, 'entry'), ID);
    return entry ? { is: 'open', entry, notebook: text(own(data, 'notebook'), ID), line: Math.floor(number(own(data, 'line'), 1e9)) } : null;
  },
  select(data: unknown): Message | null {
    const entries = own(data, 'entries');
    if (!Array.isArray(entries) || entries.length > MOST_SELECTED) return null;
    return { is: 'select', entries: entries.flatMap((each) => text(each, ID) ?? []) };
  },
  say: (data: unknown): Message | null => ({ is: 'say', text: String(text(own(data, 'text'), 100_000) ?? '').slice(0, 300) }),
  size: (data: unknown): Message | null => ({ is: 'size', height: Math.ceil(number(own(data, 'height'), TALLEST)), fit: own(data, 'fit') === true }),
  places(data: unknown): Message | null {
    const places = own(data, 'places');
    if (!Array.isArray(places) || places.length > MOST_PLACES) return null;
    const found = places.flatMap((each): Spot[] => {
      const path = text(own(each, 'path'), 1000);
      const [x = 0, y = 0, width = 0, height = 0] = ['x', 'y', 'width', 'height'].map((key) => number(own(each, key), TALLEST));
      return path && width > 0 && height > 0 ? [{ path, x, y, width, height }] : [];
    });
    return { is: 'places', places: found };
  },
  key(data: unknown): Message | null {
    const [key, code] = [text(own(data, 'key'), KEY), text(own(data, 'code'), KEY)];
    const held = (name: string) => own(data, name) === true;
    if (!key || code === null) return null;
    return { is: 'key', pressed: { key, code, ctrlKey: held('ctrl'), metaKey: held('meta'), altKey: held('alt'), shiftKey: held('shift') } };
  },
  pong(data: unknown): Message | null {
    const id = own(data, 'id');
    return typeof id === 'number' ? { is: 'pong', id } : null;
  },
});
