/**
 * The question and the answer of the page: photos in, an Answer out.
 *
 * `ServerLocator` asks the server (POST v1/locate); `BrowserLocator` (local/) runs the model on the visitor's machine.
 * `site.json` beside index.html says which: {"mode": "browser"}; without that file it is the server.
 */
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from "geojson";
import type { Distance, Region, SureOf } from "./shared";

export interface PageInfo {
  model: string;
  /** An address of raster tiles with {z}, {x} and {y}; null: the bundled map alone. */
  tiles: string | null;
  /** An address that answers street addresses, with {latitude} and {longitude}; null: none is ever asked. */
  geocoder: string | null;
  /** Are there photos with known places to look at and to guess? */
  gallery: boolean;
  /** Answers are rounded to this many km; null or 0: not rounded. */
  coarse_km: number | null;
  limits: { files?: number; bytes?: number; request_bytes?: number; pixels?: number; seconds?: number };
  /** Must the visitor give a token before anything is asked? Absent means no. */
  needs_token?: boolean;
  /** Does the model run on this machine, so that no photo leaves it and no text in it is read? Absent means no. */
  runs_here?: boolean;
}

export interface Position {
  latitude: number;
  longitude: number;
}

export interface Place {
  name: string | null;
  region: string | null;
  country: string | null;
  country_code: string | null;
}

export interface Candidate extends Position {
  probability: number;
  place: Place;
}

export interface Evidence {
  kind: string;
  what: string;
  means: string;
  nats: number;
  /** left, top, right, bottom in pixels of the upright photo */
  box: number[] | null;
}

/** A cell of the posterior; `region` is the smallest of the regions of highest density that holds it. */
export interface CellProperties {
  cell: number | string;
  probability: number;
  density_per_km2: number;
  region: Region;
}

export type Cells = FeatureCollection<Polygon | MultiPolygon, CellProperties>;
export type Cell = Feature<Polygon | MultiPolygon, CellProperties>;

export interface Prediction {
  id: string;
  latitude: number | null;
  longitude: number | null;
  radius_km: number | null;
  level: number | null;
  within: Partial<Record<Distance, number>>;
  confident_to: SureOf | null;
  place: Place | null;
  countries: { country_code: string; probability: number }[];
  candidates: Candidate[];
  evidence: Evidence[];
  recorded: Position | null;
  error: string | null;
  map?: Cells | null;
}

/** A prediction that is one: no error, a position. */
export type Located = Prediction & Position & { radius_km: number; level: number };

export interface Answer {
  model: string;
  /** In the order of the photos. While answers are still coming, the photos that have none yet are left out. */
  predictions: Prediction[];
  /** Of several photos of one place, pooled. `agreement_nats` below zero: they speak against there being one place. */
  album?: (Prediction & { agreement_nats?: number }) | null;
}

export interface LocateOptions {
  top?: number;
  within_km?: number;
  level?: number;
  text?: boolean;
  use_exif?: boolean;
  region?: string;
  signal?: AbortSignal;
  /** Called with each photo's number and prediction as soon as it is there. */
  onPhoto?: (number: number, prediction: Prediction) => void;
}

export interface Locator {
  /** What can be asked here. */
  page(): Promise<PageInfo>;
  /** Where the photos were taken, in their order. Rejects with a LocateError that a person can read. */
  locate(files: File[], options?: LocateOptions): Promise<Answer>;
}

/** Something went wrong, in words for a person. */
export class LocateError extends Error {}

export function isLocated(prediction: Prediction | null | undefined): prediction is Located {
  return !!prediction && prediction.error === null && prediction.latitude !== null && prediction.longitude !== null;
}
