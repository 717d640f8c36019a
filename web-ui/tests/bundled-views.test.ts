/** The bundled views: what their manifests name is there, and a config key is either described and used, or not there at all. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const views = join(import.meta.dirname, '../../plugins/views');

interface View {
  id: string;
  script: string;
  style: string;
  keys: string[];
}

/** Of a manifest's text only what is asked here: the views, each with the keys of its `config_schema`. */
function read(manifest: string): View[] {
  const section = manifest.split(/^views:\n/m)[1]?.split(/^\w/m)[0] ?? '';
  return section.split(/^ {2}- id: /m).slice(1).map((part) => ({
    id: part.split('\n')[0]?.trim() ?? '',
    script: /^ {4}script: (.+)$/m.exec(part)?.[1] ?? '',
    style: /^ {4}style: (.+)$/m.exec(part)?.[1] ?? '',
    keys: [...(part.split(/^ {4}config_schema:\n/m)[1] ?? '').matchAll(/^ {6}(\w+):/gm)].map((found) => found[1] ?? ''),
  }));
}

for (const folder of readdirSync(views)) {
  const at = join(views, folder);
  const manifest = readFileSync(join(at, 'manifest.yml'), 'utf8');
  describe(folder, () => {
    test('every file that the manifest names is there', () => {
      const named = [...manifest.matchAll(/\b(?:script|style|file): ([\w./-]+)/g)].map((found) => found[1] ?? '');
      expect(named.length).toBeGreaterThan(3);
      expect(named.filter((name) => !existsSync(join(at, name)))).toEqual([]);
    });

    for (const { id, script, keys } of read(manifest)) {
      const text = readFileSync(join(at, script), 'utf8');
      test(`${id}: every config key is described, and every one that is described counts`, () => {
        const used = new Set([...text.matchAll(/view\.config\['(\w+)'\]/g)].map((found) => found[1] ?? ''));
        const named = new Set([...text.matchAll(/'(\w+_property)'/g)].map((found) => found[1] ?? ''));
        expect([...new Set([...used, ...named])].sort()).toEqual([...keys].sort());
      });
      test(`${id}: the script reaches for nothing that a frame has not`, () => {
        expect(text).not.toMatch(/^import |\bimport\(|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|\beval\(|new Function|localStorage|document\.cookie/m);
        expect(text.length).toBeLessThan(60_000);
      });
    }
  });
}
