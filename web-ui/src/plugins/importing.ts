/** Which importers and transformers there are for a file, and what an importer would make of it. Pure. */
import type { Dict, Imported, Json, Plugin } from '../api/plugins';
import { baseName } from '../state/tree-model';

export interface Importer {
  /** Names it on this device. */
  key: string;
  plugin: Plugin;
  id: string;
  name: string;
  description: string;
  extensions: readonly string[];
}

const importersOf = (plugins: readonly Plugin[]): Importer[] =>
  plugins.flatMap((plugin) => plugin.importers.map((each) => ({ ...each, key: `${plugin.id}/${each.id}`, plugin })));

/** How much of the name is the ending that an importer is for; 0: it is not for this file. */
function fit({ extensions }: Pick<Importer, 'extensions'>, name: string): number {
  const file = name.toLowerCase();
  const fits = extensions.map((each) => each.toLowerCase().replace(/^\.?/, '.')).filter((each) => each.length > 1 && file.endsWith(each));
  return Math.max(0, ...fits.map(({ length }) => length));
}

export type Transformer = Importer;

/** Transformers that run, and are for such a file. */
export const transformersFor = (plugins: readonly Plugin[], name: string): Transformer[] =>
  plugins
    .filter(({ state }) => state === 'on')
    .flatMap((plugin) => plugin.transformers.map((each) => ({ ...each, key: `${plugin.id}/${each.id}`, plugin })))
    .filter((each) => each.extensions.length === 0 || fit(each, name) > 0);

export interface Offer {
  /** Those that are for such a file, the most fitting first; what runs stands before what does not. */
  fitting: Importer[];
  /** The others that run. */
  others: Importer[];
}

/** What can be chosen for a file. An importer that does not run is named only where it is meant for the file. */
export function offered(plugins: readonly Plugin[], name: string): Offer {
  const all = importersOf(plugins).map((importer) => ({ importer, fits: fit(importer, name), runs: importer.plugin.state === 'on' }));
  const fitting = all.filter(({ fits }) => fits > 0).sort((a, b) => Number(b.runs) - Number(a.runs) || b.fits - a.fits);
  return { fitting: fitting.map(({ importer }) => importer), others: all.filter(({ fits, runs }) => fits === 0 && runs).map(({ importer }) => importer) };
}

/** The importer of a key, if it is among them; else the first that is meant for the file. */
export const chosenOf = ({ fitting, others }: Offer, key: string): Importer | undefined => [...fitting, ...others].find((each) => each.key === key) ?? fitting[0];

/** All endings that importers which run are for, as a file dialog wants them. */
export function endings(plugins: readonly Plugin[]): string[] {
  const all = importersOf(plugins).filter(({ plugin }) => plugin.state === 'on').flatMap(({ extensions }) => extensions);
  return [...new Set(all.map((each) => each.toLowerCase().replace(/^\.?/, '.')))].sort();
}

/** An entry that would be made, as a row. */
export interface Planned {
  path: string;
  title: string;
  properties: [key: string, value: string][];
  text: string;
}

const said = (value: Json): string => (typeof value === 'string' ? value : Array.isArray(value) ? value.map(said).join(', ') : JSON.stringify(value));

export function planned({ path, text, properties }: Imported): Planned {
  const own: Dict = properties ?? {};
  const { title } = own;
  return {
    path,
    title: typeof title === 'string' && title.trim() !== '' ? title : baseName(path),
    // What is nothing is not set.
    properties: Object.entries(own).filter(([, value]) => value !== null).map(([key, value]) => [key, said(value)]),
    text: text ?? '',
  };
}
