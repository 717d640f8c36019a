codex.importer(() => Array.from({ length: 2000 }, (_, at) => ({ path: `${at}.md`, text: 'x'.repeat(1 << 20) })));
