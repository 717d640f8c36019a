import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const daemon = process.env['CODEX_DAEMON'] ?? 'http://127.0.0.1:7420';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // The page's policy forbids inline scripts and data: URLs for code; every asset stays a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: daemon, ws: true } },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
