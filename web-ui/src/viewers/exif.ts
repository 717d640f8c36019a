/** What a camera or a microscope wrote into a picture, as text. */
export interface Fact {
  key: string;
  value: string;
}

/** Longer values are for programs. */
const LONGEST = 300;
/** Thumbnails, notes of the maker, and what the file says by being a picture at all. */
const LEFT_OUT = /^(MakerNote|Thumbnail|UserComment|Image (Width|Height)|Bits Per Sample|Color Components|Subsampling|JFIF.*|Exif IFD Pointer|GPS Info IFD Pointer|Interoperability.*|OffsetSchema|Padding|FileType|.*Offset|.*Length|undefined-.*)$/;

export async function exifOf(read: () => Promise<Uint8Array>): Promise<Fact[]> {
  const [{ default: ExifReader }, bytes] = await Promise.all([import('exifreader'), read()]);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const tags = ExifReader.load(buffer);
  const facts: Fact[] = [];
  for (const [key, tag] of Object.entries(tags as Record<string, { description?: unknown } | undefined>)) {
    const value = tag?.description;
    if (LEFT_OUT.test(key) || typeof value !== 'string' && typeof value !== 'number') continue;
    const text = String(value).trim();
    if (text !== '' && text.length <= LONGEST) facts.push({ key: key.replace(/([a-z])([A-Z])/g, '$1 $2'), value: text });
  }
  return facts;
}
