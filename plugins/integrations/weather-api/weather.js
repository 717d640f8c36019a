// Codes of the World Meteorological Organization (WMO 4677), as Open-Meteo gives them.
/** @type {[number, string][]} */
const SKY = [[0, 'clear'], [2, 'partly cloudy'], [3, 'overcast'], [48, 'fog'], [57, 'drizzle'], [67, 'rain'], [77, 'snow'], [82, 'showers'], [86, 'snow showers'], [99, 'thunderstorm']];
/** @param {number} code */
const sky = (code) => SKY.find(([most]) => code <= most)?.[1] ?? '';

codex.start(async (view) => {
  const { h } = codex;
  const show = (/** @type {Child[]} */ ...children) => {
    view.root.replaceChildren(h('article', { class: 'weather' }, ...children));
    view.fit();
  };
  /** @type {Dict<Json>} */
  const place = view.values.location === undefined ? {} : { name: String(view.values.location) };
  show(h('p', { class: 'quiet' }, String(place.name ?? 'Weather'), ' …'));
  try {
    const found = await view.call('geocode', place);
    const at = found.data.results?.[0];
    if (!at) return show(h('p', {}, `No place is called “${place.name}”.`));
    const imperial = view.values.units === 'imperial';
    const where = { latitude: at.latitude, longitude: at.longitude, ...(imperial ? { temperature_unit: 'fahrenheit' } : {}) };
    const now = await view.call('current_weather', { ...where, ...(imperial ? { wind_speed_unit: 'mph' } : {}) });
    const to_come = await view.call('forecast', where);
    const number = (/** @type {number} */ n) => new Intl.NumberFormat(view.locale, { maximumFractionDigits: 0 }).format(n);
    const { current, current_units: units } = now.data;
    const { daily } = to_come.data;
    const when = new Intl.DateTimeFormat(view.locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(now.as_of));
    const day = (/** @type {string} */ text) => new Intl.DateTimeFormat(view.locale, { weekday: 'short', timeZone: 'UTC' }).format(new Date(`${text}T00:00:00Z`));
    return show(
      h('h3', {}, `${at.name}: ${number(current.temperature_2m)} ${units.temperature_2m}, ${sky(current.weather_code)}`),
      h('p', { class: 'facts' }, `${number(current.relative_humidity_2m)} % humidity · wind ${number(current.wind_speed_10m)} ${units.wind_speed_10m} · ${number(current.surface_pressure)} ${units.surface_pressure}`),
      h('ol', {}, ...daily.time.map((/** @type {string} */ time, /** @type {number} */ n) => h('li', {}, h('b', {}, day(time)), ` ${number(daily.temperature_2m_min[n])}–${number(daily.temperature_2m_max[n])}°`, h('br'), h('span', { class: 'quiet' }, sky(daily.weather_code[n]))))),
      h('p', { class: 'quiet' }, now.stale ? `does not answer now; as of ${when}` : `Open-Meteo, as of ${when}`),
    );
  } catch (error) {
    return show(h('p', {}, String(place.name ?? 'Weather')), h('p', { class: 'quiet' }, /** @type {{message: string}} */ (error).message));
  }
});
