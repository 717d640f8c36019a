/** What a plugin's frame may say, and what becomes of a frame that says too much, or nothing. */
import { describe, expect, test } from 'vitest';
import { ANSWER_MS, AT_ONCE, BUSY_EVERY_MS, BUSY_MS, Budget, FrameHost, type HostPorts, MOST_A_SECOND, MOST_WORK_MS, PING_EVERY_MS, type PortLike } from '../src/plugins/host';
import { isPageKey, pageKeys } from '../src/plugins/keys';
import { type Message, plain, read } from '../src/plugins/messages';

describe('a message of a frame', () => {
  test('is read by its own keys: nothing is inherited, and no key reaches a prototype', () => {
    expect(read(Object.create({ type: 'say', text: 'inherited' }))).toBeNull();
    for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 7, null, { toString: () => 'say' }]) expect(read({ type })).toBeNull();
    const hostile = JSON.parse('{"type":"call","id":1,"call":"set","entry":"e","properties":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}') as unknown;
    const message = read(hostile);
    expect(message).toMatchObject({ is: 'call', call: 'set' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const { body } = message as Extract<Message, { is: 'call' }>;
    expect(Object.getPrototypeOf(body)).toBeNull();
    expect(JSON.stringify(body['properties'])).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  });

  test('carries only what its call is about', () => {
    const asked = read({ type: 'call', id: 3, call: 'entry', entry: 'e', notebook: 'n', query: {}, __proto__: { id: 9 }, headers: {} });
    expect(asked).toEqual({ is: 'call', id: 3, call: 'entry', notebook: 'n', body: Object.assign(Object.create(null), { entry: 'e' }) });
    for (const bad of [{ id: 1 }, { id: 'x', call: 'set' }, { id: 1, call: 'toString' }, { id: 1.5, call: 'set' }, { call: 'delete', id: 1 }]) expect(read({ type: 'call', ...bad })).toBeNull();
  });

  test('is JSON within bounds', () => {
    for (const bad of [new Map(), new Date(), /x/, new ArrayBuffer(8), 10n, () => 1]) expect(() => plain({ a: bad })).toThrow();
    let deep: unknown = 1;
    for (let level = 0; level < 100; level += 1) deep = [deep];
    for (const large of [deep, Array(60_000).fill(0), 'x'.repeat((4 << 20) + 1), Array(100).fill('x'.repeat(1 << 16))]) {
      expect(() => plain(large)).toThrow();
      expect(read({ type: 'call', id: 1, call: 'query', query: large })).toBeNull();
    }
    expect(plain([NaN, Infinity, 1, undefined])).toEqual([null, null, 1, null]);
  });

  test('has places and sizes that are numbers of a page', () => {
    expect(read({ type: 'size', height: 1e12, fit: 'yes' })).toEqual({ is: 'size', height: 20_000, fit: false });
    expect(read({ type: 'size', height: '100%' })).toMatchObject({ height: 0 });
    const places = [{ path: 'a.cdx', x: -5, y: NaN, width: 100, height: 50 }, { path: 'b', width: 0, height: 9 }, { path: 7, width: 1, height: 1 }, null];
    expect(read({ type: 'places', places })).toEqual({ is: 'places', places: [{ path: 'a.cdx', x: 0, y: 0, width: 100, height: 50 }] });
    expect(read({ type: 'places', places: Array(1000).fill(places[0]) })).toBeNull();
    expect(read({ type: 'open', entry: '', line: 1 })).toBeNull();
    expect(read({ type: 'open', entry: 'e', line: '1);alert(1' })).toMatchObject({ line: 0 });
    expect(read({ type: 'say', text: 'x'.repeat(5000) })).toMatchObject({ text: 'x'.repeat(300) });
  });
});

describe('a key of a frame', () => {
  const pressed = (key: string, held: string[] = [], code = '') => read({ type: 'key', key, code, ...Object.fromEntries(held.map((each) => [each, true])) });
  const known = (...given: Parameters<typeof pressed>) => {
    const message = pressed(...given);
    return message?.is === 'key' && isPageKey(message.pressed);
  };

  test('is the page’s if the page has a shortcut of it, and nothing else is', () => {
    expect(pageKeys()).toEqual(expect.arrayContaining(['Mod+K', 'Mod+P', 'Alt+N', '?', 'Escape']));
    expect([known('k', ['ctrl']), known('k', ['meta']), known('p', ['ctrl']), known('?', ['shift']), known('Escape'), known('˜', ['alt'], 'KeyN')]).toEqual(Array(6).fill(true));
    expect([known('k'), known('w', ['ctrl']), known('Escape', ['ctrl']), known('Delete'), known('Enter'), known('k', ['ctrl', 'shift']), known('k', ['ctrl', 'alt'])]).toEqual(Array(7).fill(false));
  });

  test('is read as what it says and no more', () => {
    expect(read({ type: 'key', key: 'k', code: 'KeyK', ctrl: 1, alt: 'true', shift: true, view: {} })).toEqual({ is: 'key', pressed: { key: 'k', code: 'KeyK', ctrlKey: false, metaKey: false, altKey: false, shiftKey: true } });
    for (const bad of [{}, { key: 'k' }, { key: '', code: '' }, { key: 'k'.repeat(50), code: '' }, { key: 7, code: 'KeyK' }]) expect(read({ type: 'key', ...bad })).toBeNull();
  });
});

test('a frame has so many messages and so much of the page’s time in a second, and as much in the next', () => {
  let now = 5000;
  const budget = new Budget(() => now);
  const spend = (ms: number) => budget.spend(() => (now += ms));
  for (let n = 0; n < MOST_A_SECOND; n += 1) expect(budget.spend()).toBe(true);
  expect(budget.spend()).toBe(false);
  now += 1000;
  expect([spend(MOST_WORK_MS / 2), spend(MOST_WORK_MS / 2), spend(1)]).toEqual([true, true, false]);
  now += 1000;
  expect(spend(MOST_WORK_MS)).toBe(true);
});

describe('a frame', () => {
  function world(call: HostPorts['call'] = () => Promise.resolve({})) {
    const sent: Record<string, unknown>[] = [];
    const heard: Message[] = [];
    let stopped: string | null = null;
    const said: boolean[] = [];
    let now = 1000;
    let timers: { at: number; work: () => void }[] = [];
    const port: PortLike = { onmessage: null, close: () => {}, postMessage: (message) => sent.push(message as Record<string, unknown>) };
    const host = new FrameHost(port, {
      call,
      heard: (message) => heard.push(message),
      stopped: (why) => (stopped = why),
      busy: (is) => said.push(is),
      later: (work, ms) => {
        const timer = { at: now + ms, work };
        timers.push(timer);
        return timer;
      },
      cancel: (timer) => (timers = timers.filter((each) => each !== timer)),
      now: () => now,
    });
    const say = (data: unknown) => port.onmessage?.({ data });
    const pass = (ms: number, late = 0) => {
      const end = now + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((each) => each !== due);
        now = Math.max(now, due.at + late);
        due.work();
      }
      now = Math.max(now, end);
    };
    return { host, sent, heard, say, pass, said, stopped: () => stopped, ping: () => sent.filter(({ type }) => type === 'ping').at(-1)?.['id'] };
  }

  test('that does not answer for five seconds is stopped; one that does is asked again', () => {
    const { host, say, pass, stopped, ping, sent } = world();
    host.begin({ kind: 'view' });
    expect(sent[0]).toMatchObject({ type: 'begin', kind: 'view' });
    pass(BUSY_MS - 1);
    say({ type: 'pong', id: ping() });
    pass(PING_EVERY_MS);
    expect(ping()).toBe(2);
    say({ type: 'pong', id: 1 });
    pass(ANSWER_MS - 1);
    expect(stopped()).toBeNull();
    pass(1);
    expect(stopped()).toBe('silent');
  });

  test('that is busy nearly whenever it is asked is said to be, until it rests; a page that is busy itself does not say so', () => {
    const after = (late: (turn: number) => number) => {
      const { host, say, pass, said, ping } = world();
      host.begin({});
      for (let turn = 0; turn < 30; turn += 1) {
        const asked = ping();
        pass(late(turn));
        say({ type: 'pong', id: asked });
        for (let ms = 0; ms < PING_EVERY_MS && ping() === asked; ms += 100) pass(100);
      }
      return said;
    };
    expect(after(() => BUSY_MS)).toEqual([true]);
    expect(after(() => BUSY_MS - 1)).toEqual([]);
    expect(after((turn) => (turn % 5 === 4 ? 5 : 900))).toEqual([true]);
    expect(after((turn) => (turn % 3 === 2 ? 5 : 900))).toEqual([]);
    expect(after((turn) => (turn < 15 ? 900 : 5))).toEqual([true, false]);
    // Asked again soon is who was late.
    const soon = (pageLate: number) => {
      const { host, say, pass, ping } = world();
      host.begin({});
      pass(900, pageLate);
      say({ type: 'pong', id: ping() });
      pass(BUSY_EVERY_MS);
      return ping() === 2;
    };
    expect([soon(0), soon(890)]).toEqual([true, false]);
  });

  test('is not blamed for a page that slept', () => {
    const { host, pass, stopped, ping } = world();
    host.begin({});
    pass(ANSWER_MS, 60_000);
    expect(stopped()).toBeNull();
    expect(ping()).toBe(2);
  });

  test('that floods the page is stopped, and is not heard from then on', () => {
    const { host, say, pass, heard, stopped } = world();
    host.begin({});
    for (let n = 0; n < MOST_A_SECOND; n += 1) say({ type: 'say', text: 'x' });
    expect(stopped()).toBeNull();
    pass(1000);
    for (let n = 0; n < MOST_A_SECOND + 10; n += 1) say(n % 2 ? { type: 'say', text: 'x' } : 'no message');
    expect(stopped()).toBe('flood');
    const before = heard.length;
    say({ type: 'say', text: 'x' });
    expect(heard).toHaveLength(before);
  });

  test('has few calls under way, answers in words of the daemon, and none after it was closed', async () => {
    const open: (() => void)[] = [];
    const { host, say, sent } = world((call) => (call === 'write' ? Promise.reject({ code: 'not_permitted', message: 'it may not write' }) : new Promise((done) => open.push(() => done({ call })))));
    host.begin({});
    for (let id = 0; id < 20; id += 1) say({ type: 'call', id, call: 'entry', entry: 'e' });
    expect(open).toHaveLength(AT_ONCE);
    open[0]?.();
    await new Promise((done) => setTimeout(done));
    expect(open).toHaveLength(AT_ONCE + 1);
    expect(sent.at(-1)).toEqual({ type: 'reply', id: 0, value: { call: 'entry' } });
    for (const each of open) each();
    say({ type: 'call', id: 99, call: 'write', entry: 'e', text: '', version: '' });
    for (let turn = 0; turn < 30; turn += 1) {
      await new Promise((done) => setTimeout(done));
      for (const each of open) each();
    }
    expect(sent).toContainEqual({ type: 'reply', id: 99, error: { code: 'not_permitted', message: 'it may not write' } });
    say({ type: 'call', id: 100, call: 'entry', entry: 'e' });
    host.close();
    const before = sent.length;
    open.at(-1)?.();
    await new Promise((done) => setTimeout(done));
    expect(sent).toHaveLength(before);
  });
});
