/** The server's gallery: photos with known places, what the model said of them, how well it does over all. */
import type { Distance, Position, Prediction } from "../locator";
import { ask } from "../server";

export interface GalleryPhoto {
  id: string;
}

export interface GalleryEntry {
  id: string;
  prediction: Prediction;
  truth: Position;
  distance_km: number | null;
}

export interface Scores {
  photos: number;
  accuracy: Partial<Record<Distance, number>>;
  median_km: number | null;
  geoscore: number | null;
}

export const listPhotos = async (): Promise<GalleryPhoto[]> => ((await ask("v1/gallery")) as { photos: GalleryPhoto[] }).photos;
export const photoUrl = (id: string): string => `v1/gallery/${encodeURIComponent(id)}/photo`;
export const readEntry = async (id: string): Promise<GalleryEntry> => (await ask(`v1/gallery/${encodeURIComponent(id)}`)) as GalleryEntry;
export const readScores = async (): Promise<Scores> => (await ask("v1/gallery/scores")) as Scores;
