/** Puts blocks and views of plugins into texts. What has left the page is taken out. */
import { mount, unmount } from 'svelte';
import type { Plugin } from '../api/plugins';
import BlockFrame from '../components/plugins/BlockFrame.svelte';
import CdxView from '../components/plugins/CdxView.svelte';
import { type BlockShow, blocksIn, knowBlocks } from '../editor/plugin-blocks';
import { knownPlugins } from '../state/plugins.svelte';
import { BlockTable } from './blocks';

const shown = new Map<HTMLElement, () => void>();
const made = new WeakMap<readonly Plugin[], BlockShow>();

/** Takes out what is in no page any more. */
function sweep(): void {
  for (const [element, out] of shown) {
    if (element.isConnected) continue;
    shown.delete(element);
    out();
  }
}

/** A text may be put into the page a moment after it was made. */
let sweeping: ReturnType<typeof setTimeout> | null = null;
const sweepSoon = (): unknown => (sweeping ??= setTimeout(() => {
  sweeping = null;
  sweep();
  if (shown.size > 0) sweepSoon();
}, 5000));

function keep(element: HTMLElement, part: Record<string, unknown>): void {
  shown.set(element, () => void unmount(part));
  sweepSoon();
}

const mountBlock: (table: BlockTable) => BlockShow['mount'] = (table) => (element, { name, body }, { notebook, path, done }) => {
  const block = name === null ? table.forAddress(body) : table.named(name);
  if (!block) return;
  keep(element, mount(BlockFrame, { target: element, props: { block, body, isAddress: name === null, notebook, path, onsize: done } }));
};

export function mountView(element: HTMLElement, { notebook, path, entry, trail, done }: { notebook: string; path: string; entry: string; trail: readonly string[]; done?: (() => void) | undefined }): void {
  keep(element, mount(CdxView, { target: element, props: { notebook, entry, path, trail, within: true, onsize: done } }));
}

/** The blocks of a notebook, known from here on. */
export async function readBlocks(notebook: string): Promise<BlockShow> {
  const { plugins } = await knownPlugins.in(notebook);
  let show = made.get(plugins);
  if (!show) {
    const table = new BlockTable(plugins);
    show = { table, mount: mountBlock(table) };
    made.set(plugins, show);
  }
  if (blocksIn(notebook) !== show) knowBlocks(notebook, show);
  return show;
}
