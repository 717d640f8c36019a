/** For whoever looks at entries: each bundled view shows what it is asked to, by pointer and by keys, and axe finds nothing serious in it. */
import { type Frame, type Page, expect, test } from '@playwright/test';
import { barriers } from './axe';
import { type File, type Properties, file, sent, show } from './desk';

const board = {
  columns: [
    { id: 'todo', title: 'To do', filter: { status: 'todo' } },
    { id: 'doing', title: 'Doing', filter: { status: 'doing' } },
    { id: 'done', title: 'Done', filter: { status: ['done', 'closed'] } },
  ],
  card_fields: ['assignee', 'due_date'],
};
const people = ['Ada', 'Mei', 'Jonas'];
const states = ['todo', 'doing', 'done'];
const some = (count: number): File[] =>
  Array.from({ length: count }, (_, at) =>
    file(`e${at}`, {
      title: `Sample ${at}`, type: 'task', status: states[at % 3], assignee: people[at % 3], due_date: `2026-11-${String(1 + (at * 7) % 28).padStart(2, '0')}`, yield: at * 1.5,
      tags: at % 2 === 0 ? ['wet'] : ['dry', 'cold'], lat: (at * 13) % 120 - 60, lon: (at * 29) % 360 - 180,
    }, { ...(at % 2 === 0 ? { media_type: 'image/png', name: `e${at}.png` } : {}), modified: `2026-11-${String(1 + (at * 3) % 28).padStart(2, '0')}T12:00:00Z` }));

const views: [name: string, where: string, config: Properties][] = [
  ['kanban', 'tasks/kanban', board], ['task-list', 'tasks/task-list', {}], ['gallery', 'gallery/gallery', {}], ['rollup', 'rollup/rollup', { group_by: 'modified', group_format: 'week' }],
  ['corkboard', 'corkboard/corkboard', { card_fields: ['assignee'], grid: true }], ['swimlanes', 'corkboard/corkboard', { layout: 'swimlanes', card_style: 'detailed' }],
  ['calendar', 'calendar/calendar', {}], ['week', 'calendar/calendar', { view: 'week' }], ['table', 'table/table', {}], ['map', 'map/map', { card_fields: ['status'] }],
  ['dashboard', 'core/dashboard', { layout: [{ components: [{ type: 'mini-view', span: 6, view: 'Board.cdx' }, { type: 'chart' }] }] }],
];

async function sound(page: Page, what: string): Promise<void> {
  expect(await barriers(page), what).toEqual([]);
}

test('axe finds nothing serious in what opens', async ({ page }) => {
  // Axe looks a dozen times.
  test.setTimeout(180_000);
  for (const dark of [false, true]) {
    let frame = await show(page, 'tasks/kanban', some(9), { config: board, dark });
    await frame.getByRole('listitem').first().focus();
    await page.keyboard.press('Shift+F10');
    await sound(page, 'menu');
    await frame.getByRole('menuitem', { name: 'Change due date…' }).click();
    await sound(page, 'field');
    frame = await show(page, 'gallery/gallery', some(9), { dark });
    await frame.getByRole('listitem').first().click();
    await sound(page, 'large picture');
    frame = await show(page, 'table/table', some(9), { dark });
    await frame.getByRole('gridcell', { name: 'todo' }).first().click();
    await sound(page, 'cell');
    frame = await show(page, 'map/map', some(9), { dark });
    await frame.getByRole('listitem').first().focus();
    await sound(page, 'place');
    frame = await show(page, 'calendar/calendar', some(400), { dark });
    await frame.getByRole('button', { name: 'more' }).first().click();
    await sound(page, 'day');
  }
});

for (const [name, where, config] of views) {
  test(`axe finds nothing serious in ${name}`, async ({ page }) => {
    for (const [count, dark, width] of [[0, false, 1400], [40, false, 1400], [40, true, 1400], [40, false, 400]] as const) {
      await page.setViewportSize({ width, height: 800 });
      await show(page, where, some(count), { config, dark });
      await sound(page, `${count} ${dark} ${width}`);
    }
  });

  test(`ten thousand entries leave ${name} with few elements`, async ({ page }) => {
    const frame = await show(page, where, some(10_000), { config });
    expect(await frame.locator('*').count()).toBeLessThan(2500);
    await page.evaluate(() => window.desk.change());
    await expect.poll(() => frame.locator('*').count()).toBeLessThan(2500);
  });
}

const titles = (frame: Frame, lane: string): Promise<string[]> => frame.getByRole('region', { name: lane }).locator('h3').allTextContents();
const props = (page: Page, id: string): Promise<Properties | undefined> => page.evaluate((wanted) => window.desk.files.find((each) => each.id === wanted)?.properties, id);

test.describe('kanban', () => {
  test('a card dropped on a column gets the properties of its filter', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await frame.getByText('Sample 0', { exact: true }).hover();
    await page.mouse.down();
    const to = await frame.getByRole('region', { name: 'Done' }).boundingBox();
    await page.mouse.move((to?.x ?? 0) + 60, (to?.y ?? 0) + 200, { steps: 5 });
    await page.mouse.up();
    expect(await titles(frame, 'Done')).toContain('Sample 0');
    const [set] = await sent(page, 'set');
    expect(set).toMatchObject({ entry: 'e0', notebook: 'lab', properties: { status: 'done' }, remove: [] });
    expect(await sent(page, 'open')).toEqual([]);
  });

  test('keys move a card, and the keyboard goes with it', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await frame.getByRole('listitem').filter({ hasText: 'Sample 3' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect(frame.getByRole('region', { name: 'Doing' }).locator(':focus')).toContainText('Sample 3');
    await page.keyboard.press('Alt+ArrowRight');
    await expect(frame.getByRole('region', { name: 'Done' }).locator(':focus')).toContainText('Sample 3');
    expect(await props(page, 'e3')).toMatchObject({ status: 'done' });
    await page.keyboard.press('Enter');
    expect(await sent(page, 'open')).toMatchObject([{ entry: 'e3', notebook: 'lab' }]);
  });

  test('what is refused goes back, and is said', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await page.evaluate(() => window.desk.refused.push('set'));
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(() => sent(page, 'say')).toMatchObject([{ text: '“Sample 0” was not changed: it may not set' }]);
    expect(await titles(frame, 'To do')).toEqual(['Sample 0', 'Sample 3']);
  });

  test('a change shows before it is answered; an older answer does not take it away; what somebody else did does', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await page.evaluate(() => window.desk.held.push('set'));
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(() => titles(frame, 'Doing')).toContain('Sample 0');
    await page.evaluate(() => window.desk.change());
    await page.evaluate(() => window.desk.change({ locale: 'en-GB' }));
    await expect(frame.getByRole('region', { name: 'Doing' }).locator('h2')).toContainText('3');
    await page.evaluate(() => {
      const [first] = window.desk.files;
      if (first) first.properties['status'] = 'closed';
      window.desk.change();
    });
    await expect.poll(() => titles(frame, 'Done')).toContain('Sample 0');
    // The file still gets what was asked for: there the one merge path decides.
    await page.evaluate(() => window.desk.release());
    await expect.poll(() => titles(frame, 'Doing')).toContain('Sample 0');
  });

  test('of two changes that follow one another the last is shown, whatever comes between', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await page.evaluate(() => window.desk.held.push('set'));
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await page.keyboard.press('Alt+ArrowRight');
    await page.evaluate(() => window.desk.change());
    await page.evaluate(() => window.desk.send({ type: 'ping', id: 1 }));
    await expect.poll(() => sent(page, 'pong')).toHaveLength(1);
    expect(await titles(frame, 'Done')).toContain('Sample 0');
    await page.evaluate(() => window.desk.release());
    await expect.poll(() => props(page, 'e0')).toMatchObject({ status: 'done' });
    expect(await titles(frame, 'Done')).toContain('Sample 0');
  });

  test('`drag_drop: false` moves nothing, `editable: false` changes nothing', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: { ...board, drag_drop: false, editable: false } });
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await page.keyboard.press('F2');
    await page.keyboard.press('Shift+F10');
    await expect(frame.getByRole('menuitem')).toHaveText(['Open']);
    expect(await sent(page, 'set')).toEqual([]);
  });

  test('a field of a card is changed beside it', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(6), { config: board });
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Shift+F10');
    await frame.getByRole('menuitem', { name: 'Change assignee…' }).click();
    await frame.getByLabel('Assignee').last().fill('Grace');
    await page.keyboard.press('Enter');
    await expect(frame.getByRole('listitem').filter({ hasText: 'Sample 0' })).toContainText('Grace');
    await expect(frame.locator(':focus')).toContainText('Sample 0');
    expect(await props(page, 'e0')).toMatchObject({ assignee: 'Grace' });
    // Escape leaves what was typed; a click beside it does not.
    for (const [away, left] of [['Escape', 'Grace'], ['click', 'Lise']] as const) {
      await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
      await page.keyboard.press('F2');
      await frame.getByLabel('Assignee').last().fill('Lise');
      if (away === 'click') await page.mouse.click(900, 700);
      else await page.keyboard.press(away);
      await expect.poll(() => props(page, 'e0')).toMatchObject({ assignee: left });
    }
  });

  test('no card is lost: what fits no column is shown in one of its own', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', [...some(3), file('odd', { title: 'Odd', status: 'toString' }), file('none', { title: 'None' })], { config: board });
    expect(await titles(frame, 'In no column')).toEqual(['Odd', 'None']);
  });

  test('columns of one id or one title all show their cards, each its own, and it is said', async ({ page }) => {
    const columns = [
      { id: 'open', title: 'To do', filter: { status: 'todo' } }, { id: 'open', title: 'Doing', filter: { status: 'doing' } },
      { title: 'Over', filter: { status: 'done' } }, { title: 'Over', filter: { status: 'dropped' } },
    ];
    const frame = await show(page, 'tasks/kanban', [...some(6), file('gone', { title: 'Gone', status: 'dropped' })], { config: { columns } });
    expect(await titles(frame, 'To do')).toEqual(['Sample 0', 'Sample 3']);
    expect(await titles(frame, 'Doing')).toEqual(['Sample 1', 'Sample 4']);
    const over = frame.getByRole('region', { name: 'Over' });
    await expect(over).toHaveCount(2);
    expect(await over.first().locator('h3').allTextContents()).toEqual(['Sample 2', 'Sample 5']);
    expect(await over.last().locator('h3').allTextContents()).toEqual(['Gone']);
    const warning = frame.getByText('Several columns have');
    await expect(warning).toHaveText('Several columns have the id “open”. Several columns have the title “Over”.');
    await sound(page, 'columns of one id');
    // Keys and the pointer go to the column that is meant.
    await frame.getByRole('listitem').filter({ hasText: 'Sample 0' }).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect(frame.getByRole('region', { name: 'Doing' }).locator(':focus')).toContainText('Sample 0');
    await frame.getByText('Sample 2', { exact: true }).hover();
    await page.mouse.down();
    const to = await over.last().boundingBox();
    await page.mouse.move((to?.x ?? 0) + 60, (to?.y ?? 0) + 200, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => props(page, 'e2')).toMatchObject({ status: 'dropped' });
    await expect.poll(() => over.last().locator('h3').allTextContents()).toContain('Sample 2');
    await page.evaluate((config) => window.desk.change({ config }), board);
    await expect(warning).toBeHidden();
    await expect(frame.getByRole('region', { name: 'In no column' }).locator('h3')).toHaveText(['Sample 2', 'Gone']);
  });

  test('of a list only what the column stood for is exchanged', async ({ page }) => {
    const columns = [{ id: 'a', title: 'A', filter: { tags: 'a' } }, { id: 'b', title: 'B', filter: { tags: 'b' } }];
    const frame = await show(page, 'tasks/kanban', [file('x', { title: 'X', tags: ['a', 'keep'] })], { config: { columns } });
    await frame.getByRole('listitem').focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(() => props(page, 'x')).toMatchObject({ tags: ['keep', 'b'] });
  });
});

test.describe('with a finger', () => {
  test.use({ hasTouch: true });

  test('a long press takes a card, a stroke scrolls', async ({ page }) => {
    const frame = await show(page, 'tasks/kanban', some(90), { config: board });
    const finger = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x = 0, y = 0) => finger.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] });
    const card = await frame.getByText('Sample 3', { exact: true }).boundingBox();
    const [x, y] = [(card?.x ?? 0) + 20, (card?.y ?? 0) + 5];
    await touch('touchStart', x, y);
    await expect(frame.locator('.codex-dragged')).toHaveCount(1);
    const to = await frame.getByRole('region', { name: 'Done' }).boundingBox();
    await touch('touchMove', (to?.x ?? 0) + 40, y + 30);
    await touch('touchMove', (to?.x ?? 0) + 60, y + 40);
    await touch('touchEnd');
    await expect.poll(() => props(page, 'e3')).toMatchObject({ status: 'done' });
    await touch('touchStart', x, y + 300);
    for (let step = 1; step < 12; step += 1) await touch('touchMove', x, y + 300 - step * 25);
    await touch('touchEnd');
    await expect.poll(() => frame.locator('.codex-list').first().evaluate((list) => list.scrollTop)).toBeGreaterThan(50);
    expect(await sent(page, 'set')).toHaveLength(1);
  });
});

test.describe('task-list', () => {
  test('a tick toggles status; done is struck through, overdue is marked', async ({ page }) => {
    const frame = await show(page, 'tasks/task-list', some(3));
    const first = frame.getByRole('listitem').filter({ hasText: 'Sample 0' });
    await expect(first).toContainText('overdue');
    await expect(frame.getByRole('listitem').filter({ hasText: 'Sample 2' }).locator('.title')).toHaveCSS('text-decoration-line', 'line-through');
    await first.getByRole('checkbox').check();
    expect(await props(page, 'e0')).toMatchObject({ status: 'done' });
    await expect(first).not.toContainText('overdue');
    await first.focus();
    await page.keyboard.press('Space');
    await expect.poll(() => props(page, 'e0')).toMatchObject({ status: 'todo' });
  });

  test('`max_items`, `sort_by`, `compact`, `show_details` and `editable` are honoured', async ({ page }) => {
    let frame = await show(page, 'tasks/task-list', some(9), { config: { max_items: 4, sort_by: 'yield desc' } });
    expect(await frame.locator('.task .title').allTextContents()).toEqual(['Sample 8', 'Sample 7overdue', 'Sample 6overdue', 'Sample 5']);
    await expect(frame.getByText('4 of 9 tasks are shown.')).toBeVisible();
    frame = await show(page, 'tasks/task-list', some(3), { config: { compact: true, editable: false } });
    await expect(frame.locator('dl')).toHaveCount(0);
    await expect(frame.getByRole('checkbox').first()).toBeDisabled();
    frame = await show(page, 'tasks/task-list', some(3), { config: { show_details: false } });
    await expect(frame.locator('dl')).toHaveCount(0);
  });
});

test.describe('gallery', () => {
  const pictures = (count: number): File[] => Array.from({ length: count }, (_, at) => file(`p${at}`, { title: `Plate ${at}`, width: 400, height: at % 2 === 0 ? 300 : 800, format: 'png' }, { media_type: 'image/png' }));

  test('one is shown large, arrows go on, Escape goes back to where it was', async ({ page }) => {
    // As on the page, which knows Escape too.
    const frame = await show(page, 'gallery/gallery', pictures(5), { keys: ['Escape'] });
    await frame.getByRole('listitem', { name: 'Plate 0' }).focus();
    await page.keyboard.press('Enter');
    await expect(frame.getByRole('dialog').getByRole('img', { name: 'Plate 0' })).toHaveAttribute('src', /^data:image/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect(frame.getByRole('dialog')).toContainText('Plate 2');
    await page.keyboard.press('Escape');
    await expect(frame.getByRole('dialog')).toHaveCount(0);
    await expect(frame.getByRole('listitem', { name: 'Plate 2' })).toBeFocused();
  });

  test('`columns`, `thumbnail_size`, `show_metadata`, `layout` and `lightbox` are honoured', async ({ page }) => {
    let frame = await show(page, 'gallery/gallery', pictures(6), { config: { columns: 2, thumbnail_size: 'large', show_metadata: false, lightbox: false } });
    const widths = await frame.getByRole('listitem').evaluateAll((all) => all.map((each) => Math.round(each.getBoundingClientRect().width)));
    expect(widths[0]).toBeGreaterThan(600);
    await expect(frame.locator('.caption')).toHaveCount(0);
    await expect.poll(async () => (await sent(page, 'picture'))[0]).toMatchObject({ size: 640 });
    await frame.getByRole('listitem', { name: 'Plate 1' }).click();
    expect(await sent(page, 'open')).toMatchObject([{ entry: 'p1' }]);
    frame = await show(page, 'gallery/gallery', pictures(6), { config: { layout: 'masonry' } });
    const heights = await frame.getByRole('listitem').evaluateAll((all) => new Set(all.map((each) => Math.round(each.getBoundingClientRect().height))).size);
    expect(heights).toBe(2);
    frame = await show(page, 'gallery/gallery', pictures(6), { config: { layout: 'list' } });
    const lefts = await frame.getByRole('listitem').evaluateAll((all) => new Set(all.map((each) => each.getBoundingClientRect().left)).size);
    expect(lefts).toBe(1);
  });
});

test.describe('the size of pictures', () => {
  const plates = Array.from({ length: 6 }, (_, at) => file(`p${at}`, { title: `Plate ${at}` }, { media_type: 'image/png' }));
  const wide = async (page: Page, config: Properties): Promise<number> => {
    const frame = await show(page, 'gallery/gallery', plates, { config });
    return frame.locator('.frame').first().evaluate((each) => Math.round(each.getBoundingClientRect().width));
  };

  for (const layout of ['grid', 'masonry', 'list']) {
    for (const columns of [undefined, 2, 6]) {
      test(`is what \`thumbnail_size\` says, in ${layout} with ${columns ?? 'no'} columns`, async ({ page }) => {
        await page.setViewportSize({ width: 1200, height: 800 });
        const of = (thumbnail_size: unknown) => wide(page, { layout, thumbnail_size, ...(columns === undefined ? {} : { columns }) });
        const [small, medium, large] = [await of('small'), await of('medium'), await of('large')];
        expect(small).toBeLessThan(medium);
        expect(medium).toBeLessThan(large);
        expect([await of(60), await of(300)]).toEqual([60, 300]);
      });
    }
  }

  test('one that there is not is said', async ({ page }) => {
    const frame = await show(page, 'gallery/gallery', plates, { config: { thumbnail_size: 'tiny' } });
    await expect(frame.getByText('There is no thumbnail_size “tiny”')).toBeVisible();
  });
});

test.describe('rollup', () => {
  const heads = (frame: Frame): Promise<string[]> => frame.locator('.head button').evaluateAll((all) => all.map((each) => (each.lastChild?.textContent ?? '').replace(/,|\s(?=–)|(?<=–)\s/g, '')));

  test('groups are days, weeks, months or hours, the newest first', async ({ page }) => {
    const entries = ['2026-11-03T08:10', '2026-11-23T09:20', '2026-11-27T09:40', '2026-11-27T11:00', '2026-10-30T11:00'].map((at, index) => file(`r${index}`, { title: `R${index}`, at }));
    const show4 = async (group_format: string) => heads(await show(page, 'rollup/rollup', entries, { config: { group_by: 'properties.at', group_format } }));
    expect(await show4('day')).toEqual(['Today Friday 27 November 2026', 'Monday 23 November 2026', 'Tuesday 3 November 2026', 'Friday 30 October 2026']);
    expect(await show4('week')).toEqual(['23–29 November 2026', '2–8 November 2026', '26 October–1 November 2026']);
    expect(await show4('month')).toEqual(['November 2026', 'October 2026']);
    expect(await show4('hour')).toHaveLength(5);
  });

  test('sections are filters, and nothing falls between them', async ({ page }) => {
    const sections = [{ title: 'Open', filter: { status: ['todo', 'doing'] } }];
    const frame = await show(page, 'rollup/rollup', some(6), { config: { sections, show_stats: false } });
    expect(await heads(frame)).toEqual(['Open', 'Everything else']);
    await expect(frame.locator('.entry')).toHaveCount(6);
    await expect(frame.locator('.stats')).toBeHidden();
    await frame.getByRole('listitem').first().focus();
    await page.keyboard.press('ArrowLeft');
    await expect(frame.locator('.entry')).toHaveCount(2);
  });
});
