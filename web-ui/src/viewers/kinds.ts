/** Which viewer shows what. Pure: by name and media type alone, never by what a file claims inside. */
import type { EntryDetails } from '../api/types';

export type ViewerKind = 'image' | 'tiff' | 'pdf' | 'audio' | 'video' | 'table' | 'notebook' | 'json' | 'code' | 'html' | 'view' | 'bytes';

/** More of a text than this is not laid out in a page. */
export const TEXT_MOST = 32 << 20;

const byEnding: Record<string, ViewerKind> = {
  pdf: 'pdf', csv: 'table', tsv: 'table', tab: 'table', ipynb: 'notebook', json: 'json', geojson: 'json', html: 'html', htm: 'html', xhtml: 'html', cdx: 'view',
};
const images = /^image\/(png|jpeg|gif|webp|bmp|avif|svg\+xml|x-icon|vnd\.microsoft\.icon)$/;
const code =
  /\.(xml|xsd|xsl|kml|mzml|py|r|rmd|jl|m|c|h|cc|cpp|hpp|cu|rs|go|java|kt|scala|swift|js|mjs|ts|tsx|jsx|css|scss|lua|pl|rb|php|sh|bash|zsh|ps1|sql|ya?ml|toml|ini|cfg|conf|tex|bib|f90|f95|vhd|v|cmake|dockerfile|diff|patch|stan|lisp|hs|ml|clj|properties|proto)$/i;

export const ending = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';

/** The viewer of a file; nothing for folders and links, and for texts that are simply written. */
export function viewerOf(details: Pick<EntryDetails, 'kind' | 'path' | 'media_type'>): ViewerKind | null {
  const { kind, path, media_type: media } = details;
  if (kind === 'folder' || kind === 'symlink') return null;
  const known = byEnding[ending(path)];
  if (images.test(media)) return 'image';
  if (media === 'image/tiff' && kind !== 'text') return 'tiff';
  if (known) return known === 'view' && kind !== 'text' ? 'bytes' : known;
  if (kind === 'text') return code.test(path) || /^(Makefile|Dockerfile)$/.test(path.split('/').at(-1) ?? '') ? 'code' : null;
  if (media.startsWith('audio/')) return 'audio';
  if (media.startsWith('video/')) return 'video';
  return 'bytes';
}

/** What a viewer is given. */
export interface Shown {
  notebook: string;
  details: EntryDetails;
  /** The text as it stands, if it is one that is merged as text. */
  text: string | null;
}
