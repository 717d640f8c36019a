import { expect, test } from 'vitest';
import type { Dict } from '../src/api/plugins';
import { EVERY_MS, Keeper } from '../src/plugins/keeping';

test('what is kept goes at once, and then in one until some time has passed; nothing of it is lost', async () => {
  const sent: Dict[] = [];
  const timers: { work: () => void; ms: number }[] = [];
  const keeper = new Keeper({ send: (values) => Promise.resolve(sent.push(values)), later: (work, ms) => timers.push({ work, ms }) });
  const pass = () => timers.shift()?.work();
  await keeper.keep({ a: 1 });
  expect(sent).toEqual([{ a: 1 }]);
  const first = keeper.keep({ a: 2, b: 1 });
  const second = keeper.keep({ a: 3 });
  expect(sent).toHaveLength(1);
  expect(timers.map(({ ms }) => ms)).toEqual([EVERY_MS]);
  pass();
  expect(await Promise.all([first, second])).toEqual([2, 2]);
  expect(sent[1]).toEqual({ a: 3, b: 1 });
  void keeper.keep({ c: 1 });
  expect(sent).toHaveLength(2);
  keeper.close();
  expect(sent[2]).toEqual({ c: 1 });
  pass();
  pass();
  expect(sent).toHaveLength(3);
  await keeper.keep({ d: 1 });
  expect(sent[3]).toEqual({ d: 1 });
});

test('who is refused is told so, also of what waited', async () => {
  let later = () => {};
  const keeper = new Keeper({ send: () => Promise.reject(new Error('no')), later: (work) => (later = work) });
  await expect(keeper.keep({ a: 1 })).rejects.toThrow('no');
  const waits = keeper.keep({ a: 2 });
  later();
  await expect(waits).rejects.toThrow('no');
});
