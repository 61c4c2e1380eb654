/** Turns files into photos that the page shows: checks the limits, and reads the recorded position. */
import type { PageInfo, Position } from "./locator";
import { PICTURE_SUFFIXES } from "./shared";
import { bytesWords } from "./words";

export interface Photo {
  key: number;
  file: File;
  url: string | null;
  recorded: Position | null;
}

let made = 0;

/** Read a file here, on the visitor's machine. */
export async function toPhoto(file: File): Promise<Photo> {
  const url = URL.createObjectURL(file);
  return { key: ++made, file, url, recorded: await recordedPosition(file) };
}

async function recordedPosition(file: File): Promise<Position | null> {
  try {
    const { default: exifr } = await import("exifr/dist/lite.esm.mjs");
    const found = await exifr.gps(file);
    const sound = found && Math.abs(found.latitude) <= 90 && Math.abs(found.longitude) <= 180;
    return sound ? { latitude: found.latitude, longitude: found.longitude } : null;
  } catch {
    return null; // no metadata, or metadata of an unknown kind
  }
}

/** Return whether a file name has the suffix of a picture. */
function isPictureName(name: string): boolean {
  return PICTURE_SUFFIXES.some((suffix) => name.toLowerCase().endsWith(suffix));
}

/** The largest number of refused files that are named; the others are only counted. */
const MOST_SHOWN = 3;

/** Return the files that can be located, and one sentence about each of the others. */
export function sift(files: File[], already: Photo[], limits: PageInfo["limits"]): { kept: File[]; refused: string[] } {
  const kept: File[] = [];
  const refused: string[] = [];
  let bytes = already.reduce((sum, photo) => sum + photo.file.size, 0);
  for (const file of files) {
    const name = file.name || "the pasted picture";
    if (!file.type.startsWith("image/") && !isPictureName(file.name)) refused.push(`${name} is not a picture.`);
    else if (file.type === "image/svg+xml") refused.push(`${name} is a drawing (SVG), not a photo.`);
    else if (file.size === 0) refused.push(`${name} is empty.`);
    else if (limits.bytes && file.size > limits.bytes)
      refused.push(`${name} has ${bytesWords(file.size)}; at most ${bytesWords(limits.bytes)} can be sent.`);
    else if (limits.request_bytes && (bytes += file.size) > limits.request_bytes)
      refused.push(`${name} is left out: at most ${bytesWords(limits.request_bytes)} at once.`);
    else if (limits.files && already.length + kept.length >= limits.files)
      refused.push(`${name} is left out: at most ${limits.files} photos at once.`);
    else kept.push(file);
  }
  const more = refused.length - MOST_SHOWN;
  return { kept, refused: more > 1 ? [...refused.slice(0, MOST_SHOWN), `And ${more} more.`] : refused };
}
