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
    for (const timer of timers.splice(0)) timer.at <= now ? timer.work() : timers.push(timer);
  };
  const enter = (by: Partial<Entry> = {}) => {
    how = { ...robbed, ...by };
    attention.hear({ did: 'enter' });
  };
  return { attention, enter, pass, tabs: () => tabs, given: () => given, stopped: () => stopped };
}

test('a key counts that the fence saw pressed, once, and at once, whichever of the two ports is first', () => {
  const { attention, pass } = world();
  let done = 0;
  const handOn = (more = {}) => {
    done = 0;
    attention.handOn({ ...KEY, ...more }, () => (done += 1));
    return done;
  };
  expect(handOn()).toBe(0);
  attention.hear({ did: 'key', ...KEY, altKey: true });
  attention.hear({ did: 'pointer' });
  expect(done).toBe(0);
  attention.hear({ did: 'key', ...KEY });
  attention.hear({ did: 'key', ...KEY });
  expect(done).toBe(1);
  expect(handOn({ altKey: true })).toBe(0);
  expect(handOn()).toBe(1);
  expect(handOn()).toBe(0);
  pass(1500);
  attention.hear({ did: 'key', ...KEY });
  expect(done).toBe(0);
  pass(1500);
  expect(handOn()).toBe(0);
});

test('a frame answers for a while what somebody did in it; what nobody did is offered', () => {
  const { attention, pass } = world();
  let [answered, offered] = [0, 0];
  const answer = () => attention.answer(() => (answered += 1), () => (offered += 1));
  answer();
  attention.hear({ did: 'nothing' });
  expect([answered, offered]).toEqual([0, 0]);
  pass(1000);
  expect([answered, offered]).toEqual([0, 1]);
  attention.hear({ did: 'pointer' });
  expect([answered, offered]).toEqual([0, 1]);
  answer();
  expect([answered, offered]).toEqual([1, 1]);
  pass(6000);
  // The fence says it after the view.
  answer();
  attention.hear({ did: 'pointer' });
  pass(1000);
  expect([answered, offered]).toEqual([2, 1]);
  // Of several that nobody asked for the last is offered.
  pass(6000);
  for (const _ of [1, 2, 3]) answer();
  pass(1000);
  expect([answered, offered]).toEqual([2, 2]);
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
  pass(500);
  // It went on by itself.
  enter({ hovered: true, since: 2500 });
  attention.hear({ did: 'leave' });
  pass(500);
  expect(given()).toBe(0);
  // That was before somebody did something on the page.
  enter({ hovered: true, since: 2800 });
  pass(500);
  expect(given()).toBe(1);
});

test('a Tab in a frame is told: the next frame may have it', () => {
  const { attention, tabs } = world();
  attention.hear({ did: 'key', ...KEY });
  attention.hear({ did: 'key', ...KEY, key: 'Tab' });
  expect(tabs()).toBe(1);
});
