/** The place in a text that a link or a search leads to: shown when the entry has been opened, or at once if it is. */
import type { SnippetPart } from '../api/types';

/** A heading; a line from 1, and something that stands in it, or nothing; or what a search found, with what is around it. */
export type Spot = { heading: string } | { line: number; says: string } | { found: readonly SnippetPart[] };

let wanted: { place: string; spot: Spot } | null = null;
const listeners = new Set<() => void>();

/** `place`: the address, by path, of the entry that the link leads to. */
export function wantSpot(place: string, spot: Spot | null): void {
  wanted = spot === null ? null : { place, spot };
  for (const listener of listeners) listener();
}

export const wantHeading = (place: string, heading: string | null): void => wantSpot(place, heading === null ? null : { heading });

/** What was wanted of the page at this address; once, and of no other. */
export function takeSpot(place: string): Spot | null {
  const spot = wanted?.place === place ? wanted.spot : null;
  wanted = null;
  return spot;
}

/** Calls when something is wanted of the page at this address while it is open. */
export function onWanted(place: () => string, show: (spot: Spot) => void): () => void {
  const listener = () => {
    if (wanted?.place !== place()) return;
    const spot = takeSpot(place());
    if (spot) show(spot);
  };
  listeners.add(listener);
  return () => listeners.delete(listener);
}
