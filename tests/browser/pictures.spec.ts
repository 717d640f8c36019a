/** Pictures of every page, light and dark and narrow. Made only when asked for: CODEX_PICTURES names the folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { emptyTour, inUse, tour } from './places';
import { growth, ipynb, pdf, photo, svg } from './samples';
import { type Daemon, pair, synced, test } from './world';

const folder = process.env['CODEX_PICTURES'];
test.skip(folder === undefined, 'CODEX_PICTURES is not set');

const looks = { light: 'light', dark: 'dark', narrow: 'light', 'narrow-dark': 'dark' } as const;

async function picture(page: Page, name: string): Promise<void> {
  for (const [look, colorScheme] of Object.entries(looks)) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(look.startsWith('narrow') ? { width: 400, height: 800 } : { width: 1280, height: 800 });
    mkdirSync(folder ?? '', { recursive: true });
    await page.screenshot({ path: join(folder ?? '', `${name}-${look}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 800 });
}

const files = {
  'Welcome.md': '---\ntitle: Welcome\ntags: [start]\n---\n# Welcome\n\nA journal in plain folders.\n',
  'Growth/growth.csv': growth(96),
  'Growth/Growth curve.md': '---\nstatus: open\n---\n# Growth curve\n\n![[plate.svg]]\n',
  'Growth/plate.svg': svg('teal', 640, 420),
  'Growth/second plate.svg': svg('#8a5a00', 640, 420),
  'Growth/analysis.ipynb': ipynb(''),
  'Growth/fit.py': 'import numpy as np\n\n# A logistic curve.\ndef fit(x, top=1.8):\n    return top / (1 + np.exp(-x))\n',
  'Growth/run.json': JSON.stringify({ instrument: 'Spark', plate: 7, shaken: true, wells: [{ well: 'A1', od: 0.012 }, { well: 'A2', od: 0.034 }] }, null, 2),
  'Protocols/protocol.pdf': pdf(6),
  'Protocols/photo.jpg': photo('Leica'),
  'Protocols/raw.bin': Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * 7) % 256)),
  'Protocols/report.html': '<style>body{font:16px sans-serif;padding:20px}h1{color:teal}</style><h1>Report</h1><p>Measured on Monday.</p>',
};

async function shared(daemon: Daemon, other: Daemon): Promise<void> {
  await pair(daemon, other, files);
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ada Lovelace', colour: '#17665f' });
  await other.api('POST', '/profile', { notebook: 'lab', name: 'Rosalind Franklin', colour: '#8a4fa8' });
}

test('people', async ({ page, daemon, other }) => {
  await shared(daemon, other);
  await daemon.open(page, '#/people');
  await page.getByText('Rosalind Franklin').first().waitFor();
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  await page.locator('.qr').waitFor();
  await picture(page, 'people');
  await page.locator('.qr').scrollIntoViewIfNeeded();
  await picture(page, 'invite');
  await page.getByRole('button', { name: 'Download' }).or(page.getByRole('link', { name: 'Download the bundle' })).scrollIntoViewIfNeeded();
  await picture(page, 'bundle');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await picture(page, 'revoke');
});

test('viewers', async ({ page, daemon, complaints }) => {
  await daemon.notebook(files);
  for (const [name, path, ready] of [
    ['table', 'Growth/growth.csv', '.table-scroll td'],
    ['image', 'Growth/plate.svg', '.image-open img'],
    ['notebook-file', 'Growth/analysis.ipynb', '.tok-keyword'],
    ['code', 'Growth/fit.py', '.tok-keyword'],
    ['json', 'Growth/run.json', '.json-key'],
    ['pdf', 'Protocols/protocol.pdf', '.text-layer span'],
    ['bytes', 'Protocols/raw.bin', '.hex-bytes:not(:empty)'],
    ['html', 'Protocols/report.html', '.html-view iframe'],
  ] as const) {
    await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', path)}`);
    await page.waitForSelector(ready);
    if (name === 'table') await page.getByRole('button', { name: 'Plot' }).click();
    await picture(page, name);
  }
  // What the cleaner reads of an HTML page is refused where nobody sees it.
  complaints.splice(0);
});

test('first run, help', async ({ page, daemon }) => {
  await daemon.open(page);
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await picture(page, 'welcome');
  await daemon.notebook({});
  await page.getByText('Nothing here yet').first().waitFor();
  await picture(page, 'empty');
  await page.getByRole('button', { name: 'Help and shortcuts' }).click();
  await picture(page, 'help');
});

test('tree, folders, trash', async ({ page, daemon }) => {
  await daemon.notebook({ ...files, 'Growth/.metadata': '---\nview_mode: grid\n---\n' });
  await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', 'Growth')}`);
  await page.locator('.tiles li').first().waitFor();
  await picture(page, 'folder');
  for (const [name, mode] of [['folder-list', 'List'], ['folder-compact', 'Compact'], ['folder-full', 'In full']] as const) {
    await page.getByRole('button', { name: mode, exact: true }).click();
    await picture(page, name);
  }
  await page.locator('.row[title="Growth"] .twist').click();
  await page.locator('.row[title="Growth/fit.py"]').click({ modifiers: ['ControlOrMeta'] });
  await page.locator('.row[title="Growth/run.json"]').click({ modifiers: ['ControlOrMeta'] });
  await page.locator('.row[title="Growth/run.json"]').click({ button: 'right' });
  await picture(page, 'tree-menu');
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'Trash' }).click();
  await page.locator('.trash li').first().waitFor();
  await picture(page, 'trash');
});

test('conflicts, settings', async ({ page, daemon, other }) => {
  const note = '---\nstatus: open\n---\n# Lamp\n';
  const [here, there] = await pair(daemon, other, { 'lamp.md': note, 'plate.svg': '', 'data.bin': Buffer.from([0, 1]) });
  await other.stop();
  here.write('lamp.md', note.replace('open', 'done'));
  here.write('data.bin', Buffer.from([0, 2]));
  await daemon.took(here, 'lamp.md', 'data.bin');
  there.write('lamp.md', note.replace('open', 'waiting'));
  there.write('data.bin', Buffer.from([0, 3, 3]));
  await other.start();
  await synced(daemon);
  await synced(other);
  await daemon.open(page, '#/conflicts');
  await page.locator('.card').nth(1).waitFor();
  await picture(page, 'conflicts');
  await page.goto(`${daemon.url}/#/settings`);
  await page.locator('.settings .cards summary').click();
  await page.locator('.storage').waitFor();
  await picture(page, 'settings');
  await page.locator('.storage').scrollIntoViewIfNeeded();
  await picture(page, 'storage');
});

test('tasks, templates, days, jot', async ({ page, daemon }) => {
  const day = (by: number) => new Date(Date.now() + by * 86_400_000).toISOString().slice(0, 10);
  await daemon.notebook({
    ...files,
    'Growth/Strain 14.md': `---\ntags: [growth]\n---\n# Strain 14\n\n- [ ] Measure OD600 again due:${day(-2)} @Ada\n- [ ] Plate 1:1000 due:${day(0)} @Rosalind\n- [x] Freeze a glycerol stock\n`,
    'Protocols/Gel.md': `---\ntags: [gel]\n---\n# Gel\n\n- [ ] Order agarose due:${day(1)}\n- [ ] Calibrate the camera\n- [ ] Write up for the meeting due:${day(30)} @Ada\n`,
    'Book the confocal.md': `---\ntitle: Book the confocal\ntype: task\nstatus: todo\ndue_date: ${day(0)}\nassignee: Ada Lovelace\n---\n`,
    '.templates/gel.md': '---\ntype: template\nname: Gel\ndescription: Lanes, ladder, result\n---\n# {title}\n\n| lane | sample |\n|---|---|\n| 1 | ladder |\n| 2 | |\n\n## Result\n',
    ...Object.fromEntries([-1, -2, -5].map((by) => [`Daily/${day(by)}.md`, `# ${day(by)}\n`])),
  });
  await daemon.api('POST', '/profile', { notebook: 'lab', name: 'Ada Lovelace', colour: '#17665f' });
  await daemon.open(page, '#/tasks?status=all');
  await page.waitForSelector('.task-row');
  await page.getByRole('button', { name: 'Calendar' }).click();
  await picture(page, 'tasks');
  await page.keyboard.press('Alt+n');
  await page.getByRole('button', { name: 'New from a template…' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Title' }).fill('Gel 9');
  await page.locator('.template-text h1').waitFor();
  await picture(page, 'templates');
  await page.keyboard.press('Escape');
  await page.goto(`${daemon.url}/#/jot`);
  await page.getByLabel('What is on your mind').fill('The growth stops when the lid is closed: oxygen?');
  await picture(page, 'jot');
});

/** Those that the guide shows of the tour. */
const shown = ['properties', 'comments-panel', 'links', 'graph', 'search', 'tasks', 'days', 'history', 'activity'];
for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`for the guide, ${colorScheme}`, () => {
    test.use({ colorScheme, viewport: { width: 1080, height: 680 } });

    test('pages', async ({ page, daemon }) => {
      test.setTimeout(180_000);
      const place = join(folder ?? '', 'guide');
      mkdirSync(place, { recursive: true });
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await daemon.open(page);
      await inUse(daemon);
      await tour(page, daemon, async (name) => {
        if (shown.includes(name)) await page.screenshot({ path: join(place, `${name}-${colorScheme}.png`) });
      });
    });
  });
}

/** A field season: entries with what each view shows of them, and the views. */
const season = (): Record<string, string | Buffer> => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const sites: [title: string, status: string, who: string, due: number, priority: string, ph: number, at: string][] = [
    ['Sample the north pond', 'todo', 'Ada', 1, 'high', 6.8, '59.86, 17.64'], ['Sample the mill stream', 'todo', 'Rosalind', 3, 'medium', 7.1, '57.71, 11.97'],
    ['Repeat the reed bed', 'doing', 'Ada', 0, 'high', 6.4, '55.68, 12.57'], ['Peat core, second half', 'doing', 'Barbara', 4, 'low', 4.9, '63.43, 10.4'],
    ['Calibrate the probe', 'done', 'Rosalind', -2, 'medium', 7, '52.52, 13.4'], ['Sample the harbour', 'done', 'Barbara', -4, 'high', 7.9, '53.55, 9.99'],
    ['Reed bed, first pass', 'done', 'Ada', -6, 'low', 6.5, '48.86, 2.35'], ['Count the diatoms', 'todo', 'Barbara', 6, 'medium', 6.9, '60.17, 24.94'],
  ];
  const view = (type: string, title: string, config: string, query = 'file_types: [task], sort: "due_date asc"') => `---\ntype: view\nview_type: ${type}\ntitle: ${title}\nquery: { ${query} }\nconfig: ${config}\n---\n`;
  const columns = '[{ id: todo, title: To do, filter: { status: todo } }, { id: doing, title: Doing, filter: { status: doing } }, { id: done, title: Done, filter: { status: done } }]';
  const colours = ['#17665f', '#8a5a00', '#8a4fa8', '#2f5d9b', '#a33d2f', '#4d6b1f'];
  return {
    ...Object.fromEntries(sites.map(([title, status, who, due, priority, ph, at]) => [
      `sites/${title}.md`, `---\ntype: task\nstatus: ${status}\nassignee: ${who}\ndue_date: ${day(due)}\npriority: ${priority}\nph: ${ph}\nlocation: ${at}\ntags: [field]\n---\n# ${title}\n\nTaken at the marked stake.\n`])),
    ...Object.fromEntries(colours.map((colour, at) => [`plates/plate ${at + 1}.svg`, svg(colour, 640, 420)])),
    'Board.cdx': view('kanban', 'Field season', `{ columns: ${columns}, card_fields: [assignee, due_date, priority] }`),
    'Table.cdx': view('table', 'What was measured', '{ columns: [title, status, assignee, due_date, ph] }'),
    'Days.cdx': view('calendar', 'When', '{ view: month }'),
    'Map.cdx': view('map', 'Where', '{}'),
    'Plates.cdx': view('gallery', 'Plates', '{}', 'content_types: ["image/*"], sort: name'),
    'Tasks.cdx': view('task-list', 'What is to do', '{}'),
    'Home.cdx': '---\ntype: view\nview_type: dashboard\ntitle: This week\nlayout:\n  - components:\n      - { type: mini-view, span: 6, view: Tasks.cdx }\n      - { type: mini-view, span: 6, view: Map.cdx }\n---\n',
  };
};

test('views', async ({ page, daemon }) => {
  await daemon.notebook(season());
  for (const [path, words] of [['Board', 'Peat core'], ['Table', 'harbour'], ['Days', 'Reed bed'], ['Map', '8 entries'], ['Plates', 'plate 3'], ['Home', '']] as const) {
    await daemon.open(page, `#/n/lab/e/${await daemon.entry('lab', `${path}.cdx`)}`);
    const frame = words === '' ? page.frameLocator('.plugin-place iframe').nth(1) : page.frameLocator('iframe').first();
    await frame.locator('main').getByText(words || '8 entries').first().waitFor();
    await picture(page, `view-${path.toLowerCase()}`);
  }
  await daemon.open(page, '#/settings/plugins');
  await page.getByRole('heading', { name: 'Plugins', exact: true }).waitFor();
  await picture(page, 'plugins');
});

const sizes = [400, 760, 1400, 2560];
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of sizes) {
    test.describe(`${colorScheme}, ${width} wide`, () => {
      test.use({ colorScheme, viewport: { width, height: width > 760 ? 900 : 800 } });

      test('all places', async ({ page, daemon }) => {
        test.setTimeout(180_000);
        mkdirSync(folder ?? '', { recursive: true });
        const see = async (name: string) => void (await page.screenshot({ path: join(folder ?? '', `${name}-${width}-${colorScheme}.png`) }));
        await daemon.open(page);
        await inUse(daemon);
        await tour(page, daemon, see);
      });

      test('all places, empty', async ({ page, daemon }) => {
        mkdirSync(folder ?? '', { recursive: true });
        const see = async (name: string) => void (await page.screenshot({ path: join(folder ?? '', `${name}-${width}-${colorScheme}.png`) }));
        await daemon.notebook({});
        await daemon.open(page);
        await emptyTour(page, daemon, see);
      });
    });
  }
}
