/** The text that a viewer shows: the live one, or what an attachment's bytes say. */
import { ApiError } from '../api/client';
import * as files from '../api/files';
import { t } from '../i18n/en';
import { byteSize } from '../i18n/format';
import { TEXT_MOST, type Shown } from './kinds';

/** UTF-8, or UTF-16 with its mark, or else Latin-1, which every byte is. */
export function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

export async function readSource({ notebook, details, text }: Shown): Promise<string> {
  if (text !== null) return text.replace(/^\uFEFF/, '');
  if (details.size > TEXT_MOST) throw new ApiError(413, 'too_large', t.viewers.tooLarge(byteSize(details.size), byteSize(TEXT_MOST)));
  return decode(await files.readAll(notebook, details.id, details.version));
}
