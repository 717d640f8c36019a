import { expect, test } from 'vitest';
import { cutOff, reasonOf, refusalOf, sentence, troubleOf } from '../src/state/standing';

const peer = (connected: boolean, turned_away: boolean) => ({ device: 'd', name: 'd', connected, turned_away, records_behind: 0, blobs_missing: 0, blobs_left: 0 });

test.each([
  ['owner', 'ready', null], ['editor', 'ready', null], ['viewer', 'ready', 'viewer'], ['commenter', 'held', 'commenter'],
  [null, 'ready', 'none'], [null, 'joining', null],
])('who is %s in a notebook that is %s is refused as %s', (role, state, refusal) => {
  expect(refusalOf({ role, state })).toBe(refusal);
});

test('a device is cut off when it is removed, or when nobody that answers shares with it', () => {
  expect(cutOff({ role: null, state: 'ready', peers: [] })).toBe('removed');
  expect(cutOff({ role: null, state: 'joining', peers: [] })).toBe(null);
  expect(cutOff({ role: 'editor', state: 'ready', peers: [peer(false, false)] })).toBe(null);
  expect(cutOff({ role: 'editor', state: 'ready', peers: [peer(false, true), peer(false, false)] })).toBe('turnedAway');
  // One that does not know of it yet says nothing about those that do.
  expect(cutOff({ role: 'editor', state: 'ready', peers: [peer(true, true), peer(true, false)] })).toBe(null);
});

test('the commands of a terminal are not said where buttons are', () => {
  expect(reasonOf({ reason: '2 deletions at once wait for your yes or no: `a.md`, `b.md`. Yes, delete: `codexd notebook resume lab`' })).toBe('2 deletions at once wait for your yes or no: `a.md`, `b.md`.');
  expect(reasonOf({ reason: null })).toBe('');
});

test('what is wrong with a file is found by its path', () => {
  expect(troubleOf({ problems: [{ path: 'a.md', reason: 'not shared' }] as never }, 'a.md')).toBe('not shared');
  expect(troubleOf({ problems: [{ path: 'a.md', reason: 'not shared' }] as never }, 'b.md')).toBe(null);
});

test('what the daemon says becomes a sentence', () => {
  expect(sentence('ask an owner')).toBe('Ask an owner.');
  expect(sentence('It is so.')).toBe('It is so.');
});
