/** For whoever arranges entries: boards, days, rows and maps do by pointer and by keys what they say, and write nothing else. */
import { type Frame, type Page, expect, test } from '@playwright/test';
import { type File, type Properties, file, sent, show } from './desk';

const props = (page: Page, id: string): Promise<Properties | undefined> => page.evaluate((wanted) => window.desk.files.find((each) => each.id === wanted)?.properties, id);
const cards = (count: number): File[] => Array.from({ length: count }, (_, at) => file(`c${at}`, { title: `Card ${at}`, status: at % 2 === 0 ? 'todo' : 'done', assignee: 'Ada' }));

/** From the middle of one thing to a point of the page. */
async function drag(page: Page, frame: Frame, what: string, to: { x: number; y: number }): Promise<void> {
  await frame.locator('.codex-row, .entry').filter({ hasText: what }).first().hover();
  await page.mouse.down();
  await page.mouse.move(to.x - 7, to.y - 7, { steps: 4 });
  await page.mouse.move(to.x, to.y, { steps: 2 });
  await page.mouse.up();
}

test.describe('corkboard', () => {
  test('a card stays where it is put, on the grid', async ({ page }) => {
    const frame = await show(page, 'corkboard/corkboard', cards(3), { config: { grid: 50 } });
    await drag(page, frame, 'Card 1', { x: 660, y: 480 });
    const place = (await props(page, 'c1'))?.['corkboard_position'] as { x: number; y: number };
    expect([place.x % 50, place.y % 50]).toEqual([0, 0]);
    const card = frame.getByRole('listitem').filter({ hasText: 'Card 1' });
    await expect.poll(async () => [(await card.boundingBox())?.x, (await card.boundingBox())?.y]).toEqual([place.x, place.y]);
    expect(Math.abs(place.x + 95 - 660)).toBeLessThan(60);
    expect(await sent(page, 'open')).toEqual([]);
  });

  test('a card that is put over another lies on top of it, now and when the board is opened again', async ({ page }) => {
    const put = (id: string, x: number, modified: string): File => file(id, { title: id.toUpperCase(), corkboard_position: { x, y: 100 } }, { modified });
    const on = (frame: Frame, x: number): Promise<string> => frame.evaluate((at) => document.elementFromPoint(at, 180)?.closest('article')?.querySelector('h3')?.textContent ?? '', x);
    const frame = await show(page, 'corkboard/corkboard', [put('a', 100, '2026-11-20T10:00:00Z'), put('b', 500, '2026-11-21T10:00:00Z')], { config: { grid: false } });
    await frame.getByRole('listitem').filter({ hasText: 'A' }).hover();
    await page.mouse.down();
    await page.mouse.move(420, 180, { steps: 5 });
    await page.mouse.up();
    await expect.poll(async () => ((await props(page, 'a'))?.['corkboard_position'] as { x: number }).x).toBeGreaterThan(300);
    await expect.poll(() => on(frame, 505)).toBe('A');
    const again = await show(page, 'corkboard/corkboard', [put('a', 350, '2026-11-22T10:00:00Z'), put('b', 500, '2026-11-21T10:00:00Z')], {});
    expect(await on(again, 505)).toBe('A');
  });

  test('keys move a card; a row of key strokes is one change', async ({ page }) => {
    const frame = await show(page, 'corkboard/corkboard', [file('c', { title: 'C', corkboard_position: { x: 100, y: 100 } })], { config: { grid: true } });
    await frame.getByRole('listitem').focus();
    for (const key of ['Alt+ArrowRight', 'Alt+ArrowRight', 'Alt+ArrowDown']) await page.keyboard.press(key);
    await expect.poll(() => props(page, 'c')).toMatchObject({ corkboard_position: { x: 140, y: 120 } });
    expect(await sent(page, 'set')).toHaveLength(1);
    await expect(frame.getByRole('listitem')).toBeFocused();
  });

  test('a card that is put into another lane gets its value, and a lane that is left stays', async ({ page }) => {
    const frame = await show(page, 'corkboard/corkboard', cards(3), { config: { layout: 'swimlanes', group_by: 'properties.status', card_style: 'minimal' } });
    expect(await frame.locator('.lane h2').allTextContents()).toEqual(['Done1', 'Todo2']);
    await frame.getByRole('listitem').filter({ hasText: 'Card 1' }).focus();
    await page.keyboard.press('Alt+ArrowDown');
    await expect.poll(() => props(page, 'c1')).toMatchObject({ status: 'todo' });
    await expect.poll(() => frame.locator('.lane h2').allTextContents()).toEqual(['Done0', 'Todo3']);
    const box = await frame.locator('.lane').first().boundingBox();
    await drag(page, frame, 'Card 0', { x: 300, y: (box?.y ?? 0) + 20 });
    await expect.poll(() => props(page, 'c0')).toMatchObject({ status: 'done' });
  });

  test('`draggable: false`, `card_style` and `card_fields` are honoured', async ({ page }) => {
    const frame = await show(page, 'corkboard/corkboard', cards(2), { config: { draggable: false, card_style: 'detailed', card_fields: ['assignee'] } });
    await expect(frame.getByRole('listitem').first()).toHaveClass(/detailed/);
    expect(await frame.locator('dt').allTextContents()).toEqual(['Assignee', 'Assignee']);
    await drag(page, frame, 'Card 0', { x: 600, y: 500 });
    await frame.getByRole('listitem').first().focus();
    await page.keyboard.press('Alt+ArrowRight');
    expect(await sent(page, 'set')).toEqual([]);
  });
});

for (const [what, where, config] of [['board', 'tasks/kanban', { drag_drop: false }], ['corkboard', 'corkboard/corkboard', { draggable: false }]] as const) {
  test(`a stroke over the cards of a ${what} that stand still marks no text`, async ({ page }) => {
    const frame = await show(page, where, cards(6), { config });
    await frame.getByText('Card 0', { exact: true }).hover({ position: { x: 2, y: 9 } });
    await page.mouse.down();
    await page.mouse.move(900, 500, { steps: 6 });
    await page.mouse.up();
    expect(await frame.evaluate(() => getSelection()?.toString() ?? '')).toBe('');
  });
}

test.describe('calendar', () => {
  const meetings = [file('m1', { title: 'Seminar', at: '2026-11-10T09:30' }), file('m2', { title: 'Deadline', at: '2026-11-12' }), file('m3', { title: 'Undated' })];
  const cell = (frame: Frame, day: string) => frame.locator(`[data-day="${day}"]`);

  test('an entry that is put on another day keeps its time', async ({ page }) => {
    const frame = await show(page, 'calendar/calendar', meetings, { config: { date_property: 'at' } });
    await expect(cell(frame, '2026-11-10')).toContainText('Seminar');
    await expect(frame.getByText('1 entry has no date in “at”.')).toBeVisible();
    const box = await cell(frame, '2026-11-19').boundingBox();
    await drag(page, frame, 'Seminar', { x: (box?.x ?? 0) + 40, y: (box?.y ?? 0) + 50 });
    await expect.poll(() => props(page, 'm1')).toMatchObject({ at: '2026-11-19T09:30' });
    await expect(cell(frame, '2026-11-19')).toContainText('Seminar');
  });

  test('keys go from day to day, into a day, and move an entry', async ({ page }) => {
    const frame = await show(page, 'calendar/calendar', meetings, { config: { date_property: 'at' } });
    await cell(frame, '2026-11-27').focus();
    for (let step = 0; step < 2; step += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    await expect(cell(frame, '2026-11-12')).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(() => props(page, 'm2')).toMatchObject({ at: '2026-11-13' });
    await expect(cell(frame, '2026-11-13').getByRole('button', { name: 'Deadline' })).toBeFocused();
    await page.keyboard.press('Enter');
    expect(await sent(page, 'open')).toMatchObject([{ entry: 'm2' }]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('PageDown');
    await expect(cell(frame, '2026-12-13')).toBeFocused();
  });

  test('`view: week` begins with the week, on the day that the locale says', async ({ page }) => {
    const frame = await show(page, 'calendar/calendar', meetings, { config: { date_property: 'at', view: 'week' } });
    expect(await frame.locator('[data-day]').first().getAttribute('data-day')).toBe('2026-11-23');
    await page.evaluate(() => window.desk.change({ weekStart: 7 }));
    await expect(frame.locator('[data-day]').first()).toHaveAttribute('data-day', '2026-11-22');
  });

  test('what the file says, like `modified`, is not moved', async ({ page }) => {
    const frame = await show(page, 'calendar/calendar', meetings, { config: { date_property: 'modified' } });
    const box = await cell(frame, '2026-11-05').boundingBox();
    await drag(page, frame, 'Seminar', { x: (box?.x ?? 0) + 40, y: (box?.y ?? 0) + 50 });
    expect(await sent(page, 'set')).toEqual([]);
  });
});

test('`created` is what an entry says of itself, else what its file says', async ({ page }) => {
  const made = [file('b', { title: 'Copied' }), file('a', { title: 'Old', created: '2026-10-02' }), file('c', { title: 'Odd', created: 'long ago' })];
  const calendar = await show(page, 'calendar/calendar', made, { config: { date_property: 'created' } });
  await expect(calendar.locator('[data-day="2026-11-01"]')).toContainText('Copied');
  await expect(calendar.locator('[data-day="2026-11-01"]')).not.toContainText('Old');
  const rollup = await show(page, 'rollup/rollup', made, { config: { group_by: 'created', group_format: 'month' } });
  expect(await rollup.locator('.head button').allTextContents()).toEqual(['▾November 2026', '▾October 2026']);
  const table = await show(page, 'table/table', made, { config: { columns: ['title', 'created', 'file_created'] } });
  await expect(table.getByRole('row').filter({ hasText: 'Old' }).getByRole('gridcell')).toHaveText(['2 Oct 2026', '1 Nov 2026']);
});

test.describe('dashboard', () => {
  const layout = [{ height: 300, components: [{ type: 'mini-view', span: 8, view: 'plans/Board.cdx' }, { type: 'mini-view', span: 4, view: 'Days.cdx' }] }];

  test('its rows have places for views, twelve columns wide, and one below the other where it is narrow', async ({ page }) => {
    await show(page, 'core/dashboard', [], { layout });
    const last = async () => ((await sent(page, 'places')).at(-1)?.['places'] ?? []) as { path: string; x: number; y: number; width: number; height: number }[];
    await expect.poll(last).toHaveLength(2);
    const [board, days] = await last();
    expect([board?.path, days?.path]).toEqual(['plans/Board.cdx', 'Days.cdx']);
    expect(board?.y).toBe(days?.y);
    expect(board?.height).toBe(300);
    expect((board?.width ?? 0) / (days?.width ?? 1)).toBeGreaterThan(1.9);
    await page.setViewportSize({ width: 400, height: 800 });
    await expect.poll(async () => (await last())[1]?.x).toBe((await last())[0]?.x);
    expect(await sent(page, 'size')).toContainEqual(expect.objectContaining({ fit: true }));
  });

  test('`config.layout` is accepted, and what is no view is said', async ({ page }) => {
    const frame = await show(page, 'core/dashboard', [], { config: { layout: [{ components: [{ type: 'chart' }, { type: 'mini-view' }] }] } });
    await expect(frame.getByText('There is no component “chart”')).toBeVisible();
    await expect(frame.getByText('It does not say which view')).toBeVisible();
  });
});

test.describe('table', () => {
  const rows = [['Beta', 20, 'todo'], ['Alpha', 100, 'done'], ['Gamma', undefined, 'todo']].map(([title, amount, status], at) => file(`r${at}`, { title, amount, status }));
  const config = { columns: ['title', { property: 'amount', title: 'Amount (mg)', total: 'mean' }, 'status'] };
  const names = (frame: Frame): Promise<string[]> => frame.getByRole('rowheader').allTextContents();

  test('a header sorts up, down, and back; what has no value comes last', async ({ page }) => {
    const frame = await show(page, 'table/table', rows, { config });
    const amount = frame.getByRole('columnheader', { name: 'Amount' });
    for (const [order, sort] of [[['Beta', 'Alpha', 'Gamma'], 'ascending'], [['Alpha', 'Beta', 'Gamma'], 'descending'], [['Beta', 'Alpha', 'Gamma'], 'none']] as const) {
      await amount.getByRole('button').click();
      await expect(amount).toHaveAttribute('aria-sort', sort);
      expect(await names(frame)).toEqual(order);
    }
  });

  test('a filter takes words, values and comparisons; the totals are of what is left', async ({ page }) => {
    const frame = await show(page, 'table/table', rows, { config });
    const filter = frame.getByRole('searchbox', { name: 'Filter' });
    await expect(frame.getByRole('button', { name: 'Total of Amount (mg): Mean 60' })).toBeVisible();
    for (const [words, left] of [['alph', ['Alpha']], ['status:todo', ['Beta', 'Gamma']], ['amount>=20 status:done', ['Alpha']], ['amount<50', ['Beta']], ['nothing', []]] as const) {
      await filter.fill(words);
      expect(await names(frame)).toEqual(left);
    }
    await filter.fill('alpha');
    await expect(frame.getByRole('button', { name: 'Total of Amount (mg): Mean 100' })).toBeVisible();
  });

  test('where columns go on, there is a shade', async ({ page }) => {
    await page.setViewportSize({ width: 500, height: 700 });
    const frame = await show(page, 'table/table', rows, { config });
    await expect(frame.locator('.sheet')).toHaveClass('sheet goes-on');
    await frame.locator('.codex-list').evaluate((list) => list.scrollTo(10_000, 0));
    await expect(frame.locator('.sheet')).toHaveClass('sheet came-from');
    await page.setViewportSize({ width: 1400, height: 700 });
    await expect(frame.locator('.sheet')).toHaveClass('sheet');
  });

  test('a value is changed where it stands, with keys; Escape leaves it', async ({ page }) => {
    const frame = await show(page, 'table/table', rows, { config });
    await frame.getByRole('row').filter({ hasText: 'Alpha' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.keyboard.type('1');
    await page.keyboard.press('Escape');
    expect(await sent(page, 'set')).toEqual([]);
    await page.keyboard.press('F2');
    await frame.getByRole('spinbutton').fill('77');
    await page.keyboard.press('Enter');
    await expect.poll(() => props(page, 'r1')).toMatchObject({ amount: 77 });
    await expect(frame.getByRole('gridcell', { name: '77' })).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Delete');
    await expect.poll(() => props(page, 'r2')).not.toHaveProperty('status');
  });

  test('while a cell is being changed, what somebody else does leaves it alone', async ({ page }) => {
    const frame = await show(page, 'table/table', rows, { config });
    await frame.getByRole('gridcell', { name: 'done' }).click();
    await frame.getByRole('combobox', { name: 'Status' }).fill('half');
    await page.evaluate(() => {
      const [first] = window.desk.files;
      if (first) first.title = 'Changed elsewhere';
      window.desk.change();
    });
    await expect(frame.getByRole('rowheader', { name: 'Changed elsewhere' })).toBeVisible();
    await expect(frame.getByRole('combobox', { name: 'Status' })).toHaveValue('half');
    await page.keyboard.press('Enter');
    await expect.poll(() => props(page, 'r1')).toMatchObject({ status: 'half' });
  });

  test('`filter` may be what one types, and about what is no column', async ({ page }) => {
    let frame = await show(page, 'table/table', rows, { config: { columns: ['title'], filter: 'amount>50' } });
    expect(await names(frame)).toEqual(['Alpha']);
    frame = await show(page, 'table/table', rows, { config: { columns: ['title'], filter: 'status:todo amount<50' } });
    expect(await names(frame)).toEqual(['Beta']);
  });

  test('dates have a least and a greatest one; a total that there is not is said', async ({ page }) => {
    const dated = ['2026-11-20', '2026-12-24', '2026-03-01'].map((due, at) => file(`d${at}`, { title: `D${at}`, due, n: at }));
    const frame = await show(page, 'table/table', dated, { config: { columns: ['title', { property: 'due', total: 'max' }, { property: 'n', total: 'average' }] } });
    await expect(frame.getByRole('button', { name: 'Total of Due: Max 24 Dec 2026' })).toBeVisible();
    await expect(frame.getByText('There is no total “average” (column “N”); there are none, sum, mean, min, max, count.')).toBeVisible();
    await frame.getByRole('button', { name: 'Total of Due' }).click();
    await frame.getByRole('menuitemradio', { name: 'Min' }).click();
    await expect(frame.getByRole('button', { name: 'Total of Due: Min 1 Mar 2026' })).toBeVisible();
    await show(page, 'table/table', dated, { config: { columns: ['title', { property: 'due', total: 'sum' }] } });
    await expect(page.frameLocator('iframe').getByText('“Due” has no numbers that “sum” could be of.')).toBeVisible();
  });

  test('`sort_by`, `filter`, `editable` and `totals` are honoured', async ({ page }) => {
    const frame = await show(page, 'table/table', rows, { config: { ...config, sort_by: 'title desc', filter: { status: 'todo' }, editable: false, totals: false } });
    expect(await names(frame)).toEqual(['Gamma', 'Beta']);
    await expect(frame.locator('.totals')).toBeHidden();
    await frame.getByRole('gridcell', { name: '20' }).click();
    await expect(frame.getByRole('spinbutton')).toHaveCount(0);
  });
});

test.describe('map', () => {
  test('coordinates are understood as people write them', async ({ page }) => {
    const written: Properties[] = [
      { lat: 52.5, lon: 13.4 }, { latitude: '52,5', longitude: '13,4' }, { location: '52.5, 13.4' }, { location: 'geo:52.5,13.4;u=10' }, { coordinates: [52.5, 13.4] }, { gps: { latitude: 52.5, lng: 13.4 } },
      { location: '52°30\'N 13°24\'E' }, { location: '52° 30\' 0" N, 13° 24\' 0" E' }, { GPSLatitude: 52.5, GPSLongitude: 13.4 },
    ];
    const wrong: Properties[] = [{ location: 'Berlin' }, { lat: 99, lon: 0 }, { lat: 1 }, { location: '1, 2, 3' }];
    const frame = await show(page, 'map/map', [...written, ...wrong].map((properties, at) => file(`s${at}`, { title: `Site ${at}`, ...properties })));
    await expect(frame.getByText('9 entries, 4 without coordinates')).toBeVisible();
    await expect(frame.getByRole('button', { name: '9 entries here' })).toBeVisible();
  });

  test('the list goes through the entries with keys, and opens them', async ({ page }) => {
    const frame = await show(page, 'map/map', [file('a', { title: 'North', lat: 60, lon: 10 }), file('b', { title: 'South', lat: -30, lon: 150 })]);
    await frame.getByRole('listitem').first().focus();
    await page.keyboard.press('ArrowDown');
    await expect(frame.locator('.chosen')).toContainText('South');
    await page.keyboard.press('Enter');
    expect(await sent(page, 'open')).toMatchObject([{ entry: 'b' }]);
  });

  test('`center` is a text or two numbers; what is no place is said', async ({ page }) => {
    const where = async (center: unknown): Promise<Frame> => show(page, 'map/map', [file('a', { title: 'North', lat: 50, lon: 10 })], { config: { show_list: false, zoom: 4, center } });
    for (const center of ['50, 10', [50, 10], '50°N 10°E']) {
      const box = await (await where(center)).getByRole('button', { name: 'North' }).boundingBox();
      const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
      expect([(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2].map(Math.round)).toEqual([width / 2, height / 2]);
    }
    await expect((await where('nowhere')).getByText('“center” is “nowhere”, which is no place')).toBeVisible();
  });

  test('it is moved and brought nearer with keys and wheel', async ({ page }) => {
    const frame = await show(page, 'map/map', [file('a', { title: 'North', lat: 50, lon: 10 })], { config: { show_list: false, zoom: 4, center: '50, 10' } });
    await expect(frame.locator('.side')).toBeHidden();
    const mark = frame.getByRole('button', { name: 'North' });
    const before = await mark.boundingBox();
    await frame.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(async () => Math.round((before?.x ?? 0) - ((await mark.boundingBox())?.x ?? 0))).toBe(90);
    const scale = await frame.locator('.scale').textContent();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await expect(frame.locator('.scale')).not.toHaveText(scale ?? '');
  });
});

test.describe('chart', () => {
  const days = Array.from({ length: 12 }, (_, at) => `2026-${String(at + 1).padStart(2, '0')}-01`);
  const csv = `day,yield,loss\n${days.map((day, at) => `${day},${at + 1},${at}`).join('\n')}\n`;
  const draw = async (page: Page, values: Properties): Promise<Frame> => {
    const frame = await show(page, '../blocks/chart/chart', [file('n', {}, { path: 'numbers.csv', name: 'numbers.csv' })], { kind: 'block', values: { data: 'numbers.csv', ...values }, texts: { n: csv } });
    await expect(frame.locator('figure, .wrong')).toBeVisible();
    return frame;
  };

  for (const type of ['bar', 'line']) {
    test(`names on the axis of a ${type} chart never lie on one another, and letters keep their size`, async ({ page }) => {
      for (const width of [1400, 734, 440, 280]) {
        await page.setViewportSize({ width, height: 600 });
        for (const data of ['numbers.csv', days.map((_, at) => `Long name of sample ${at} ${at + 1}`).join(', ')]) {
          const frame = await draw(page, { type, data });
          const names = await frame.locator('.name').evaluateAll((all) => all.map((each) => {
            const { left, right, height } = each.getBoundingClientRect();
            return { left, right, height, x: Number(each.getAttribute('x')), leans: each.hasAttribute('transform') };
          }));
          expect(names.length).toBeGreaterThan(1);
          names.slice(1).forEach((name, at) => {
            const before = names[at];
            if (!before) return;
            if (name.leans) expect(name.x - before.x).toBeGreaterThan(15);
            else expect(name.left).toBeGreaterThan(before.right);
          });
          expect(await frame.locator('figure svg').first().evaluate((svg) => svg.getBoundingClientRect().width / (svg as SVGSVGElement).viewBox.baseVal.width)).toBeCloseTo(1, 1);
        }
      }
    });
  }

  test('the legend of a pie has all its parts, each of another colour, and says what it leaves out', async ({ page }) => {
    const frame = await draw(page, { type: 'doughnut', title: 'Twelve' });
    await expect(frame.locator('.legend li')).toHaveCount(12);
    const colours = await frame.locator('.slice').evaluateAll((all) => all.map((each) => getComputedStyle(each).fill));
    expect(new Set(colours).size).toBe(12);
    expect(await frame.locator('.key rect').evaluateAll((all) => all.map((each) => getComputedStyle(each).fill))).toEqual(colours);
    await expect(frame.getByText('A doughnut is of one column, here “yield”.')).toBeVisible();
    await draw(page, { type: 'pie', data: Array.from({ length: 41 }, (_, at) => `p${at}: 1`).join(', ') });
    await expect(page.frameLocator('iframe').getByRole('alert')).toContainText('41 parts are more than a pie shows');
  });
});
