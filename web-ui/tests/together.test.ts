import { ChangeSet } from '@codemirror/state';
import { describe, expect, test } from 'vitest';
import { marks, place } from '../src/editor/together';
import { SILENT_MS, Talk, type TalkPorts, type TalkSocket, talkUrl } from '../src/talk';

const base = 'roses are red\n';
const insert = (at: number, text: string) => ChangeSet.of({ from: at, insert: text }, base.length);

describe('what others type is shown over the own text', () => {
  const other = { name: 'Ana', colour: '#112233', version: 'v', head: null };

  test('at the place that it has with what is typed here', () => {
    const own = insert(0, 'red ');
    const [ghost] = marks({ ...other, changes: insert(5, ' all').toJSON() }, own);
    expect(ghost).toMatchObject({ from: 9, to: 9 });
    const [cut] = marks({ ...other, changes: ChangeSet.of({ from: 0, to: 5 }, base.length).toJSON() }, own);
    expect(cut).toMatchObject({ from: 4, to: 9 });
  });

  test('a caret follows: before, behind and within what is typed', () => {
    const own = insert(0, 'red ');
    const theirs = insert(5, ' all');
    expect(place(0, theirs, own)).toBe(4);
    expect(place(9, theirs, own)).toBe(9);
    expect(place(7, theirs, own)).toBe(9);
    expect(place(99, theirs, own)).toBe(base.length + 4);
  });

  test('nonsense shows nothing', () => {
    for (const changes of [[99], 'x', [[1]], { a: 1 }, [base.length, [0, 'x', 1]]]) {
      expect(marks({ ...other, changes }, insert(0, 'a')).length).toBe(0);
    }
  });
});

describe('the talk', () => {
  function world() {
    const sockets: (TalkSocket & { sent: string[] })[] = [];
    const timers: { work: () => void; at: number }[] = [];
    let now = 0;
    const ports: TalkPorts = {
      open() {
        const sent: string[] = [];
        const socket = { onopen: null, onmessage: null, onclose: null, sent, send: (text: string) => sent.push(text), close() {} };
        sockets.push(socket);
        return socket;
      },
      later: (work, ms) => {
        const timer = { work, at: now + ms };
        timers.push(timer);
        return timer;
      },
      cancel: (timer) => {
        const at = timers.indexOf(timer as never);
        if (at >= 0) timers.splice(at, 1);
      },
      now: () => now,
    };
    const pass = (ms: number) => {
      const until = now + ms;
      for (;;) {
        timers.sort((a, b) => a.at - b.at);
        const next = timers[0];
        if (!next || next.at > until) break;
        now = next.at;
        timers.shift();
        next.work();
      }
      now = until;
    };
    return { sockets, ports, pass };
  }

  test('says the same once, and again to whoever comes', () => {
    const { sockets, ports, pass } = world();
    let head = 1;
    const talk = new Talk('ws://x', () => ({ selection: [head, head] }), () => {}, ports);
    const socket = sockets[0]!;
    socket.onopen?.();
    expect(socket.sent.length).toBe(1);
    talk.stir();
    pass(100);
    expect(socket.sent.length).toBe(1);
    head = 2;
    talk.stir();
    talk.stir();
    pass(100);
    expect(socket.sent.length).toBe(2);
    socket.onmessage?.({ data: JSON.stringify({ page: 'p', name: 'Ana', colour: '#112233', device: 'd', says: {} }) });
    expect(socket.sent.length).toBe(3);
  });

  test('who falls silent, closes, or is cut off is gone', () => {
    const { sockets, ports, pass } = world();
    const gone: string[] = [];
    const talk = new Talk('ws://x', () => ({}), (word) => !word.says && gone.push(word.page), ports);
    const hear = (page: string, says: unknown) =>
      sockets[0]!.onmessage?.({ data: JSON.stringify({ page, name: 'Ana', colour: '#112233', device: 'd', says }) });
    sockets[0]!.onopen?.();
    hear('silent', {});
    pass(SILENT_MS);
    hear('closes', {});
    hear('stays', {});
    hear('closes', null);
    pass(6000);
    expect(gone).toEqual(['closes', 'silent']);
    sockets[0]!.onclose?.();
    expect(gone).toEqual(['closes', 'silent', 'stays']);
    pass(1000);
    expect(sockets.length).toBe(2);
    talk.close();
    sockets[1]!.onclose?.();
    pass(60_000);
    expect(sockets.length).toBe(2);
  });

  test('its address is the entry’s', () => {
    expect(talkUrl({ protocol: 'http:', host: 'h:1' }, 'nb', 'e')).toBe('ws://h:1/api/v1/notebooks/nb/entries/e/collab');
  });
});
