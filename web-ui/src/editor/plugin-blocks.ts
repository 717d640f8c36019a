/** Blocks of plugins where a text is shown: known once they were asked for, so that a text without them waits for nothing. */
import type { BlockTable } from '../plugins/blocks';

/** Shows what stands for a piece of Markdown, and takes it out again. `mount` comes with the plugins' own part of the page. */
export interface BlockShow {
  table: BlockTable;
  /** `name`: the word behind the fence; `null`: the body is an address. */
  mount(element: HTMLElement, what: { name: string | null; body: string }, around: { notebook: string; path: string; done?: (() => void) | undefined }): void;
}

const known = new Map<string, BlockShow>();

/** Those of a notebook, if they are known and there are any. */
export const blocksIn = (notebook: string): BlockShow | undefined => known.get(notebook);

export function knowBlocks(notebook: string, show: BlockShow): void {
  known.set(notebook, show);
}
