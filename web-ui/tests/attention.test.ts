import { expect, test } from 'vitest';
import { Attention, type Entry } from '../src/plugins/attention';

const KEY = { key: 'k', code: 'KeyK', ctrlKey: true, metaKey: false, altKey: false, shiftKey: false };
const robbed = { tab: false, typing: true, hovered: false, since: 0 };

function world() {
  let now = 1000;
  let how: Entry = robbed;
  let given = 0;
  let tabs = 0;
  let stopped = false;
  const timers: { at: number; work: () => void }[] = [];
  const attention = new Attention({
    now: () => now,
    later: (work, ms) => timers.push({ at: now + ms, work }),
    how: () => how,
    tabs: () => (tabs += 1),
    giveBack: () => (given += 1),
    stop: () => (stopped = true),
  });
  const pass = (ms: number) => {
    now += ms;
    for (const { at, work } of timers.splice(0)) if (at <= now) work();
  };
  const enter = (by: Partial<Entry> = {}) => {
    how = { ...robbed, ...by };
    attention.hear({ did: 'enter' });
  };
  return { attention, enter, pass, tabs: () => tabs, given: () => given, stopped: () => stopped };
}

test('a key counts that the fence saw pressed, once, and at once', () => {
  const { attention, pass } = world();
  expect(attention.pressed(KEY)).toBe(false);
  attention.hear({ did: 'key', ...KEY });
  expect(attention.pressed({ ...KEY, altKey: true })).toBe(false);
  expect(attention.pressed(KEY)).toBe(true);
  expect(attention.pressed(KEY)).toBe(false);
  attention.hear({ did: 'key', ...KEY });
  pass(1500);
  expect(attention.pressed(KEY)).toBe(false);
  attention.hear({ did: 'pointer', ...KEY });
  expect(attention.pressed(KEY)).toBe(false);
});

test('a frame answers for a while what somebody did in it', () => {
  const { attention, pass } = world();
  expect(attention.acted).toBe(false);
  attention.hear({ did: 'nothing' });
  expect(attention.acted).toBe(false);
  attention.hear({ did: 'pointer' });
  expect(attention.acted).toBe(true);
  pass(6000);
  expect(attention.acted).toBe(false);
});

test('who was typing gets the keyboard back from a script, and a script that goes on is stopped', () => {
  const { enter, pass, given, stopped } = world();
  enter();
  pass(5000);
  enter();
  expect([given(), stopped()]).toEqual([2, false]);
  enter();
  expect([given(), stopped()]).toEqual([3, true]);
});

test('whoever points into a frame, tabs there, or was not typing, keeps it', () => {
  const { attention, enter, pass, given } = world();
  enter({ tab: true });
  enter({ typing: false });
  attention.hear({ did: 'pointer' });
  enter();
  pass(1000);
  // The fence says it a moment later.
  enter({ hovered: true, since: 1500 });
  attention.hear({ did: 'pointer' });
  pass(300);
  // It went on by itself.
  enter({ hovered: true, since: 2500 });
  attention.hear({ did: 'leave' });
  pass(300);
  expect(given()).toBe(0);
  // That was before somebody did something on the page.
  enter({ hovered: true, since: 2550 });
  pass(300);
  expect(given()).toBe(1);
});

test('a Tab in a frame is told: the next frame may have it', () => {
  const { attention, tabs } = world();
  attention.hear({ did: 'key', ...KEY });
  attention.hear({ did: 'key', ...KEY, key: 'Tab' });
  expect(tabs()).toBe(1);
});
