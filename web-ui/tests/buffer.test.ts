import { ChangeSet, Text } from '@codemirror/state';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, type TextContent } from '../src/api/client';
import { type SaveState, TextBuffer, type Unsent } from '../src/editor/buffer';
import { changesBetween } from '../src/editor/rebase';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const down = () => new ApiError(0, 'unreachable', 'down');

/** A daemon of one text, an editor, and the buffer between them. */
function desk(text: string) {
  const server = { text, version: 1, down: false, loseAnswer: false, slowMs: 0, writes: [] as string[] };
  const seen = { shown: text, states: [] as SaveState['is'][], kept: null as Unsent | null };
  const content = (): TextContent => ({ text: server.text, etag: `"v${server.version}"` });
  const wait = () => new Promise((done) => setTimeout(done, server.slowMs));
  const buffer = new TextBuffer(content(), {
    read: async () => {
      if (server.down) throw down();
      return content();
    },
    write: async (sent, etag) => {
      await wait();
      if (server.down) throw down();
      server.writes.push(sent);
      if (etag !== `"v${server.version}"`) throw new ApiError(412, 'stale', 'stale');
      server.text = sent;
      server.version += 1;
      if (server.loseAnswer) throw down();
      return content();
    },
    apply: (changes) => {
      seen.shown = changes.apply(Text.of(seen.shown.split('\n'))).toString();
    },
    state: (state) => seen.states.push(state.is),
    keep: (unsent) => {
      seen.kept = unsent;
    },
    slow: 'slow',
  });
  const type = (next: string) => {
    const changes = changesBetween(seen.shown, next);
    seen.shown = next;
    buffer.edited(changes);
  };
  const others = (next: string) => {
    server.text = next;
    server.version += 1;
  };
  return { server, seen, buffer, type, others };
}

describe('a text being edited', () => {
  test('is saved half a second after the last letter', async () => {
    const { server, seen, type } = desk('a');
    type('ab');
    await vi.advanceTimersByTimeAsync(400);
    type('abc');
    await vi.advanceTimersByTimeAsync(400);
    expect(server.writes).toEqual([]);
    await vi.advanceTimersByTimeAsync(150);
    expect(server.writes).toEqual(['abc']);
    expect(seen.states.at(-1)).toBe('saved');
    expect(seen.kept).toBeNull();
  });

  test('what is typed while a save is under way is neither lost nor doubled', async () => {
    const { server, seen, buffer, type } = desk('a');
    server.slowMs = 300;
    type('ab');
    await vi.advanceTimersByTimeAsync(600);
    type('abc');
    await vi.advanceTimersByTimeAsync(300);
    expect(seen.shown).toBe('abc');
    expect(buffer.dirty).toBe(true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.text).toBe('abc');
  });

  test('others’ changes come in under the hands', async () => {
    const { server, seen, buffer, type, others } = desk('one\ntwo\n');
    type('one\ntwo!\n');
    others('ONE\ntwo\n');
    await buffer.refresh('v2');
    expect(seen.shown).toBe('ONE\ntwo!\n');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('ONE\ntwo!\n');
  });

  test('an event about its own save is not read again', async () => {
    const { buffer } = desk('a');
    await buffer.refresh('v1');
    expect(buffer.etag).toBe('"v1"');
  });

  test('a slow save is shown as failing within two seconds, and then as saved', async () => {
    const { server, seen, type } = desk('a');
    server.slowMs = 5000;
    type('ab');
    await vi.advanceTimersByTimeAsync(2600);
    expect(seen.states.at(-1)).toBe('failing');
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen.states.at(-1)).toBe('saved');
  });

  test('a daemon that is down: the text is kept and sent when it is back', async () => {
    const { server, seen, type } = desk('a');
    server.down = true;
    type('ab');
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen.states.at(-1)).toBe('failing');
    expect(seen.kept).toMatchObject({ base: 'a', text: 'ab', etag: '"v1"' });
    server.down = false;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.text).toBe('ab');
    expect(seen.kept).toBeNull();
    expect(seen.states.at(-1)).toBe('saved');
  });

  test('a lost answer does not double the text', async () => {
    const { server, seen, type, others } = desk('start\n');
    server.loseAnswer = true;
    type('start\nmine\n');
    await vi.advanceTimersByTimeAsync(600);
    server.loseAnswer = false;
    others(`theirs\n${server.text}`);
    type('start\nmine and more\n');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.text).toBe('theirs\nstart\nmine and more\n');
    expect(seen.shown).toBe(server.text);
  });

  test('a draft of an earlier page is laid on what the entry says now', async () => {
    const { server, seen, buffer } = desk('top\nbody\n');
    buffer.adopt({ base: 'body\n', etag: '"v0"', text: 'body\nunsent\n', sent: null });
    expect(seen.shown).toBe('top\nbody\nunsent\n');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('top\nbody\nunsent\n');
  });

  test('a draft that had arrived is dropped', async () => {
    const { server, seen, buffer } = desk('body\nsent\n');
    buffer.adopt({ base: 'body\n', etag: '"v0"', text: 'body\nsent\n', sent: 'body\nsent\n' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.kept).toBeNull();
    expect(server.writes).toEqual([]);
  });

  test('Windows line ends and a byte order mark stay', async () => {
    const { server, buffer } = desk('\uFEFFa\r\nb\r\n');
    expect(buffer.text).toBe('a\nb\n');
    buffer.edited(ChangeSet.of({ from: 1, insert: '!' }, 4, '\n'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('\uFEFFa!\r\nb\r\n');
  });
});
