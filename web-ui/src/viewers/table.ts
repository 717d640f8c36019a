/** A CSV or TSV file as rows. Pure but for the parser. */
import Papa from 'papaparse';

export interface Table {
  names: string[];
  rows: string[][];
  /** Rows that have more or fewer fields than there are columns. */
  uneven: number;
}

export function parseTable(text: string, tabs: boolean, named: boolean): Table {
  const { data } = Papa.parse<string[]>(text, { delimiter: tabs ? '\t' : '', skipEmptyLines: 'greedy', delimitersToGuess: [',', ';', '\t', '|'] });
  const width = data.reduce((most, row) => Math.max(most, row.length), 0);
  const head = named ? (data[0] ?? []) : [];
  const names = Array.from({ length: width }, (_, at) => head[at]?.trim() ?? '');
  const rows = named ? data.slice(1) : data;
  return { names, rows, uneven: rows.filter((row) => row.length !== width).length };
}

/** Whether the first row names the others: none of it is a number, and something below it is. */
export function hasNames(text: string, tabs: boolean): boolean {
  const { data } = Papa.parse<string[]>(text, { delimiter: tabs ? '\t' : '', preview: 20, skipEmptyLines: 'greedy' });
  const [first, ...others] = data;
  if (!first) return false;
  return first.every((field) => numberOf(field) === null) && (others.length === 0 || first.some((field) => field.trim() !== ''));
}

/** A number as people write it: `1.5`, `1,5`, `2e-3`, `12 %`; nothing for anything else. */
export function numberOf(field: string | undefined): number | null {
  const bare = (field ?? '').trim().replace(/\s?%$/, '').replace(/^([+-]?\d+),(\d+)$/, '$1.$2').replace(/[\u00A0\u202F ](?=\d{3}\b)/g, '');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare)) return null;
  return Number(bare);
}

export interface Order {
  column: number;
  down: boolean;
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Row numbers that hold the text, in order. Numbers before words, nothing last; equals stay as they were. */
export function chosenRows(table: Table, filter: string, order: Order | null): number[] {
  const wanted = filter.trim().toLowerCase();
  const chosen: number[] = [];
  table.rows.forEach((row, at) => {
    if (wanted === '' || row.some((field) => field.toLowerCase().includes(wanted))) chosen.push(at);
  });
  if (order === null) return chosen;
  const { column, down } = order;
  const keys = new Map(chosen.map((at) => [at, { text: table.rows[at]?.[column] ?? '', number: numberOf(table.rows[at]?.[column]) }]));
  return chosen.sort((a, b) => {
    const [one, other] = [keys.get(a), keys.get(b)];
    if (!one || !other) return 0;
    if ((one.text === '') !== (other.text === '')) return one.text === '' ? 1 : -1;
    if ((one.number === null) !== (other.number === null)) return one.number === null ? 1 : -1;
    const by = one.number !== null && other.number !== null ? one.number - other.number : words.compare(one.text, other.text);
    return (down ? -by : by) || a - b;
  });
}

/** Columns of which most fields that are not empty are numbers. */
export function numberColumns(table: Table): number[] {
  const sample = table.rows.slice(0, 500);
  return table.names.map((_, at) => at).filter((at) => {
    const filled = sample.filter((row) => (row[at] ?? '').trim() !== '');
    return filled.length > 0 && filled.filter((row) => numberOf(row[at]) !== null).length > filled.length * 0.7;
  });
}
