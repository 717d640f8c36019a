/** The bundled importers: nothing of a file is left out of what they make. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';

interface Entry {
  path: string;
  text: string;
  properties: Record<string, unknown>;
}
type Run = (file: { name: string; stem: string; text: string; bytes: Uint8Array }) => unknown;

/** What the script makes of a file, as the daemon has it: by way of JSON. */
function importer(id: string): (name: string, text: string) => Entry[] {
  const script = readFileSync(join(import.meta.dirname, '../../plugins/importers', id, 'importer.js'), 'utf8');
  let run: Run | undefined;
  runInNewContext(script, { codex: { importer: (given: Run) => { run = given; } } });
  return (name, text) => {
    const made = JSON.parse(JSON.stringify(run?.({ name, stem: name.replace(/\.[^.]*$/, ''), text, bytes: new TextEncoder().encode(text) }))) as Partial<Entry>[];
    return made.map((each) => ({ path: each.path ?? '', text: each.text ?? '', properties: each.properties ?? {} }));
  };
}
const whole = (entries: Entry[]) => entries.map(({ text }) => text).join('\n');
const csvs = (entries: Entry[]) => entries.filter(({ path }) => path.endsWith('.csv')).map(({ text }) => text);
const rows = (count: number, of: (at: number) => string) => Array.from({ length: count }, (_, at) => of(at)).join('\n');

describe('instrument-csv', () => {
  const made = importer('instrument-csv');

  test('every row of every table is in one, however many there are', () => {
    for (const sizes of [[700, 650], [40, 60, 55], [1, 2], Array<number>(150).fill(3)]) {
      const text = sizes.map((size, n) => `[Block ${n}]\nGain: ${n}\n\nTime,OD\ns,AU\n${rows(size, (at) => `${at},${n}.${at}5`)}\n`).join('\n');
      const entries = made('run.csv', text);
      const data = csvs(entries).flatMap((csv) => csv.split('\n')).filter((line) => /^\d/.test(line));
      expect(data).toEqual(sizes.flatMap((size, n) => rows(size, (at) => `${at},${n}.${at}5`).split('\n')));
      expect(whole(entries).match(/^Time \[s\],OD \[AU\]$/gm)).toHaveLength(sizes.length);
      for (const [n] of sizes.entries()) expect(whole(entries)).toContain(`[Block ${n}]\nGain: ${n}\n`);
      expect(entries[0]?.properties).toMatchObject({ rows: sizes.reduce((all, one) => all + one), tables: sizes.length, block_0_gain: 0, block_1_gain: 1 });
      expect(entries.length).toBeLessThan(102);
    }
  });

  test('a value is a number only where it is written as one', () => {
    const [note] = made('run.csv', 'Sample ID: 00123\nPlate: 1E5\nFirmware: 2.10\nOffset: +4\nLong: 12345678901234567890\nGain: 5\nTemp: -37.5\nZero: 0\nMinus: -0\n\nt,y\n0,1\n1,2\n');
    expect(note?.properties).toEqual({
      title: 'run', source: 'run.csv', rows: 2,
      sample_id: '00123', plate: '1E5', firmware: '2.10', offset: '+4', long: '12345678901234567890', gain: 5, temp: -37.5, zero: 0, minus: '-0',
    });
  });

  test('a key that is there again has a list; one of ours another name; what is too much stands in the text, and that is said', () => {
    const head = `Note: a\nNote: b\nNote: 3\nTitle: Mine\nRows: 8\nType: endpoint\n__proto__: x\n${rows(300, (at) => `Key ${at}: ${at}`)}`;
    const [note] = made('run.csv', `${head}\n\nt,y\n0,1\n1,2\n`);
    expect(note?.properties).toMatchObject({ note: ['a', 'b', 3], title: 'run', rows: 2, setting_title: 'Mine', setting_rows: 8, setting_type: 'endpoint', proto: 'x' });
    expect(note?.text).toContain(head);
    expect(note?.text).toContain('settings are no property');
    expect(made('run.csv', 'A: 1\n\nt,y\n0,1\n1,2\n')[0]?.text).not.toContain('no property');
  });

  test('what was not measured ends no table, nor do words, empty fields or missing ones', () => {
    const body = ['12.5,OVRFLW,OVRFLW', '13,1,2', '14,,', '15,NaN,NaN', 'NaN,NaN,NaN', 'QC1,3,4', '16,5', '17,ok,6'];
    const entries = made('run.csv', `Time,A,B\n11,1,2\n${body.join('\n')}\n18,1,2\n`);
    expect(csvs(entries)).toEqual([`Time,A,B\n11,1,2\n${body.join('\n').replace('16,5', '16,5,')}\n18,1,2\n`]);
  });

  test('names may be numbers; settings right above them are none', () => {
    expect(csvs(made('a.csv', 'Time,450,600\n0,0.1,0.2\n60,0.3,0.4\n'))).toEqual(['Time,450,600\n0,0.1,0.2\n60,0.3,0.4\n']);
    expect(csvs(made('a.csv', 'Time,450,600\ns,AU,AU\n0,0.1,0.2\n60,0.3,0.4\n'))).toEqual(['Time [s],450 [AU],600 [AU]\n0,0.1,0.2\n60,0.3,0.4\n']);
    const padded = made('a.csv', 'Operator,mk,\nGain,5,\n,,\nTimes,OD,T\ns,AU,°C\n0,1,37\n1,2,37\n');
    expect(csvs(padded)).toEqual(['Times [s],OD [AU],T [°C]\n0,1,37\n1,2,37\n']);
    expect(padded[0]?.properties).toMatchObject({ operator: 'mk', gain: 5 });
    const close = made('a.csv', 'Operator,mk\nGain,5\nTime,OD\n0,1\n1,2\n');
    expect(csvs(close)).toEqual(['Time,OD\n0,1\n1,2\n']);
    expect(close[0]?.properties).toMatchObject({ operator: 'mk', gain: 5 });
    for (const corner of ['', '<>']) expect(csvs(made('a.csv', `Plate: 1\n\n${corner},1,2,3\nA,1,2,3\nB,4,5,6\n`))).toEqual([`${corner},1,2,3\nA,1,2,3\nB,4,5,6\n`]);
    // Rows that begin with a time are rows, however few.
    const times = ['2026-11-27 12:00:01,5\n2026-11-27 12:00:02,6\n', '12:00:01,7\n12:00:02,8\n'];
    expect(csvs(made('a.csv', times.map((one) => `Gain,5\n\nTime,OD\n${one}\n`).join('')))).toEqual(times.map((one) => `Time,OD\n${one}`));
    // A table of words and numbers is one, where there is no other.
    expect(csvs(made('a.csv', 'Gain,5\n\nWell,OD\nA1,0.1\nA2,0.2\nA3,0.3\n'))).toEqual(['Well,OD\nA1,0.1\nA2,0.2\nA3,0.3\n']);
    expect(csvs(made('a.csv', 'Time,OD\n0,1\n1,2\nTime,OD\n5,6\n7,8\n'))).toEqual(['Time,OD\n0,1\n1,2\n', 'Time,OD\n5,6\n7,8\n']);
  });

  test('commas in numbers are points only where they cannot be thousands', () => {
    expect(csvs(made('a.csv', 'Zeit;OD;T\n0,5;1,25;3,5\n1,5;1,30;4,5\n'))).toEqual(['Zeit,OD,T\n0.5,1.25,3.5\n1.5,1.30,4.5\n']);
    expect(csvs(made('a.csv', 'n;OD\n1,234;0.5\n2,345;0.6\n'))).toEqual(['n,OD\n"1,234",0.5\n"2,345",0.6\n']);
    expect(csvs(made('a.csv', 'n;m\n1,234;5\n2,345;6\n'))).toEqual(['n,m\n"1,234",5\n"2,345",6\n']);
    expect(csvs(made('a.csv', 'n;m\n007;+5\n1e5;6.00\n'))).toEqual(['n,m\n007,+5\n1e5,6.00\n']);
  });

  test('line ends, tabs, spaces, quoted fields and inches', () => {
    const csv = ['Time,OD\n0,1\n1,2\n'];
    for (const end of ['\r\n', '\r', '\r\r\n']) expect(csvs(made('a.csv', `Time,OD${end}0,1${end}1,2${end}`))).toEqual(csv);
    expect(csvs(made('a.tsv', 'Time\tOD\n0\t1\n1\t2'))).toEqual(csv);
    expect(csvs(made('a.dat', '  Time   OD\n  0    1\n  1    2\n'))).toEqual(csv);
    expect(csvs(made('a.csv', '"Time","OD"\n"0","1"\n"1","2"\n'))).toEqual(csv);
    expect(csvs(made('a.csv', 't,y,"a ""b"", c"\n0,1,"one\ntwo, three"\n1,2," x"\n2,3,5" wafer\n3,4,"open\n'))).toEqual([
      't,y,"a ""b"", c"\n0,1,"one\ntwo, three"\n1,2," x"\n2,3,"5"" wafer"\n3,4,"""open"\n',
    ]);
  });

  test('what is behind and between tables is in the note as it was; what is long beside it', () => {
    const tail = rows(900, (at) => `remark ${at}: all is well`);
    const [note] = made('a.csv', `t,y\n0,1\n1,2\n\n\`\`\`\n${tail}\n`);
    expect(note?.text).toContain(tail);
    expect(note?.text).toContain('\n````text\n');
    const long = rows(20_000, (at) => `remark ${at}: all is well`);
    const entries = made('a.csv', `t,y\n0,1\n1,2\n\n${long}\n`);
    expect(entries.map(({ path }) => path)).toEqual(['a.md', 'a data.csv', 'a text.txt']);
    expect(entries[2]?.text).toContain(long);
    expect(entries[0]?.text.length).toBeLessThan(1000);
  });

  test('whatever stands together in a file: every word and number of it is in what is made', () => {
    // A row of made-up numbers that is the same each time.
    let seed = 7;
    const upTo = (most: number) => ((seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 12) % most;
    for (let turn = 0; turn < 600; turn += 1) {
      const sign = [',', ';', '\t', '|', ' '][upTo(5)] ?? ',';
      let n = 1000;
      const number = () => `${(n += 1)}${['', '.25', 'e5', sign === ',' ? '' : ',75'][upTo(4)]}`;
      const word = () => `w${(n += 1)}`;
      const cell = () => (upTo(6) === 0 ? word() : upTo(9) === 0 && sign !== ' ' ? '' : number());
      const lines = Array.from({ length: 1 + upTo(5) }, () => {
        const width = 1 + upTo(4);
        const line = (of: () => string) => Array.from({ length: width }, of).join(sign);
        const row = () => Array.from({ length: upTo(5) }, () => line(cell)).join('\n');
        return [`[${word()}]`, `${word()}: ${number()}`, `${word()}${sign}${word()}`, line(word), row(), `${line(word)}\n${row()}`, `${line(word)}\n${line(() => 's')}\n${row()}`, '', `"${word()}\n${word()}"${sign}5" ${word()}`][upTo(9)];
      });
      const text = `${lines.join('\n')}\n${number()}${sign}${number()}\n`;
      const out = whole(made('run.csv', text));
      const lost = text.split(/[\s;|"[\]:,]+/).filter((token) => token !== '' && !out.includes(token));
      expect(lost, text).toEqual([]);
    }
  });

  test('what is no table is said', () => {
    expect(() => made('a.csv', ' \n')).toThrow('the file is empty');
    expect(() => made('a.csv', 'Time,OD\ns,AU\n')).toThrow('no table of numbers');
    expect(() => made('a.csv', 'T\0i\0m\0e\0')).toThrow('UTF-16');
    expect(() => made('a.csv', `t,y\n0,1\n1,2\n${' '.repeat(17 << 20)}`)).toThrow('it has 18 MiB, and 16 are the most; split it');
    expect(() => made('a.csv', '1,2\n'.repeat(1_000_001))).toThrow('1000001 lines, and 1000000 are the most; split it');
  });
});

describe('bibliography', () => {
  const made = importer('bibliography');

  test('every field is a property: those without a meaning here by their own names, one of ours by another', () => {
    const record = `@phdthesis{curie1903,
  title = {Recherches sur les substances {Ra}dioactives}, author = {van der Curie, Marie}, year = 1903, month = "12~" # jan,
  series = {Gauthier \\& Villars}, address = "Paris", eprint = {hep-th/9901001}, crossref = {parent1900},
  file = {:C\\:/papers/a--b~1.pdf:PDF}, type = {Thesis}, tags = {x}, status = {read}, Bdsk-Url-1 = {https://a.example/~b}, note = {one}, note = {two}, __proto__ = {odd}, toString = {s}
}`;
    const [entry] = made('a.bib', record);
    expect(Object.fromEntries(Object.entries(entry?.properties ?? {}))).toEqual(JSON.parse(JSON.stringify({
      title: 'Recherches sur les substances Radioactives', type: 'reference', reference_type: 'phdthesis', citation_key: 'curie1903', authors: ['Marie van der Curie'], year: 1903,
      month: '12 January', series: 'Gauthier & Villars', address: 'Paris', eprint: 'hep-th/9901001', crossref: 'parent1900', file: ':C\\:/papers/a--b~1.pdf:PDF',
      bib_type: 'Thesis', bib_tags: 'x', bib_status: 'read', 'bdsk-url-1': 'https://a.example/~b', note: 'one', bib_note: 'two', tostring: 's', PROTO: 'odd',
    }).replace('PROTO', '__proto__')));
    expect(entry?.text).toContain(`\`\`\`text\n${record}\n\`\`\``);
  });

  test('what is between the records is a note of its own', () => {
    const text = 'My library\n@string{jpc = "J. Phys. {Chem}"}\n@preamble{"\\newcommand{\\x}{y}"}\n@comment{jabref-meta: {a}}\n@article{a, journal = jpc # { A}, title = {One {with {braces}}}}\nwrite to me@example.org\n@article(b, title = "Schr{\\"o}dinger (1926)")\n@misc{c, file = {C:\\dir\\}, date = {2001-05-03}}\n@misc{, title = {No key}}\n@misc{Smith 2001, title = {Spaces}}\n';
    const entries = made('lib.bib', text);
    expect(entries.map(({ path }) => path)).toEqual(['a.md', 'b.md', 'c.md', 'No key.md', 'Smith 2001.md', 'lib between the works.md']);
    expect(entries[0]?.properties).toMatchObject({ journal: 'J. Phys. Chem A', title: 'One with braces' });
    expect(entries[1]?.properties).toMatchObject({ title: 'Schrödinger (1926)' });
    expect(entries[2]?.properties).toMatchObject({ file: 'C:\\dir\\', year: 2001, date: '2001-05-03' });
    for (const part of ['My library', '@string{jpc = "J. Phys. {Chem}"}', '@preamble{"\\newcommand{\\x}{y}"}', '@comment{jabref-meta: {a}}', 'write to me@example.org']) expect(entries[5]?.text).toContain(part);
    // All that is not white is there.
    for (const line of text.trim().split('\n')) expect(whole(entries)).toContain(line);
    expect(made('a.bib', '@misc{a, title = {x}}\n')).toHaveLength(1);
  });

  test('letters of TeX are letters, and two works with one key are two notes', () => {
    const entries = made('a.bib', '@misc{k, author = {G{\\"o}del, Kurt and Erd\\H{o}s, P\\\'al and {\\O}rsted and Na{\\"\\i}f}, title = {\\c{C}a --- {\\ss}}}\r\n@misc{K, title = {B}}\r\n@misc{k, title = {C}}\r\n');
    expect(entries.map(({ path }) => path)).toEqual(['k.md', 'K 2.md', 'k 3.md']);
    expect(entries[0]?.properties).toMatchObject({ authors: ['Kurt Gödel', 'Pál Erdős', 'Ørsted', 'Naïf'], title: 'Ça — ß' });
  });

  test('what is wrong is said with its line, and nothing is made', () => {
    expect(() => made('a.bib', '@misc{a,\n title = {x}\n')).toThrow('line 1: a “}” is missing at the end of “@misc a”');
    expect(() => made('a.bib', '\n@misc{a,\n title = {x\n')).toThrow('line 3: a “}” is missing');
    expect(() => made('a.bib', '@misc{a,\n title {x}}\n')).toThrow('line 2: behind “title” a “=” is missing');
    expect(() => made('a.bib', 'words')).toThrow('no “@…{…}”');
    expect(() => made('a.bib', '')).toThrow('empty');
    expect(() => made('a.bib', `@misc{a}${' '.repeat(17 << 20)}`)).toThrow('it has 18 MiB, and 16 are the most; split it');
    expect(() => made('a.bib', rows(2000, (at) => `@misc{k${at}, title = {x}}`))).toThrow('1999 are the most of one file; split it');
    expect(made('a.bib', rows(1999, (at) => `@misc{k${at}, title = {x}}`))).toHaveLength(1999);
  });

  test('RIS: tags without a meaning here, those that are there again, long values, and records without an end', () => {
    const text = 'Provider: Somebody\nContent: text\n\nTY  - JOUR\nAU  - Curie, Marie\nAU  - Curie, Pierre\nTI  - On rays\nT1  - On rays, again\nPY  - 1898/07/18/\nN1  - first\nN1  - second\nM1  - 12\nAD  - Rue Lhomond\nAD  - Paris\nAB  - A long\n  abstract\nSP  - 1\nEP  - 9\nER  - \n\nTY  - BLOG\nTI  - No end\nTY  - CHAP\nTI  - Last\nID  - key1\nER  -\n';
    const entries = made('lib.ris', text.replaceAll('\n', '\r\n'));
    expect(entries.map(({ path }) => path)).toEqual(['curie1898.md', 'work2.md', 'key1.md', 'lib between the works.md']);
    expect(entries[0]?.properties).toEqual({
      title: 'On rays', type: 'reference', reference_type: 'article', citation_key: 'curie1898', authors: ['Marie Curie', 'Pierre Curie'], year: 1898, date: '1898/07/18/',
      pages: '1–9', note: 'first', n1: 'second', m1: '12', ad: ['Rue Lhomond', 'Paris'], t1: 'On rays, again',
    });
    expect(entries[1]?.properties).toMatchObject({ title: 'No end', ty: 'BLOG' });
    expect(entries[0]?.text).toContain('A long abstract');
    for (const line of text.trim().split('\n')) expect(whole(entries)).toContain(line.trimEnd());
    expect(made('a.ris', 'TY - BOOK\nTI - One space\nER -\n')[0]?.properties).toMatchObject({ title: 'One space', reference_type: 'book' });
    expect(() => made('a.ris', 'AU  - A\n')).toThrow('line 1: “AU” stands before any “TY”');
  });
});
