codex.importer(() => Array.from({ length: 100_000 }, (_, at) => ({ path: `${at}.md`, text: '' })));
