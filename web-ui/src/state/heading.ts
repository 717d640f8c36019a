/** The heading to be shown when the entry that a link leads to has been opened. */
export const wanted: { heading: string | null } = { heading: null };
