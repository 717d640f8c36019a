/** What the script of an importer is given: the global `codex`, and nothing else of the daemon's. See docs/plugins.md. */

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

interface CodexImporter {
  /** Called once, with the function that makes entries of a file. What it throws is shown to whoever imports. */
  importer(run: (file: ImporterFile) => ImporterEntry[] | Promise<ImporterEntry[]>): void;
}

declare const codex: CodexImporter;
