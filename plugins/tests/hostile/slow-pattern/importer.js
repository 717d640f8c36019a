codex.importer(() => [{ path: 'a.md', text: String(/^(a+)+$/.test(`${'a'.repeat(60)}!`)) }]);
