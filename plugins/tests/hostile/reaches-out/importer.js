codex.importer(async () => {
  const found = ['process', 'require', 'std', 'os', 'fetch', 'XMLHttpRequest', 'WebSocket', 'Deno', 'Bun', 'Worker', 'setTimeout', 'print', 'console', 'scriptArgs', '__loadScript']
    .filter((name) => name in globalThis);
  for (const name of ['fs', 'os', 'std', 'child_process', 'node:fs', 'file:///etc/passwd', '/etc/passwd', 'https://example.org/x.js']) {
    try {
      await import(name);
      found.push(name);
    } catch {
      // There is no such thing: as it should be.
    }
  }
  throw new Error(`found: [${found.join()}]`);
});
