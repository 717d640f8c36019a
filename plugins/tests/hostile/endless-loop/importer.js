codex.importer(() => {
  for (;;);
});
