/**
 * Decode a file to an upright 8-bit RGB picture, as whereshot.photos.images does. The browser decodes, without colour
 * management; a large JPEG is decoded here, at the reduced scale that Python would choose. Transparent parts become
 * white. An animation gives its first frame.
 */
import { MAX_PIXELS } from "../shared";
import { JpegError } from "./coefficients";
import { type JpegHeader, readJpeg } from "./jpeg";
import type { Picture } from "./resample";
import { scaledJpeg } from "./scaled_jpeg";

const BAND = 512;

/** A file cannot be read as a picture; the message is for the visitor. */
export class PictureError extends Error {}

/** Decode a picture whose shorter side should be at least `leastSide`. Rejects with a PictureError. */
export async function decoded(file: Blob, name: string, leastSide: number): Promise<Picture> {
  if (file.size === 0) throw new PictureError(`${name}: the file is empty`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const jpeg = readJpeg(bytes);
  if (jpeg) checkSize(name, jpeg);
  const scaled = jpeg && reduced(bytes, jpeg, leastSide);
  if (scaled) return upright(scaled, jpeg.orientation);
  let bitmap: ImageBitmap;
  try {
    // without EXIF and colour profile, every browser returns the same pixels
    bitmap = await createImageBitmap(jpeg ? jpeg.plain : file, { colorSpaceConversion: "none" });
  } catch {
    throw new PictureError(
      jpeg
        ? `${name}: the picture is damaged`
        : `${name}: not a picture that this browser can read (JPEG, PNG, WebP, GIF or AVIF; HEIC needs the server)`,
    );
  }
  try {
    checkSize(name, bitmap);
    const picture = pixelsOf(bitmap);
    return jpeg ? upright(picture, jpeg.orientation) : picture;
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw new PictureError(`${name}: ${bitmap.width} x ${bitmap.height} is too large for this browser; make a smaller copy`);
  } finally {
    bitmap.close();
  }
}

function checkSize(name: string, { width, height }: ImageBitmap | JpegHeader): void {
  if (width * height <= MAX_PIXELS) return;
  const most = Math.floor(MAX_PIXELS / 1e6);
  throw new PictureError(`${name}: ${width} x ${height} is more than ${most} megapixels, the limit; make a smaller copy`);
}

/** A JPEG that is much larger than needed, reduced as it is decoded; null where the browser must decode or judge it. */
function reduced(bytes: Uint8Array, jpeg: JpegHeader, leastSide: number): Picture | null {
  const eighths = eighthsOf(jpeg, leastSide);
  if (eighths === 8 || !jpeg.isPlainColour) return null;
  try {
    return scaledJpeg(bytes, eighths);
  } catch (error) {
    if (error instanceof JpegError) return null;
    throw error;
  }
}

/** Return the scale at which whereshot.photos.images decodes a JPEG, in eighths. */
export function eighthsOf({ width, height }: { width: number; height: number }, leastSide: number): number {
  const eighths = Math.min(8, Math.ceil((8 * leastSide) / Math.min(width, height)));
  return eighths > 1 && eighths % 2 ? eighths + 1 : eighths;
}

/** Return the pixels on white, block by block, so that a large picture is not in memory three times. */
function pixelsOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  const data = new Uint8Array(width * height * 3);
  const canvas = new OffscreenCanvas(width, Math.min(BAND, height));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "#fff";
  let out = 0;
  for (let top = 0; top < height; top += canvas.height) {
    const lines = Math.min(canvas.height, height - top);
    context.fillRect(0, 0, width, canvas.height);
    context.drawImage(bitmap, 0, -top);
    const band = context.getImageData(0, 0, width, lines).data;
    for (let at = 0; at < band.length; at += 4) {
      data[out++] = band[at]!;
      data[out++] = band[at + 1]!;
      data[out++] = band[at + 2]!;
    }
  }
  return { width, height, data };
}

/** Return the picture turned by an EXIF orientation, 1 to 8. */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation < 2 || orientation > 8) return picture;
  const { width, height, data } = picture;
  const isTurned = orientation > 4;
  const [wide, high] = isTurned ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  let out = 0;
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const [a, b] = isTurned ? [y, x] : [x, y];
      const fromX = [2, 3, 7, 8].includes(orientation) ? width - 1 - a : a;
      const fromY = [3, 4, 6, 7].includes(orientation) ? height - 1 - b : b;
      const at = (fromY * width + fromX) * 3;
      turned[out++] = data[at]!;
      turned[out++] = data[at + 1]!;
      turned[out++] = data[at + 2]!;
    }
  }
  return { width: wide, height: high, data: turned };
}
