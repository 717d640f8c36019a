/** Small files of many kinds, made here so that no binary lies in the tree. */

const jpeg = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);

/** A picture whose EXIF says who made the camera. */
export function photo(make: string): Buffer {
  const text = Buffer.from(`${make}\0`, 'latin1');
  const tiff = Buffer.alloc(26 + text.length);
  tiff.write('II*\0', 0, 'latin1');
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(1, 8);
  tiff.writeUInt16LE(0x010f, 10);
  tiff.writeUInt16LE(2, 12);
  tiff.writeUInt32LE(text.length, 14);
  tiff.writeUInt32LE(26, 18);
  text.copy(tiff, 26);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

/** So many pages, each saying its number. */
export function pdf(pages: number): Buffer {
  const objects = ['<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Count ${pages}/Kids[${Array.from({ length: pages }, (_, at) => `${4 + 2 * at} 0 R`).join(' ')}]>>`];
  objects.push('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>');
  for (let at = 0; at < pages; at += 1) {
    const text = `BT /F1 36 Tf 72 700 Td (Protocol page ${at + 1}) Tj ET`;
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents ${5 + 2 * at} 0 R>>`);
    objects.push(`<</Length ${text.length}>>stream\n${text}\nendstream`);
  }
  let out = '%PDF-1.4\n%\u00e2\u00e3\n';
  const places = objects.map((object, at) => {
    const place = out.length;
    out += `${at + 1} 0 obj${object}endobj\n`;
    return place;
  });
  const start = out.length;
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('')}`;
  out += `trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(out, 'latin1');
}

/** A second of silence. */
export function wav(): Buffer {
  const samples = 8000;
  const out = Buffer.alloc(44 + samples, 0x80);
  out.write('RIFF', 0, 'latin1');
  out.writeUInt32LE(36 + samples, 4);
  out.write('WAVEfmt ', 8, 'latin1');
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(8000, 24);
  out.writeUInt32LE(8000, 28);
  out.writeUInt16LE(1, 32);
  out.writeUInt16LE(8, 34);
  out.write('data', 36, 'latin1');
  out.writeUInt32LE(samples, 40);
  return out;
}

export const svg = (color: string, width = 320, height = 200): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="${width}" height="${height}" fill="${color}"/><circle cx="${width / 2}" cy="${height / 2}" r="${height / 3}" fill="white"/></svg>`;

/** Growth of a culture, in so many rows. */
export function growth(rows: number): string {
  const lines = ['time (h),OD600,strain'];
  for (let at = 0; at < rows; at += 1) lines.push(`${(at / 4).toFixed(2)},${(1.8 / (1 + Math.exp(5 - at / 8))).toFixed(3)},${at % 3 === 0 ? 'wild type' : 'mutant'}`);
  return `${lines.join('\n')}\n`;
}

/** A notebook whose outputs try to run. */
export function ipynb(attack = '<script>window.ran = 1</script><img src=x onerror="window.ran = 2">'): string {
  const cell = (source: string, outputs: unknown[], count: number) => ({ cell_type: 'code', source: [source], outputs, execution_count: count, metadata: {} });
  return JSON.stringify({
    nbformat: 4, nbformat_minor: 5,
    metadata: { language_info: { name: 'python' }, kernelspec: { name: 'python3' } },
    cells: [
      { cell_type: 'markdown', source: ['# Growth of *E. coli*\n', '\nEvery quarter of an hour.', attack], metadata: {} },
      cell('import pandas as pd\ndf = pd.read_csv("growth.csv")\nprint(len(df))', [{ output_type: 'stream', name: 'stdout', text: ['96\n'] }], 1),
      cell('df.head(1)', [{ output_type: 'execute_result', data: { 'text/html': [`<table><tr><th>OD600</th></tr><tr><td>0.012</td></tr></table>${attack}`], 'text/plain': ['OD600 0.012'] }, metadata: {}, execution_count: 2 }], 2),
      cell('plot()', [{ output_type: 'display_data', data: { 'image/svg+xml': [`<svg xmlns="http://www.w3.org/2000/svg" width="240" height="90" onload="window.ran=3"><path d="M5 80 C 90 80 90 10 235 10" stroke="teal" fill="none" stroke-width="3"/></svg>`] }, metadata: {} }], 3),
      cell('1/0', [{ output_type: 'error', ename: 'ZeroDivisionError', evalue: 'division by zero', traceback: ['\u001b[0;31mZeroDivisionError\u001b[0m: division by zero'] }], 4),
    ],
  });
}

/** A grey picture as scanners write it, uncompressed (or said to be compressed in some way), so many pages of it. */
export function tiff(width: number, height: number, bits: 8 | 16, values: readonly number[], pages = 1, compression = 1): Buffer {
  const data = Buffer.alloc(values.length * (bits / 8));
  values.forEach((value, at) => (bits === 8 ? data.writeUInt8(value, at) : data.writeUInt16LE(value, at * 2)));
  const start = 8 + data.length + (data.length % 2);
  const tags: [number, number, number][] = [
    [256, 3, width], [257, 3, height], [258, 3, bits], [259, 3, compression], [262, 3, 1], [273, 4, 8], [277, 3, 1], [278, 3, height], [279, 4, data.length],
  ];
  const length = 2 + tags.length * 12 + 4;
  const file = Buffer.alloc(start + pages * length);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(start, 4);
  data.copy(file, 8);
  for (let page = 0; page < pages; page += 1) {
    const at = start + page * length;
    file.writeUInt16LE(tags.length, at);
    tags.forEach(([tag, type, value], index) => {
      const entry = at + 2 + index * 12;
      file.writeUInt16LE(tag, entry);
      file.writeUInt16LE(type, entry + 2);
      file.writeUInt32LE(1, entry + 4);
      file.writeUInt32LE(value, entry + 8);
    });
    file.writeUInt32LE(page + 1 < pages ? at + length : 0, at + length - 4);
  }
  return file;
}
