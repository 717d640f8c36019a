/** A Jupyter notebook (nbformat 4) as cells to show. Nothing in it is run. */
import { t } from '../i18n/en';

export type Output =
  | { is: 'text'; text: string; bad: boolean }
  | { is: 'image'; url: string }
  | { is: 'html'; html: string }
  | { is: 'markdown'; text: string }
  | { is: 'unknown'; type: string };

export type Cell = { is: 'markdown'; text: string } | { is: 'raw'; text: string } | { is: 'code'; text: string; count: string; outputs: Output[] };

export interface Notebook {
  language: string;
  cells: Cell[];
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (Array.isArray(value) ? value.filter((part) => typeof part === 'string').join('') : typeof value === 'string' ? value : '');
/** Colours of a terminal say nothing here. */
// eslint-disable-next-line no-control-regex
const plain = (text: string): string => text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');

export function readNotebook(source: string): Notebook {
  let whole: unknown;
  try {
    whole = JSON.parse(source);
  } catch (error) {
    throw new Error(t.viewers.broken('notebook', error instanceof Error ? error.message : ''));
  }
  if (!isObject(whole) || !Array.isArray(whole['cells'])) throw new Error(t.viewers.notebook.version);
  const metadata = isObject(whole['metadata']) ? whole['metadata'] : {};
  const info = isObject(metadata['language_info']) ? metadata['language_info'] : isObject(metadata['kernelspec']) ? metadata['kernelspec'] : {};
  const language = textOf(info['name']) || textOf(info['language']) || 'python';
  return { language, cells: whole['cells'].filter(isObject).map(cellOf) };
}

function cellOf(cell: Json): Cell {
  const text = textOf(cell['source']);
  if (cell['cell_type'] === 'markdown') return { is: 'markdown', text };
  if (cell['cell_type'] !== 'code') return { is: 'raw', text };
  const outputs = Array.isArray(cell['outputs']) ? cell['outputs'].filter(isObject).map(outputOf) : [];
  const count = cell['execution_count'];
  return { is: 'code', text, count: typeof count === 'number' ? String(count) : ' ', outputs };
}

function outputOf(output: Json): Output {
  if (output['output_type'] === 'stream') return { is: 'text', text: plain(textOf(output['text'])), bad: output['name'] === 'stderr' };
  if (output['output_type'] === 'error') {
    const trace = textOf(Array.isArray(output['traceback']) ? output['traceback'].map((line) => `${textOf(line)}\n`) : '');
    return { is: 'text', text: plain(trace) || `${textOf(output['ename'])}: ${textOf(output['evalue'])}`, bad: true };
  }
  const data = isObject(output['data']) ? output['data'] : {};
  for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp']) {
    const base64 = textOf(data[type]).replace(/\s/g, '');
    if (base64 !== '' && /^[A-Za-z0-9+/=]+$/.test(base64)) return { is: 'image', url: `data:${type};base64,${base64}` };
  }
  // As an image, a drawing can neither run nor reach anything.
  const svg = textOf(data['image/svg+xml']);
  if (svg !== '') return { is: 'image', url: `data:image/svg+xml,${encodeURIComponent(svg)}` };
  const html = textOf(data['text/html']);
  if (html !== '') return { is: 'html', html };
  const markdown = textOf(data['text/markdown']);
  if (markdown !== '') return { is: 'markdown', text: markdown };
  const text = textOf(data['text/plain']) || textOf(data['text/latex']);
  if (text !== '') return { is: 'text', text: plain(text), bad: false };
  return { is: 'unknown', type: Object.keys(data)[0] ?? textOf(output['output_type']) };
}
