/** What the scripts of importers, exporters and transformers are given: the global `codex`, and nothing else of the daemon's. See docs/plugins.md. */

/** A value of JSON. */
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The file that is imported. */
interface ImporterFile {
  /** What it is called. */
  readonly name: string;
  /** That without its ending. */
  readonly stem: string;
  /** As text: UTF-8, UTF-16 with its mark, else Windows-1252. A byte order mark is left out. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** An entry that is to be made. */
interface ImporterEntry {
  /** Where, below the folder that was chosen; a name that is taken gets a number. */
  path: string;
  text?: string;
  /** `null` is not set. */
  properties?: { [key: string]: Json };
}

/** An entry that is exported, or transformed. */
interface CodeEntry {
  readonly path: string;
  readonly name: string;
  readonly title: string;
  readonly kind: 'text' | 'blob' | 'folder' | 'symlink';
  readonly media_type: string;
  readonly properties: { readonly [key: string]: Json };
  readonly tags: string[];
  /** Moments, as `2026-11-28T09:30:00Z`. */
  readonly created: string;
  readonly modified: string;
  /** Its text, if it is one, as it is in its file. */
  readonly text?: string;
}

/** A file that is made. */
interface ExporterFile {
  /** A name, no path. */
  name: string;
  text?: string;
  /** Instead of a text. */
  bytes?: Uint8Array;
}

/** What changes of an entry. */
interface TransformerChange {
  /** All of its text. */
  text?: string;
  /** Properties to set; `null` removes. */
  properties?: { [key: string]: Json };
}

interface CodexCode {
  /** Called once, with the function that makes entries of a file. What it throws is shown to whoever imports. */
  importer(run: (file: ImporterFile) => ImporterEntry[] | Promise<ImporterEntry[]>): void;
  /** Called once, with the function that makes files of entries. What it throws is shown to whoever exports. */
  exporter(run: (entries: CodeEntry[]) => ExporterFile[] | Promise<ExporterFile[]>): void;
  /** Called once, with the function that changes an entry; nothing, if it is to stay. What it throws is shown to whoever transforms. */
  transformer(run: (entry: CodeEntry) => TransformerChange | null | undefined | Promise<TransformerChange | null | undefined>): void;
}

declare const codex: CodexCode;
