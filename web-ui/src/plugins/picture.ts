/** A picture for a frame, no larger than it is shown: a frame has no network, so it is given the bytes. */
const PLENTY = 300 << 10;

const base64 = (blob: Blob): Promise<string> =>
  new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => failed(reader.error ?? new Error());
    reader.readAsDataURL(blob);
  });

/** The same, smaller; `null` where this browser cannot draw it, and where nothing would be won. */
async function smaller(blob: Blob, size: number): Promise<Blob | null> {
  if (!(size > 0) || blob.size < PLENTY || !/^image\/(png|jpeg|webp|bmp|avif)$/.test(blob.type)) return null;
  try {
    const image = await createImageBitmap(blob);
    const scale = Math.min(1, size / Math.max(image.width, image.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(image.width * scale)), Math.max(1, Math.round(image.height * scale)));
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    return await canvas.convertToBlob({ type: blob.type === 'image/png' ? 'image/png' : 'image/webp', quality: 0.85 });
  } catch {
    return null;
  }
}

/** `size`: the longer side, in pixels. */
export async function forFrame(blob: Blob, size: number): Promise<{ media_type: string; base64: string }> {
  const given = (await smaller(blob, Math.min(size * Math.max(1, devicePixelRatio), 4096))) ?? blob;
  return { media_type: given.type.replace(/;.*/, ''), base64: await base64(given) };
}
