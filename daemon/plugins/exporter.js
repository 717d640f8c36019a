// It is given entries and nothing else, and gives back files.
codex.exporter((entries) => [{
  name: 'PLUGIN.txt',
  text: entries.map(({ path, title }) => `${path}: ${title}\n`).join(''),
}]);
