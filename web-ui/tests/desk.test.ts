import { expect, test, vi } from 'vitest';

vi.stubGlobal('location', { protocol: 'http:', host: 'localhost', hash: '' });
vi.stubGlobal('window', { addEventListener: () => {} });
const { desk } = await import('../src/state/desk.svelte');

const said = () => desk.messages.map(({ text }) => text);

test('what went wrong is said once, for a while, and not on the next page', () => {
  vi.useFakeTimers();
  desk.say('it failed', true);
  desk.say('done');
  desk.say('it failed', true);
  expect(said()).toEqual(['done', 'it failed']);
  // What is said as the page turns is of the new one.
  desk.turnPage();
  expect(said()).toEqual(['done', 'it failed']);
  vi.advanceTimersByTime(3000);
  desk.turnPage();
  expect(said()).toEqual(['done']);
  desk.say('again', true);
  vi.advanceTimersByTime(12_000);
  expect(said()).toEqual([]);
  vi.useRealTimers();
});

test('a plugin that goes on saying things has one place among the messages', () => {
  desk.say('Moved to the trash');
  for (let at = 0; at < 5; at += 1) desk.say(`word ${at}`, false, null, 'chatter');
  desk.say('another', false, null, 'other');
  expect(said()).toEqual(['Moved to the trash', 'word 4', 'another']);
});
