/** What is taken along: names, the way from one page to another, and the zip itself. */
import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { Names, relative } from '../src/export/names';
import { type ZipFile, zipped } from '../src/export/zip';

describe('names in an export', () => {
  const names = new Names('Growth', [
    { path: 'Growth/a.md', note: true },
    { path: 'Growth/a.html', note: false },
    { path: 'Growth/A.markdown', note: true },
    { path: 'Growth/sub/a.md', note: true },
    { path: 'Growth/index.md', note: true },
    { path: 'Growth/data.csv', note: false },
    { path: 'Growth/README', note: false },
  ]);
  const all = ['a.md', 'a.html', 'A.markdown', 'sub/a.md', 'index.md', 'data.csv', 'README'].map((path) => names.of(`Growth/${path}`) ?? '');

  test('files keep theirs, notes become pages, and no two are the same on any file system', () => {
    expect(all).toEqual(['a.md.html', 'a.html', 'A.markdown.html', 'sub/a.html', 'index.md.html', 'data.csv', 'README']);
    expect(new Set([...all, names.index].map((name) => name.toLowerCase())).size).toBe(all.length + 1);
    expect(names.of('Other/x.md')).toBeUndefined();
  });

  test('what lies elsewhere and is shown comes along, once', () => {
    expect(names.attach('images/gel.png')).toBe('_attached/images/gel.png');
    expect(names.attach('images/gel.png')).toBe('_attached/images/gel.png');
    expect(names.attach('Images/GEL.png')).toBe('_attached/Images/GEL-2.png');
    expect(names.attach('Growth/data.csv')).toBe('data.csv');
  });

  test('the index never takes the place of something that is there', () => {
    expect(new Names('', [{ path: 'index.html', note: false }]).index).toBe('index-2.html');
  });
});

test.each([
  ['a.html', 'b.html', 'b.html'],
  ['sub/a.html', 'b.html', '../b.html'],
  ['sub/a.html', 'sub/b c#.html', 'b%20c%23.html'],
  ['x/y/a.html', 'x/z/ü.png', '../z/%C3%BC.png'],
  ['a.html', 'a.html', 'a.html'],
])('from %s to %s', (from, to, address) => {
  expect(relative(from, to)).toBe(address);
  // A browser goes there, and nowhere else.
  expect(decodeURIComponent(new URL(address, `file:///out/${from.split('/').map(encodeURIComponent).join('/')}`).pathname)).toBe(`/out/${to}`);
});

describe('a zip', () => {
  async function* some(files: ZipFile[]) {
    yield* files;
  }
  const join = async (chunks: AsyncIterable<Uint8Array>) => {
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return new Uint8Array(Buffer.concat(all));
  };

  test('holds every byte of every file, under names in any script and with times it cannot tell', async () => {
    const noise = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7919) % 251);
    const files: ZipFile[] = [
      { name: 'Größe/ß.html', time: new Date('2026-11-27'), bytes: [new TextEncoder().encode('<p>a</p>'), new TextEncoder().encode('b')], pack: true },
      { name: 'gel.png', time: new Date('1901-01-01'), bytes: [noise.subarray(0, 1), noise.subarray(1)], pack: false },
      { name: 'empty', time: new Date('nonsense'), bytes: [], pack: true },
    ];
    const out = unzipSync(await join(zipped(some(files))));
    expect(Object.keys(out)).toEqual(['Größe/ß.html', 'gel.png', 'empty']);
    expect(new TextDecoder().decode(out['Größe/ß.html'])).toBe('<p>a</p>b');
    expect(Buffer.compare(Buffer.from(out['gel.png'] ?? []), Buffer.from(noise))).toBe(0);
    expect(out['empty']).toHaveLength(0);
  });

  test('is sent on as it comes: a large file is never held whole', async () => {
    let made = 0;
    let sent = 0;
    let most = 0;
    function* large() {
      for (let n = 0; n < 200; n += 1) {
        made += 1 << 16;
        most = Math.max(most, made - sent);
        yield new Uint8Array(1 << 16);
      }
    }
    for await (const chunk of zipped(some([{ name: 'large', time: new Date(), bytes: large(), pack: false }]))) sent += chunk.length;
    expect(sent).toBeGreaterThan(200 << 16);
    expect(most).toBeLessThan(4 << 16);
  });

  test('fails as a whole when a file breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
      throw new Error('broken off');
    }
    await expect(join(zipped(some([{ name: 'a', time: new Date(), bytes: broken(), pack: false }])))).rejects.toThrow('broken off');
  });
});
