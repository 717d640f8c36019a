/** For whoever writes a view: the SDK says what the page says, believes nobody else, and no key of anybody's is more than a key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { file, sent, showScript } from './desk';

/** Runs in the frame. */
declare const codex: Record<string, (...given: unknown[]) => unknown>;
interface Kept {
  files: { properties: Record<string, unknown>; title: string }[];
  config: Record<string, unknown>;
  [key: string]: unknown;
}
declare global {
  interface Window {
    kept: Kept;
    changes: number;
  }
}

const KEEP = "window.changes = 0; codex.start((view) => { window.kept = view; view.onchange = () => { window.changes += 1; }; view.root.append(codex.h('p', null, 'here')); });";

test('a ping is answered, also among messages that mean nothing', async ({ page }) => {
  await showScript(page, KEEP);
  await page.evaluate(() => {
    for (const odd of [null, 1, 'x', [], {}, { type: 'reply', id: 99, value: 1 }, { type: '__proto__' }, { type: 'constructor' }, { type: 'change', answer: 7 }, { type: 'change', answer: { files: 'no', groups: 3 } }]) window.desk.send(odd);
    window.desk.send({ type: 'ping', id: 5 });
  });
  await expect.poll(() => sent(page, 'pong')).toEqual([{ type: 'pong', id: 5 }]);
});

/** Another frame of the page that speaks to the view as the page does. Runs in the page. */
const rival = (): Promise<void> => {
  const other = document.createElement('iframe');
  other.srcdoc = '<script>const c = new MessageChannel(); parent.frames[0].postMessage({ codex: 1 }, "*", [c.port2]); c.port1.postMessage({ type: "begin", config: { taken: true }, answer: {} }); c.port1.postMessage({ type: "change", config: { taken: true } });<' + '/script>';
  document.body.append(other);
  return new Promise((done) => other.addEventListener('load', () => done()));
};

test('no other window is believed, and no second port', async ({ page }) => {
  const frame = await showScript(page, KEEP, [], { config: { mine: true } }, '', () => page.evaluate(rival));
  await page.evaluate(rival);
  await page.evaluate(() => {
    const again = new MessageChannel();
    document.querySelector('iframe')?.contentWindow?.postMessage({ codex: 1 }, '*', [again.port2]);
    again.port1.postMessage({ type: 'change', config: { taken: true } });
    window.desk.send({ type: 'ping', id: 1 });
  });
  await expect.poll(() => sent(page, 'pong')).toHaveLength(1);
  expect(await frame.evaluate(() => ({ ...window.kept.config }))).toEqual({ mine: true });
});

test('keys like `__proto__` and `constructor` are keys', async ({ page }) => {
  const frame = await showScript(page, KEEP);
  await page.evaluate(() => {
    const evil = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "a": {"__proto__": {"polluted": 1}}}') as Record<string, unknown>;
    window.desk.send({ type: 'change', config: evil, values: evil, answer: { files: [{ id: 'x', properties: evil }], groups: JSON.parse('{"__proto__": []}') as unknown, total: 1 } });
  });
  await expect.poll(() => frame.evaluate(() => window.changes)).toBe(1);
  const seen = await frame.evaluate(() => ({
    polluted: ({} as Record<string, unknown>)['polluted'], config: window.kept.config['polluted'], keys: Object.keys(window.kept.config), none: typeof window.kept.files[0]?.properties['toString'],
    mine: Object.hasOwn(window.kept.config, '__proto__'), groups: Object.keys(window.kept['groups'] as object), filter: codex['matches']?.(window.kept.files[0], { toString: 'x' }),
  }));
  expect(seen).toEqual({ polluted: undefined, config: undefined, keys: ['__proto__', 'constructor', 'a'], none: 'undefined', mine: true, groups: ['__proto__'], filter: false });
});

test('a script that throws says so where it would be', async ({ page }) => {
  const frame = await showScript(page, "codex.start(() => { throw new Error('no such column'); });");
  await expect(frame.getByRole('alert')).toHaveText('This view stopped: no such column (line 1 of the script)');
});

for (const [what, script, words] of [
  ['while it draws, below a function', "\nconst row = (n) => {\n  if (n === 2) throw new TypeError('no row at x.js:7:7');\n  return n;\n};\ncodex.start(() => [1, 2].forEach(row));", 'This view stopped: no row at x.js:7:7 (line 3 of the script)'],
  ['within the SDK', "codex.start((view) => {\n  view.root.append(codex.h('p', { onclick: 'x' }));\n});", 'This view stopped: codex.h: onclick must be a function (line 2 of the script)'],
  ['after it waited', "codex.start(async (view) => {\n  view.root.append('here');\n  await view.query({});\n  throw new Error('no such column');\n});", 'This view stopped: no such column (line 4 of the script)'],
  ['without a reason', "codex.start(async (view) => {\n  view.root.append('here');\n  throw null;\n});", 'This view stopped: it was refused'],
] as const) {
  test(`a script that throws ${what} is named with its line`, async ({ page }) => {
    const frame = await showScript(page, script);
    await expect(frame.getByRole('alert')).toHaveText(words);
  });
}

test('what is refused to a script that waits for it before it draws is named in its place', async ({ page }) => {
  const frame = await showScript(page, "codex.start(async (view) => {\n  view.root.append(codex.h('p', null, 'here'));\n  await new Promise((done) => (window.go = done));\n  await view.text('a');\n});");
  await page.evaluate(() => window.desk.refused.push('text'));
  await frame.evaluate(() => (window as unknown as { go: () => void }).go());
  await expect(frame.getByRole('alert')).toHaveText('This view stopped: it may not text');
});

test('a script that does not call codex.start is named, and drawn if it does later', async ({ page }) => {
  const frame = await showScript(page, "window.later = () => codex.start((view) => view.root.append(codex.h('p', null, 'here')));");
  await expect(frame.getByRole('alert')).toHaveText('This view stopped: the script does not call codex.start');
  await frame.evaluate(() => (window as unknown as { later: () => void }).later());
  await expect(frame.getByRole('alert')).toHaveCount(0);
  await expect(frame.getByText('here')).toBeVisible();
});

test('what a script throws when something is pressed is said, with its line, and the view stays', async ({ page }) => {
  const script = `codex.start((view) => {
    const button = (name, onclick) => codex.h('button', { onclick }, name);
    view.root.append(
      button('At once', () => { throw new Error('it went wrong'); }),
      button('Later', async () => {
        await view.query({});
        throw new Error('it went wrong later');
      }),
      button('Often', () => { for (let n = 0; n < 500; n += 1) queueMicrotask(() => { throw new Error('again'); }); }));
  });`;
  const frame = await showScript(page, script);
  await page.clock.install();
  await frame.getByRole('button', { name: 'At once' }).click();
  await expect.poll(() => sent(page, 'say')).toEqual([{ type: 'say', text: 'it went wrong (line 4 of the script)' }]);
  await page.clock.fastForward(1000);
  await frame.getByRole('button', { name: 'Later' }).click();
  await expect.poll(async () => (await sent(page, 'say')).at(-1)).toEqual({ type: 'say', text: 'it went wrong later (line 7 of the script)' });
  await page.clock.fastForward(1000);
  await frame.getByRole('button', { name: 'Often' }).click();
  await expect.poll(async () => (await sent(page, 'say')).at(-1)).toEqual({ type: 'say', text: 'again (line 9 of the script)' });
  await page.evaluate(() => window.desk.send({ type: 'ping', id: 1 }));
  await expect.poll(() => sent(page, 'pong')).toHaveLength(1);
  expect(await sent(page, 'say')).toHaveLength(3);
  await expect(frame.getByRole('button')).toHaveCount(3);
});

for (const [what, script, words] of [
  ['cannot be read', '\n\ncodex.start((view => {', 'This view stopped: Unexpected end of input (line 3 of the script)'],
  ['throws before it says how it draws', 'const one = 1;\none.two.three();', "This view stopped: Cannot read properties of undefined (reading 'three') (line 2 of the script)"],
  ['waits for what fails', "await Promise.reject(new Error('nothing came'));", 'This view stopped: nothing came (line 1 of the script)'],
] as const) {
  test(`a script that ${what} says so where it would be`, async ({ page }) => {
    const frame = await showScript(page, script);
    await expect(frame.getByRole('alert')).toHaveText(words);
  });
}

test('Escape closes what is open in the frame, and goes to the page when nothing is', async ({ page }) => {
  const open = "codex.start((view) => { const box = codex.h('dialog', {}, codex.h('button', {}, 'Inside')); view.root.append(codex.h('button', { onclick: () => box.showModal() }, 'Open'), box); });";
  const frame = await showScript(page, open, [], { keys: ['Escape'] });
  await frame.getByRole('button', { name: 'Open' }).click();
  await page.keyboard.press('Escape');
  await expect(frame.getByRole('dialog')).toHaveCount(0);
  expect(await sent(page, 'key')).toEqual([]);
  await page.keyboard.press('Escape');
  await expect.poll(() => sent(page, 'key')).toMatchObject([{ key: 'Escape' }]);
});

test('the example of a view in the documentation moves a card, by pointer and by keys', async ({ page }) => {
  const written = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8').split('## A view in ten minutes')[1] ?? '';
  const [, script = ''] = /```js\n([\s\S]+?)```/.exec(written) ?? [];
  const [, style = ''] = /```css\n([\s\S]+?)```/.exec(written) ?? [];
  const frame = await showScript(page, script, [file('a', { title: 'Sow', status: 'todo' }), file('b', { title: 'Reap', status: 'done' })], { config: { by: 'status' } }, style);
  const column = (name: string) => frame.getByRole('region', { name });
  await expect(column('Todo').getByRole('heading', { level: 3 })).toHaveText(['Sow']);
  const [from, to] = [await column('Todo').getByRole('article').boundingBox(), await column('Done').boundingBox()];
  expect(from?.x).toBeGreaterThan(15);
  await page.mouse.move((from?.x ?? 0) + 90, (from?.y ?? 0) + 8);
  await page.mouse.down();
  await page.mouse.move((to?.x ?? 0) + 40, (to?.y ?? 0) + 20, { steps: 5 });
  // Where it would be dropped is seen, and nothing moves for it.
  await expect(column('Done')).toHaveClass('codex-over');
  await expect(column('Done')).toHaveCSS('outline-style', 'solid');
  expect(await column('Done').boundingBox()).toEqual(to);
  await page.mouse.up();
  await expect(column('Done')).toHaveCSS('outline-style', 'none');
  await expect(column('Done').getByRole('heading', { level: 3 })).toHaveText(['Sow', 'Reap']);
  expect(await sent(page, 'set')).toMatchObject([{ entry: 'a', properties: { status: 'done' } }]);
  await page.evaluate(() => {
    window.desk.files.push({ ...window.desk.files[0], id: 'c', title: 'Weed', properties: { title: 'Weed' } } as (typeof window.desk.files)[0]);
    window.desk.change();
  });
  await column('None').getByRole('button', { name: 'Move…' }).press('Enter');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect(column('Done').getByRole('heading', { level: 3 })).toHaveText(['Sow', 'Reap', 'Weed']);
});

test('`class` and `className` are one', async ({ page }) => {
  const frame = await showScript(page, "codex.start((view) => view.root.append(codex.h('p', { class: 'one' }, 'a'), codex.h('p', { className: 'two' }, 'b')));");
  expect(await frame.locator('p').evaluateAll((all) => all.map((each) => each.className))).toEqual(['one', 'two']);
});

test('a call is answered, or refused with its reason', async ({ page }) => {
  const frame = await showScript(page, KEEP, [file('a', { n: 1 })]);
  expect(await frame.evaluate(async () => (await (window.kept['query'] as (q: unknown) => Promise<{ total: number }>)({})).total)).toBe(1);
  await page.evaluate(() => window.desk.refused.push('text'));
  expect(await frame.evaluate(async () => (window.kept['text'] as (id: string) => Promise<unknown>)('a').catch((reason: unknown) => reason))).toEqual({ code: 'not_permitted', message: 'it may not text' });
  await frame.evaluate(() => void (window.kept['text'] as (id: string) => Promise<unknown>)('a'));
  await expect.poll(() => sent(page, 'say')).toEqual([{ type: 'say', text: 'it may not text' }]);
});

test('a property that was taken away again is gone, and what was refused stands as it stood', async ({ page }) => {
  const frame = await showScript(page, KEEP, [file('a', { n: 1, keep: 'k' })]);
  const set = (properties: Record<string, unknown>) => frame.evaluate((given) => (window.kept['set'] as (...all: unknown[]) => Promise<boolean>)(window.kept.files[0], given), properties);
  const now = () => frame.evaluate(() => ({ ...window.kept.files[0]?.properties }));
  expect(await set({ n: null, m: 2 })).toBe(true);
  expect((await sent(page, 'set'))[0]).toMatchObject({ properties: { m: 2 }, remove: ['n'] });
  expect(await now()).toEqual({ keep: 'k', m: 2 });
  await page.evaluate(() => window.desk.refused.push('set'));
  expect(await set({ keep: null, m: 3, title: 'New' })).toBe(false);
  expect(await now()).toEqual({ keep: 'k', m: 2 });
  expect(await frame.evaluate(() => window.kept.files[0]?.title)).toBe('a');
});

test('of a theme only variables are taken, and they go with it', async ({ page }) => {
  const frame = await showScript(page, KEEP);
  const style = (name: string) => frame.evaluate((wanted) => document.documentElement.style.getPropertyValue(wanted), name);
  await page.evaluate(() => window.desk.send({ type: 'change', theme: { dark: true, reducedMotion: true, variables: { '--color-accent': '#123456', '--x': 'url(http://evil.test)', background: 'red', '--y': 1 } } }));
  await expect.poll(() => style('--color-accent')).toBe('#123456');
  expect([await style('--x'), await style('background'), await style('--y'), await style('color-scheme')]).toEqual(['', '', '', 'dark']);
  expect(await frame.evaluate(() => document.documentElement.classList.contains('codex-still'))).toBe(true);
  await page.evaluate(() => window.desk.send({ type: 'change', theme: { dark: false, reducedMotion: false, variables: {} } }));
  await expect.poll(() => style('--color-accent')).toBe('');
});

test('an element has text as text, and no code as text', async ({ page }) => {
  const frame = await showScript(page, KEEP);
  const made = await frame.evaluate(() => {
    const attempt = (attributes: unknown): string => {
      try {
        codex['h']?.('p', attributes);
        return 'made';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const element = codex['h']?.('p', { class: 'a', style: { '--n': 1 }, hidden: false, title: null }, '<b>x</b>', null, [1, ['y']]) as HTMLElement;
    return { html: element.innerHTML, outer: element.getAttributeNames(), on: attempt({ onclick: 'alert(1)' }), inner: attempt({ innerHTML: '<i>' }) };
  });
  expect(made).toEqual({ html: '&lt;b&gt;x&lt;/b&gt;1y', outer: ['class', 'style'], on: 'codex.h: onclick must be a function', inner: 'codex.h: there is no innerHTML; children are text' });
});

test('days are days everywhere; columns, properties and what is missing compare as in a query', async ({ page }) => {
  const frame = await showScript(page, KEEP, [file('a', { due: '2026-12-01', n: 2, deep: { x: 1 } })]);
  const read = await frame.evaluate(() => {
    const [one] = window.kept.files;
    const get = (name: string) => codex['get']?.(one, name);
    const compare = (a: unknown, b: unknown) => Math.sign(codex['compare']?.(a, b) as number);
    return {
      day: codex['day']?.('2026-12-01'), late: codex['day']?.('2026-12-01T23:30'), none: codex['date']?.('2026-13-01'), shown: codex['format']?.('2026-12-01'), list: codex['format']?.(['a', 1234.5, true]),
      get: [get('due'), get('properties.n'), get('name'), get('properties.name'), get('deep.x'), get('tags')], label: codex['label']?.('properties.due_date'),
      compare: [compare(2, 10), compare('item 2', 'item 10'), compare(null, 'a'), compare(5, 'a'), compare('', undefined)],
    };
  });
  expect(read).toEqual({
    day: '2026-12-01', late: '2026-12-01', none: null, shown: '1 Dec 2026', list: 'a, 1,234.5, Yes', get: ['2026-12-01', 2, 'a.md', undefined, 1, undefined], label: 'Due date', compare: [-1, -1, 1, -1, 0],
  });
});

test('a list of any length has few rows in the page, and the keyboard reaches the last', async ({ page }) => {
  const script = `codex.start((view) => {
    const items = Array.from({ length: 50000 }, (_, at) => ({ id: String(at), text: 'line '.repeat(1 + at % 7) + at }));
    window.list = codex.list({ items, key: (item) => item.id, label: 'Lines', estimate: 20, row: (item) => codex.h('p', { style: { width: '120px' } }, item.text) });
    view.root.append(window.list.element);
  });`;
  const frame = await showScript(page, script);
  expect(await frame.getByRole('listitem').count()).toBeLessThan(80);
  await frame.getByRole('listitem').first().focus();
  await page.keyboard.press('End');
  await expect(frame.locator(':focus')).toContainText('49999');
  await expect(frame.locator(':focus')).toHaveAttribute('aria-posinset', '50000');
  const bottom = await frame.locator(':focus').boundingBox();
  expect((bottom?.y ?? 0) + (bottom?.height ?? 0)).toBeLessThanOrEqual(901);
  // Rows of any height do not cover one another.
  await page.keyboard.press('Home');
  await page.keyboard.press('PageDown');
  const boxes = await frame.getByRole('listitem').evaluateAll((all) => all.map((each) => each.getBoundingClientRect()).map(({ top, bottom: end }) => [top, end]).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)));
  const above = boxes.slice(1).filter((box, at) => (box[0] ?? 0) < (boxes[at]?.[1] ?? 0) - 1);
  expect(above).toEqual([]);
});

test('the keyboard stays with its item when the order is another', async ({ page }) => {
  const script = `codex.start((view) => {
    const list = codex.list({ items: [], key: codex.key, label: 'Files', row: (each) => codex.h('p', null, each.title) });
    view.root.append(list.element);
    view.onchange = () => list.set(view.files);
    view.onchange();
  });`;
  const frame = await showScript(page, script, ['a', 'b', 'c', 'd'].map((id) => file(id)));
  await frame.getByRole('listitem').filter({ hasText: 'c' }).focus();
  await page.evaluate(() => {
    window.desk.files.reverse();
    window.desk.change();
  });
  await expect(frame.getByRole('listitem').first()).toHaveText('d');
  await expect(frame.locator(':focus')).toHaveText('c');
  await page.keyboard.press('ArrowDown');
  await expect(frame.locator(':focus')).toHaveText('b');
});

test('the view that docs/plugins.md writes works as it stands there', async ({ page }) => {
  const written = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8');
  const script = /```js\n(codex\.start[\s\S]+?)```/.exec(written)?.[1] ?? '';
  const frame = await showScript(page, script, [file('a', { title: 'One', priority: 'high' }), file('b', { title: 'Two' })], { config: { by: 'priority' } });
  await expect(frame.getByRole('heading', { level: 2 })).toHaveText(['High', 'None']);
  await frame.getByRole('button', { name: 'Two' }).click();
  expect(await sent(page, 'open')).toMatchObject([{ entry: 'b' }]);
  await page.evaluate(() => window.desk.change({ config: { by: 'title' } }));
  await expect(frame.getByRole('heading', { level: 2 })).toHaveText(['One', 'Two']);
});
