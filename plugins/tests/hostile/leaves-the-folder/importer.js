codex.importer((file) => [{ path: 'fine.md', text: 'fine' }, { path: file.text.trim(), text: 'taken over' }]);
