// It is given the file and nothing else, and gives back entries.
codex.importer((file) =>
  file.text.split('\n').filter((line) => line.trim() !== '').map((line, at) => ({
    path: `${file.stem}/${at + 1}.md`,
    text: `${line}\n`,
    properties: { source: file.name },
  })));
