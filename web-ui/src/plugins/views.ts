/** Which plugin a view is meant of. Pure. */
import type * as api from '../api/plugins';

/** What can be done about a plugin, the least first: nothing, enable it, look at it again. */
const NEARNESS: readonly api.Plugin['state'][] = ['blocked', 'off', 'changed', 'on'];

/** The plugin that has a view of this name: one that runs, else one that was enabled before, else one that can be; of several the one that was loaded last. */
export function withView(all: readonly api.Plugin[], view: string): api.Plugin | undefined {
  const having = all.filter(({ views }) => views.some(({ id }) => id === view));
  const nearest = Math.max(...having.map(({ state }) => NEARNESS.indexOf(state)));
  return having.findLast(({ state }) => NEARNESS.indexOf(state) === nearest);
}
