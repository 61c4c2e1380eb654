/**
 * The interface between the page and the model: a Locator takes photos and returns an Answer.
 *
 * `ServerLocator` sends them to the server (POST v1/locate); `BrowserLocator` (local/) runs the model in the browser.
 * `site.json` beside index.html chooses: {"mode": "browser"}. Without this file the page uses the server.
 */
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from "geojson";
import type { ConfidentTo, Distance, Region, SURE } from "./shared";

export interface PageInfo {
  model: string;
  /** An address of raster tiles with {z}, {x} and {y}; null: only the bundled map. */
  tiles: string | null;
  /** An address that returns street addresses, with {latitude} and {longitude}; null: there is no geocoder. */
  geocoder: string | null;
  /** Are there photos with known places to look at and to guess? */
  gallery: boolean;
  /** Answers are rounded to this many km; null or 0: not rounded. */
  coarse_km: number | null;
  limits: { files?: number; bytes?: number; request_bytes?: number; pixels?: number; seconds?: number };
  /** Does the server need a token? Absent means no. */
  needs_token?: boolean;
  /** Does the model look at pictures? Else it only reads text in them. Absent means yes. */
  knows_sights?: boolean;
  /** Does the model run in this browser? Then no photo leaves the machine, and no text in it is read. Absent means no. */
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

export interface SureOf {
  level: keyof typeof SURE;
  name: string;
  country_code: string;
  probability: number;
}

/** A cell of the posterior; `region` is the smallest region of highest density that contains it. */
export interface CellProperties {
  cell: number | string;
  probability: number;
  density_per_km2: number;
  region: Region;
}

export type Cells = FeatureCollection<Polygon | MultiPolygon, CellProperties>;
export type Cell = Feature<Polygon | MultiPolygon, CellProperties>;

export interface ReadLine {
  script: string;
  text: string;
  confidence: number;
  box: [number, number, number, number];
  /** The text in Latin letters, "" where that is not known; an earlier version does not state it. */
  latin?: string;
}

export interface Prediction {
  id: string;
  latitude: number | null;
  longitude: number | null;
  radius_km: number | null;
  level: number | null;
  within: Partial<Record<Distance, number>>;
  confident_to: ConfidentTo | null;
  /** The finest named place that holds at least 90 %. Answers of older versions have none. */
  sure_of?: SureOf | null;
  place: Place | null;
  countries: { country_code: string; probability: number }[];
  candidates: Candidate[];
  evidence: Evidence[];
  /** Writing that cannot be read yet; an earlier version does not state it. */
  unread_scripts?: { script: string; probability: number; lines: number; box: number[] }[];
  /** Lines read in other scripts than Latin, from top to bottom; an earlier version does not state them. */
  writing?: ReadLine[];
  recorded: Position | null;
  error: string | null;
  map?: Cells | null;
}

/** A prediction with a position and without an error. */
export type Located = Prediction & Position & { radius_km: number; level: number };

export interface Answer {
  model: string;
  /** In the order of the photos. While answers still arrive, photos without an answer are left out. */
  predictions: Prediction[];
  /** One answer for several photos of one place. `agreement_nats` below zero: they are probably of different places. */
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
  /** Called with the number and the prediction of each photo as soon as it is answered. */
  onPhoto?: (number: number, prediction: Prediction) => void;
}

export interface Locator {
  /** What this locator offers, and its limits. */
  page(): Promise<PageInfo>;
  /** Locate photos; the predictions are in their order. Rejects with a LocateError whose message is for the visitor. */
  locate(files: File[], options?: LocateOptions): Promise<Answer>;
}

/** An error whose message is for the visitor. */
export class LocateError extends Error {}

export function isLocated(prediction: Prediction | null | undefined): prediction is Located {
  return !!prediction && prediction.error === null && prediction.latitude !== null && prediction.longitude !== null;
}
