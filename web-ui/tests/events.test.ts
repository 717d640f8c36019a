import { describe, expect, test } from 'vitest';
import { BACKOFF_MOST_MS, Feed, type SocketLike, feedUrl } from '../src/events';

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {}
  close(): void {
    this.onclose?.();
  }
  say(value: unknown): void {
    this.onmessage?.({ data: typeof value === 'string' ? value : JSON.stringify(value) });
  }
}

function listen() {
  const sockets: FakeSocket[] = [];
  const timers: { work: () => void; ms: number }[] = [];
  const log: string[] = [];
  const feed = new Feed(
    'ws://desk/api/v1/events',
    {
      event: (notice) => log.push(`${notice.type} ${notice.number}`),
      reload: () => log.push('reload'),
      connected: (yes) => log.push(yes ? 'up' : 'down'),
    },
    {
      open: (url) => {
        const socket = new FakeSocket(url);
        sockets.push(socket);
        return socket;
      },
      later: (work, ms) => timers.push({ work, ms }),
      cancel: () => {},
      random: () => 1,
    },
  );
  const last = () => sockets.at(-1) as FakeSocket;
  const again = () => timers.pop()?.work();
  return { feed, sockets, timers, log, last, again };
}

describe('the event feed', () => {
  test('after a break it asks for what it missed, and says each event once', () => {
    const { feed, log, last, again } = listen();
    feed.start();
    last().onopen?.();
    last().say({ number: 7, type: 'entry.created' });
    last().say({ number: 8, type: 'entry.modified' });
    last().close();
    again();
    expect(last().url).toBe('ws://desk/api/v1/events?since=8');
    last().onopen?.();
    last().say({ number: 8, type: 'entry.modified' });
    last().say({ number: 9, type: 'entry.deleted' });
    expect(log).toEqual(['up', 'reload', 'entry.created 7', 'entry.modified 8', 'down', 'up', 'entry.deleted 9']);
  });

  test('when what was missed cannot be told, everything is read again', () => {
    const { feed, log, last, again } = listen();
    feed.start();
    last().onopen?.();
    last().say({ number: 900, type: 'peer' });
    last().close();
    again();
    last().onopen?.();
    last().say({ number: 3, type: 'reload' });
    last().say({ number: 4, type: 'peer' });
    expect(log.slice(-2)).toEqual(['reload', 'peer 4']);
  });

  test('a break before the first event reads everything again', () => {
    const { feed, log, last, again } = listen();
    feed.start();
    last().onopen?.();
    last().close();
    again();
    last().onopen?.();
    expect(log).toEqual(['up', 'reload', 'down', 'up', 'reload']);
  });

  test('it waits longer each time, up to a bound, and starts anew after success', () => {
    const { feed, timers, last } = listen();
    feed.start();
    const waits: number[] = [];
    for (let at = 0; at < 8; at += 1) {
      last().close();
      const timer = timers.pop();
      waits.push(timer?.ms ?? -1);
      timer?.work();
    }
    expect(waits.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
    expect(waits.at(-1)).toBe(BACKOFF_MOST_MS);
    last().onopen?.();
    last().close();
    expect(timers.pop()?.ms).toBe(250);
  });

  test('what makes no sense is passed over', () => {
    const { feed, log, last } = listen();
    feed.start();
    last().onopen?.();
    for (const bad of ['', '{', 'null', '[]', '{"number":1}']) last().say(bad);
    expect(log).toEqual(['up', 'reload']);
  });

  test('after a stop it stays silent', () => {
    const { feed, timers, sockets } = listen();
    feed.start();
    feed.stop();
    feed.hurry();
    expect(timers).toEqual([]);
    expect(sockets).toHaveLength(1);
  });

  test('the address is beside the page', () => {
    expect(feedUrl({ protocol: 'http:', host: '127.0.0.1:7420' })).toBe('ws://127.0.0.1:7420/api/v1/events');
  });
});
