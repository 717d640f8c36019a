/** The heading that a link names: shown when the entry that it leads to has been opened. */
let wanted: { place: string; heading: string } | null = null;

/** `place`: the address of the page that the link leads to. */
export function wantHeading(place: string, heading: string | null): void {
  wanted = heading === null ? null : { place, heading };
}

/** What was wanted of the page at this address; once, and of no other. */
export function takeHeading(place: string): string | null {
  const heading = wanted?.place === place ? wanted.heading : null;
  wanted = null;
  return heading;
}
