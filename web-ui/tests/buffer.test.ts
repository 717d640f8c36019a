import { ChangeSet, Text } from '@codemirror/state';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, type TextContent } from '../src/api/client';
import { type BufferPorts, type SaveState, TextBuffer, type Unsent } from '../src/editor/buffer';
import { changesBetween, rebase, toText } from '../src/editor/rebase';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const down = () => new ApiError(0, 'unreachable', 'down');

/** A daemon of one text that merges as the real one does, an editor, and the buffer between them. */
function desk(text: string) {
  const server = { text, version: 1, down: false, loseAnswer: false, slowMs: 0, gone: false, writes: [] as string[] };
  const seen = { shown: text, states: [] as SaveState['is'][], kept: null as Unsent | null };
  const versions = new Map([['"v1"', text]]);
  const saves = new Set<string>();
  const content = (): TextContent => ({ text: server.text, etag: `"v${server.version}"` });
  const say = (next: string) => {
    server.text = next;
    server.version += 1;
    versions.set(`"v${server.version}"`, next);
  };
  const wait = () => new Promise((done) => setTimeout(done, server.slowMs));
  const ports: BufferPorts = {
    read: async () => {
      if (server.down) throw down();
      return content();
    },
    write: async (sent, etag) => {
      await wait();
      if (server.down) throw down();
      if (server.gone) throw new ApiError(404, 'not_found', 'deleted');
      server.writes.push(sent);
      const base = versions.get(etag);
      if (base === undefined) throw new ApiError(404, 'no_version', 'no such version');
      if (!saves.has(`${etag} ${sent}`)) say(rebase(base, changesBetween(base, sent), server.text).pending.apply(toText(server.text)).toString());
      saves.add(`${etag} ${sent}`);
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
  };
  const buffer = new TextBuffer(content(), ports);
  const type = (next: string) => {
    const changes = changesBetween(seen.shown, next);
    seen.shown = next;
    buffer.edited(changes);
  };
  /** The page is closed with what is unsent; another one takes it up. */
  const nextPage = () => {
    if (!seen.kept) throw new Error('nothing was kept');
    buffer.close();
    const next = TextBuffer.resume(seen.kept, ports);
    seen.shown = next.text;
    return next;
  };
  return { server, seen, buffer, type, others: say, nextPage, forget: () => versions.clear() };
}

describe('a text being edited', () => {
  test('is saved soon after the last letter', async () => {
    const { server, seen, type } = desk('a');
    type('ab');
    await vi.advanceTimersByTimeAsync(250);
    type('abc');
    await vi.advanceTimersByTimeAsync(250);
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
    await vi.advanceTimersByTimeAsync(400);
    type('abc');
    await vi.advanceTimersByTimeAsync(250);
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

  test('a box that is ticked here and elsewhere at once is ticked, with one letter', async () => {
    const { server, seen, buffer, type, others } = desk('- [ ] boil\n- [ ] cool\n');
    type('- [x] boil\n- [ ] cool it\n');
    others('- [x] boil\n- [x] cool\n');
    await buffer.refresh('v2');
    expect(seen.shown).toBe('- [x] boil\n- [x] cool it\n');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('- [x] boil\n- [x] cool it\n');
  });

  test('a box that was ticked and opened again before a save is no change beside another’s tick', async () => {
    const { server, seen, buffer, type, others } = desk('- [ ] boil\n');
    type('- [x] boil\n');
    type('- [ ] boil\n');
    others('- [x] boil\n');
    await buffer.refresh('v2');
    expect(seen.shown).toBe('- [x] boil\n');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('- [x] boil\n');
  });

  test('the same letter that two typed elsewhere stays twice', async () => {
    const { server, buffer, type, others } = desk('[a] \n');
    type('[a] x\n');
    others('[a] x\n');
    await buffer.refresh('v2');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('[a] xx\n');
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
    expect(seen.kept?.etag).toBe('"v1"');
    expect(seen.kept?.base.toString()).toBe('a');
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

  /** losses.md L34 */
  test('what an earlier page could not send is sent by the next one, from its own version', async () => {
    const { server, seen, type, others, nextPage } = desk('body\n');
    server.down = true;
    type('body\nunsent\n');
    await vi.advanceTimersByTimeAsync(3000);
    others('top\nbody\n');
    server.down = false;
    nextPage();
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('top\nbody\nunsent\n');
    expect(seen.shown).toBe(server.text);
    expect(seen.kept).toBeNull();
  });

  test('what had arrived before its page was closed is not doubled by the next one', async () => {
    const { server, seen, type, others, nextPage } = desk('body\n');
    server.loseAnswer = true;
    type('body\nsent\n');
    await vi.advanceTimersByTimeAsync(400);
    type('body\nsent\nand more\n');
    others('body\nsent, and changed\n');
    server.loseAnswer = false;
    nextPage();
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.text.match(/sent/g)).toHaveLength(1);
    expect(server.text.match(/and more/g)).toHaveLength(1);
    expect(seen.shown).toBe(server.text);
    expect(seen.kept).toBeNull();
  });

  test('a daemon whose store was made anew does not know the version: the text goes on top of what there is', async () => {
    const { server, seen, type, others, forget } = desk('one\ntwo\n');
    server.down = true;
    type('one\ntwo!\n');
    await vi.advanceTimersByTimeAsync(2000);
    forget();
    others('zero\none\ntwo\n');
    server.down = false;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.text).toBe('zero\none\ntwo!\n');
    expect(seen.states.at(-1)).toBe('saved');
  });

  test('an entry that is gone: the text stays, and is kept', async () => {
    const { server, seen, buffer, type } = desk('a');
    server.gone = true;
    type('ab');
    await vi.advanceTimersByTimeAsync(2000);
    expect(seen.states.at(-1)).toBe('gone');
    expect(buffer.text).toBe('ab');
    expect(seen.kept?.typed.apply(seen.kept.base).toString()).toBe('ab');
  });

  test('who types without a pause is saved all the same, and hears within two seconds when it fails', async () => {
    const { server, seen, type } = desk('');
    server.slowMs = 60_000;
    let text = '';
    for (let key = 0; key < 19; key += 1) {
      text += 'x';
      type(text);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(seen.states).toContain('failing');
  });

  test('Windows line ends and a byte order mark stay', async () => {
    const { server, buffer } = desk('\uFEFFa\r\nb\r\n');
    expect(buffer.text).toBe('a\nb\n');
    buffer.edited(ChangeSet.of({ from: 1, insert: '!' }, 4, '\n'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.text).toBe('\uFEFFa!\r\nb\r\n');
  });
});
