/** Requests to the gallery of the server: photos with known places, answers of the model, and its scores. */
import type { Position, Prediction } from "../locator";
import { ask, send, storedToken } from "../server";
import type { Distance } from "../shared";

export interface GalleryEntry {
  id: string;
  prediction: Prediction;
  truth: Position;
  credit?: { license?: string | null; user?: string | null; title?: string | null };
}

export interface Scores {
  photos: number;
  accuracy: Partial<Record<Distance, number>>;
  median_km: number | null;
  geoscore: number | null;
  /** How many of the given photos the model learned from (null: not known), and how many were left out for this. */
  learned_photos?: { given: number; learned: number | null; left_out: number };
}

/** Return the ids of `count` random photos. */
export async function listPhotos(count: number): Promise<string[]> {
  const { photos } = (await ask(`v1/gallery?random=${count}`)) as { photos: { id: string }[] };
  return photos.map(({ id }) => id);
}

export const readEntry = async (id: string): Promise<GalleryEntry> =>
  (await ask(`v1/gallery/${encodeURIComponent(id)}`)) as GalleryEntry;
export const readScores = async (): Promise<Scores> => (await ask("v1/gallery/scores")) as Scores;

/** Return an address for an <img>: of the server, or a blob, because an <img> cannot send a token. */
export async function photoAddress(id: string): Promise<string> {
  const path = `v1/gallery/${encodeURIComponent(id)}/photo`;
  return storedToken() === null ? path : URL.createObjectURL(await (await send(path)).blob());
}
