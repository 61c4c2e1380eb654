/** The server's gallery: photos with known places, the model's answers to them, and its scores over all. */
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
  /** Of the photos given, how many the model learned from (null: not known), and how many were left out for it. */
  learned_photos?: { given: number; learned: number | null; left_out: number };
}

/** The ids of so many photos, chosen by chance. */
export async function listPhotos(count: number): Promise<string[]> {
  const { photos } = (await ask(`v1/gallery?random=${count}`)) as { photos: { id: string }[] };
  return photos.map(({ id }) => id);
}

export const readEntry = async (id: string): Promise<GalleryEntry> =>
  (await ask(`v1/gallery/${encodeURIComponent(id)}`)) as GalleryEntry;
export const readScores = async (): Promise<Scores> => (await ask("v1/gallery/scores")) as Scores;

/** An address that an <img> can show: of the server, or, as an <img> sends no token, of this page. */
export async function photoAddress(id: string): Promise<string> {
  const path = `v1/gallery/${encodeURIComponent(id)}/photo`;
  return storedToken() === null ? path : URL.createObjectURL(await (await send(path)).blob());
}
