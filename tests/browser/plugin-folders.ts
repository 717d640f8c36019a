/** Plugins that a test brings: their folders, and adding them to a daemon. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from './world';

/** What the daemon tells of a plugin. */
export interface Row {
  id: string;
  hash: string;
  state: string;
  calls: number;
  refused: number;
  secrets: string[];
  config: Record<string, unknown>;
  permissions: { permission: string; granted: boolean }[];
}

export interface Manifest {
  id: string;
  [key: string]: unknown;
}

/** A plugin's folder. A manifest in JSON is one in YAML too. */
export function folder(daemon: Daemon, manifest: Manifest, files: Record<string, string>): string {
  const at = join(daemon.root, `${daemon.name}-plugin-${manifest.id}`);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'manifest.yml'), JSON.stringify({ name: manifest.id, version: '1.0.0', type: 'view', ...manifest }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text);
  return at;
}

/** Adds a folder, and enables what is in it. */
export async function add(daemon: Daemon, path: string, on = true): Promise<string> {
  const { id, hash } = await daemon.api<Row>('POST', '/plugins', { path });
  if (on) await daemon.api('PUT', `/plugins/${id}`, { enabled: true, hash });
  return id;
}

export const install = (daemon: Daemon, manifest: Manifest, files: Record<string, string>, on = true): Promise<string> => add(daemon, folder(daemon, manifest, files), on);
