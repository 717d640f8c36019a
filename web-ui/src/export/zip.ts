/** Files as one zip, bit by bit: no more of it is held than is being sent on. */
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { ApiError } from '../api/client';
import { t } from '../i18n/en';

export interface ZipFile {
  name: string;
  time: Date;
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** What is text gets smaller; pictures do not. */
  pack: boolean;
}

/** What the form without its later extension holds. */
export const MOST_FILES = 65_000;
export const MOST_BYTES = 4e9;
/** The form knows no earlier time, and no later one. */
const [EARLIEST, LATEST] = [new Date(1980, 0, 2), new Date(2099, 11, 30)];

export async function* zipped(files: AsyncIterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  let failed: Error | null = null;
  const zip = new Zip((error, chunk) => {
    if (error) failed = error;
    else if (chunk.length > 0) out.push(chunk);
  });
  const ready = () => {
    if (failed) throw failed;
    return out.splice(0);
  };
  for await (const { name, time, bytes, pack } of files) {
    const file = pack ? new ZipDeflate(name, { level: 6 }) : new ZipPassThrough(name);
    file.mtime = time < EARLIEST || Number.isNaN(time.getTime()) ? EARLIEST : time > LATEST ? LATEST : time;
    zip.add(file);
    for await (const chunk of bytes) {
      file.push(chunk);
      yield* ready();
    }
    file.push(new Uint8Array(0), true);
    yield* ready();
  }
  zip.end();
  yield* ready();
}

/** A body's bytes as they come. */
export async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw new ApiError(0, 'unreachable', t.errors.unreachable);
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Who stops asking does not want the rest.
    await reader.cancel().catch(() => {});
  }
}

/** The browser keeps what is large on disk. */
export function blobOf(chunks: AsyncGenerator<Uint8Array>, type: string): Promise<Blob> {
  const stream = new ReadableStream<Uint8Array>({
    async pull(into) {
      const { done, value } = await chunks.next();
      if (done) into.close();
      else into.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
  return new Response(stream, { headers: { 'content-type': type } }).blob();
}
