/** What whoever signed is called: the daemon puts the fingerprint beside a name that is not theirs alone. Pure. */
import type { Signer } from '../api/types';

export const signerName = (one: Pick<Signer, 'who' | 'fingerprint'>, nobody: string): string => one.who ?? `${nobody} (${one.fingerprint})`;
