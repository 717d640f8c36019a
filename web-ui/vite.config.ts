import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';
import { defineConfig } from 'vitest/config';

const daemon = process.env['CODEX_DAEMON'] ?? 'http://127.0.0.1:7420';

/** Every browser that shows the page knows woff2: fonts in older formats stay out of the build. */
const onlyWoff2: Plugin = {
  name: 'only-woff2',
  enforce: 'pre',
  transform: (code, id) => (/katex\.min\.css/.test(id) ? code.replace(/,url\([^)]+\.(?:woff|ttf)\) format\("[^"]+"\)/g, '') : null),
};

/** What must come before the page can be used: its script, all that this imports, and its style. */
const FIRST_LOAD_BYTES = 300_000;
const firstLoad: Plugin = {
  name: 'first-load',
  generateBundle(_, bundle) {
    const wanted = new Set<string>();
    const visit = (name: string) => {
      const chunk = bundle[name];
      if (!chunk || wanted.has(name)) return;
      wanted.add(name);
      if (chunk.type === 'chunk') chunk.imports.forEach(visit);
    };
    const entries = Object.values(bundle).flatMap((each) => (each.type === 'chunk' && each.isEntry && each.name === 'index' ? each.fileName : []));
    entries.forEach(visit);
    for (const each of Object.values(bundle)) if (each.type === 'asset' && /^assets\/index-.*\.css$/.test(each.fileName)) wanted.add(each.fileName);
    const size = (each: Rolldown.OutputChunk | Rolldown.OutputAsset | undefined) =>
      each ? gzipSync(each.type === 'chunk' ? each.code : each.source).length : 0;
    const total = [...wanted].reduce((sum, name) => sum + size(bundle[name]), 0);
    if (total > FIRST_LOAD_BYTES) this.error(`the first load is ${total} bytes compressed; at most ${FIRST_LOAD_BYTES} are meant to be`);
    this.info(`the first load is ${total} bytes compressed`);
  },
};

/** Markdown's language brings the whole of HTML with it, and so JavaScript and CSS. Here it gets HTML that comes when a text has some. */
const htmlLater: Plugin = {
  name: 'html-later',
  apply: 'build',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === '@codemirror/lang-html' && importer?.includes('/@codemirror/lang-markdown/') ? fileURLToPath(new URL('src/editor/html.ts', import.meta.url)) : null,
};

/** The page's policy lets nothing be compiled, so a PDF's rarer pictures are decoded by script. pdf.js asks for it by name. */
const pdfDecoders: Plugin = {
  name: 'pdf-decoders',
  apply: 'build',
  generateBundle() {
    for (const name of ['jbig2_nowasm_fallback.js', 'openjpeg_nowasm_fallback.js']) {
      const source = readFileSync(new URL(`node_modules/pdfjs-dist/wasm/${name}`, import.meta.url));
      this.emitFile({ type: 'asset', fileName: `pdfjs/${name}`, source });
    }
  },
};

export default defineConfig({
  plugins: [onlyWoff2, firstLoad, htmlLater, pdfDecoders, svelte()],
  build: {
    target: 'es2022',
    // The page's policy forbids inline scripts and data: URLs for code; every asset stays a file.
    assetsInlineLimit: 0,
    // Diagrams are drawn in a document of their own.
    rolldownOptions: { input: ['index.html', 'diagram.html'] },
    modulePreload: { polyfill: false },
    // Mermaid's layouts come only with diagrams that need them; the first load has a bound of its own.
    chunkSizeWarningLimit: 1600,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: daemon, ws: true } },
  },
  // Some read every source of the page, which takes its time on a busy machine.
  test: { include: ['tests/**/*.test.ts'], environment: 'node', testTimeout: 30_000 },
});
