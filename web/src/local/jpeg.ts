/** Reads the header of a JPEG: its size, its orientation, and a copy without segments that browsers treat differently. */

export interface JpegHeader {
  width: number;
  height: number;
  /** EXIF orientation, 1 to 8. */
  orientation: number;
  /** Whether it is grey or has three colours, so that it can be decoded at a reduced scale. */
  isPlainColour: boolean;
  /** The same picture without EXIF, colour profile and further pictures. */
  plain: Blob;
}

const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];

/** The header of a JPEG file; null for anything else, or where it ends before its picture begins. */
export function readJpeg(bytes: Uint8Array<ArrayBuffer>): JpegHeader | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array<ArrayBuffer>[] = [bytes.subarray(0, 2)];
  const header = { width: 0, height: 0, orientation: 1, isPlainColour: true };
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // a marker may be padded
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) return null;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && end >= at + 10) {
      header.height = view.getUint16(at + 5);
      header.width = view.getUint16(at + 7);
      header.isPlainColour = [1, 3].includes(bytes[at + 9]!);
    }
    const isExif = marker === 0xe1 && EXIF.every((byte, i) => bytes[at + 4 + i] === byte);
    if (isExif) header.orientation = orientationOf(new DataView(bytes.buffer, bytes.byteOffset + at + 10, Math.max(0, end - at - 10)));
    if (marker === 0xda) {
      const plain = new Blob([...kept, bytes.subarray(at)], { type: "image/jpeg" });
      return header.width > 0 && header.height > 0 ? { ...header, plain } : null;
    }
    // APP0 and APP14 say how the colours are coded; EXIF, profiles, previews and comments do not
    const isMeta = (marker >= 0xe1 && marker <= 0xed) || marker === 0xef || marker === 0xfe;
    if (!isMeta) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return null;
}

/** The orientation in the TIFF structure that EXIF is; 1 where there is none. */
function orientationOf(tiff: DataView): number {
  try {
    const isLittle = tiff.getUint16(0) === 0x4949;
    const start = tiff.getUint32(4, isLittle);
    const count = tiff.getUint16(start, isLittle);
    for (let entry = 0; entry < count; entry++) {
      const at = start + 2 + entry * 12;
      if (tiff.getUint16(at, isLittle) === 0x0112) {
        const value = tiff.getUint16(at + 8, isLittle);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  } catch {
    // ignore a structure that points outside of itself
  }
  return 1;
}
