/** A day of ISO 8601, in one piece or with lines between, that no other digit is beside. */
const DAY = /(?<!\d)(\d{4})(-?)(\d{2})\2(\d{2})(?!\d)/g;

codex.transformer(({ name, properties }) => {
  if (properties.date !== undefined) return null;
  for (const [, year = '', , month, day] of name.matchAll(DAY)) {
    const date = `${year}-${month}-${day}`;
    const at = new Date(`${date}T00:00:00Z`);
    // Eight digits may be anything: a day is one that there is, of our time.
    if (!Number.isNaN(at.getTime()) && at.toISOString().startsWith(date) && year >= '1900' && year < '2100') return { properties: { date } };
  }
  return null;
});
