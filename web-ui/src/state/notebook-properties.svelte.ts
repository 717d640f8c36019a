/** A notebook's own properties, as `.metadata` at its top says; followed while a page shows them. */
import * as api from '../api/client';
import type { PropertyValue } from '../api/types';
import { desk } from './desk.svelte';

const FILE = '.metadata';

export class NotebookProperties {
  properties = $state.raw<Record<string, PropertyValue>>({});
  warnings = $state.raw<string[]>([]);

  constructor(
    readonly notebook: string,
    readonly notebookId: string,
  ) {}

  /** Until what it returns is called. */
  start(): () => void {
    void this.read();
    return desk.listen({
      event: (notice) => {
        const here = notice.notebook === this.notebookId || notice.notebook === this.notebook;
        if (here && (notice.path === FILE || notice.old_path === FILE)) void this.read();
      },
      reload: () => void this.read(),
    });
  }

  async read(): Promise<void> {
    try {
      this.take(await api.notebookProperties(this.notebook));
    } catch (error) {
      desk.fail(error);
    }
  }

  async set(change: Record<string, PropertyValue>, remove: string[] = []): Promise<boolean> {
    try {
      this.take(await api.setNotebookProperties(this.notebook, change, remove));
      return true;
    } catch (error) {
      desk.fail(error);
      return false;
    }
  }

  private take(read: { properties: Record<string, PropertyValue>; warnings: string[] }) {
    this.properties = read.properties;
    this.warnings = read.warnings;
  }
}
