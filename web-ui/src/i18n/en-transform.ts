/** What is said where a plugin changes an entry. Loaded with that. */
export const transforming = {
  title: 'Transform',
  with: 'With',
  of: (name: string, plugin: string) => (name === plugin ? name : `${name} (${plugin})`),
  none: 'No plugin that is on here changes such entries.',
  toPlugins: 'Plugins…',
  looking: 'Looking at what would change…',
  nothing: 'Nothing would change.',
  apply: 'Change',
  close: 'Close',
  done: (name: string, path: string) => `“${name}” changed ${path}.`,
  history: 'History',
};
