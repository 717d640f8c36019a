import { readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, test } from 'vitest';

test('the types are those of the daemon’s API', async () => {
  const at = (path: string) => new URL(path, import.meta.url);
  const made = astToString(await openapiTS(at('../openapi.json')));
  const header = /^\/\*\*[\s\S]*?\*\/\n\n/.exec(readFileSync(at('../src/api/schema.ts'), 'utf8'))?.[0] ?? '';
  expect(readFileSync(at('../src/api/schema.ts'), 'utf8'), 'run `npm run types`').toBe(header + made);
});
