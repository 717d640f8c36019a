/** Files on their way in: how far each lot is. */
import * as files from '../api/files';
import * as api from '../api/client';
import { t } from '../i18n/en';
import { desk, words } from './desk.svelte';
import { type Dropped, batches } from './dropped';
import { joinPath } from './tree-model';

export interface Upload {
  number: number;
  folder: string;
  total: number;
  done: number;
  bytes: number;
  sent: number;
  stop(): void;
}

class Uploads {
  going = $state.raw<Upload[]>([]);
  #number = 0;

  async start(notebook: string, folder: string, dropped: readonly Dropped[]): Promise<void> {
    if (dropped.length === 0) return desk.say(t.uploads.nothing, true);
    const stopping = new AbortController();
    const upload: Upload = {
      number: (this.#number += 1), folder, total: dropped.filter((each) => each.file).length, done: 0, sent: 0,
      bytes: dropped.reduce((sum, each) => sum + (each.file?.size ?? 0), 0), stop: () => stopping.abort(),
    };
    this.going = [...this.going, upload];
    try {
      await this.#send(notebook, upload, dropped, stopping.signal);
      desk.say(t.uploads.done(upload.total, folder));
    } catch (error) {
      const { done } = this.#now(upload);
      if (stopping.signal.aborted) desk.say(t.uploads.stopped(done));
      else desk.say(t.uploads.failed(done, words(error)), true);
    }
    this.going = this.going.filter((each) => each.number !== upload.number);
    void desk.readStatus();
  }

  async #send(notebook: string, upload: Upload, dropped: readonly Dropped[], signal: AbortSignal): Promise<void> {
    for (const { path } of dropped.filter((each) => each.file === null)) {
      await api.createEntry(notebook, { path: joinPath(upload.folder, path), kind: 'folder' });
    }
    let before = 0;
    for (const batch of batches(dropped.filter((each) => each.file !== null))) {
      await files.upload(notebook, upload.folder, batch, (sent) => this.#change(upload, { sent: Math.min(upload.bytes, before + sent) }), signal);
      before += batch.reduce((sum, each) => sum + (each.file?.size ?? 0), 0);
      this.#change(upload, { done: this.#now(upload).done + batch.length, sent: before });
    }
  }

  #now(upload: Upload): Upload {
    return this.going.find((each) => each.number === upload.number) ?? upload;
  }

  #change(upload: Upload, change: Partial<Upload>): void {
    this.going = this.going.map((each) => (each.number === upload.number ? { ...each, ...change } : each));
  }
}

export const uploads = new Uploads();
