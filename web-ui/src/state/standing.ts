/** How a notebook stands here, as its status says. Pure. */
import type { NotebookStatus } from '../api/types';

type Of<K extends keyof NotebookStatus> = Pick<NotebookStatus, K>;

/** Why nothing is written here; nothing: it is. */
export type Refusal = 'viewer' | 'commenter' | 'none';

export function refusalOf(notebook: Of<'role' | 'state'> | undefined): Refusal | null {
  // Until it has been joined, nobody has said yet what this device may do.
  if (!notebook || notebook.state === 'joining') return null;
  if (!notebook.role) return 'none';
  return notebook.role === 'viewer' || notebook.role === 'commenter' ? notebook.role : null;
}

/** What the others hold is not known any more: this device was removed, or those that can be asked say so. */
export function cutOff({ role, state, peers }: Of<'role' | 'state' | 'peers'>): 'removed' | 'turnedAway' | null {
  if (!role && state !== 'joining') return 'removed';
  const someTakesPart = peers.some((peer) => peer.connected && !peer.turned_away);
  return !someTakesPart && peers.some((peer) => peer.turned_away) ? 'turnedAway' : null;
}

/** Why it is not ready. The commands that the reason may end with are for a terminal: here are buttons. */
export const reasonOf = ({ reason }: Of<'reason'>): string => (reason ?? '').replace(/\. Yes, delete:.*$/s, '.');

/** What is wrong with the file at a path. */
export function troubleOf({ problems }: Of<'problems'>, path: string): string | null {
  const found = problems.find((each) => (each as { path?: unknown }).path === path) as { reason?: unknown } | undefined;
  return typeof found?.reason === 'string' ? found.reason : null;
}

/** What the daemon says, as a sentence of its own. */
export function sentence(text: string): string {
  const bare = text.trim();
  if (bare === '') return '';
  return `${bare.slice(0, 1).toUpperCase()}${bare.slice(1)}${/[.!?…]$/.test(bare) ? '' : '.'}`;
}
