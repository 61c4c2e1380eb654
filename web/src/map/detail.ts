/** What the map draws of the packed base map in a view: the blocks that it touches, as fine as the zoom needs. */
import type { Feature, FeatureCollection, Geometry, Position } from "geojson";
import { coastsOf, type Block, type Label, type Line, type PackedMap } from "./packed";

/** The zoom from which the packed map is drawn in place of the coarse one. */
export const DETAIL_ZOOM = 4.6;
/** No more blocks are drawn at once; views with more show the coarse map. */
const MOST_BLOCKS = 130;
/** Below this zoom, islands and bays of less than a pixel are left out. */
const WHOLE_ZOOM = 7;
const PIXELS_PER_DEGREE = 512 / 360;

/** Bounds in degrees. The east is greater than the west also across the date line. */
export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** The sources that are filled from the packed map. */
export interface Detail {
  ground: FeatureCollection;
  lines: FeatureCollection;
  names: FeatureCollection;
}

/** Return the column and row of each block in the bounds; none where there are too many. */
export function blocksIn({ west, south, east, north }: Bounds, degrees: number): [number, number][] {
  const rows = range(Math.max(-90, south), Math.min(89.99, north), degrees);
  const columns = range(west, Math.min(east, west + 359.99), degrees);
  if (rows.length * columns.length > MOST_BLOCKS) return [];
  return rows.flatMap((row) => columns.map((column): [number, number] => [column, row]));
}

function range(low: number, high: number, degrees: number): number[] {
  const first = Math.floor(low / degrees);
  return Array.from({ length: Math.max(0, Math.floor(high / degrees) - first + 1) }, (_, number) => first + number);
}

/** Return what is drawn of these blocks at a zoom. Each block first covers the coarse land below it with sea. */
export function detailOf(map: PackedMap, blocks: [number, number][], zoom: number): Detail {
  const found = blocks.map(([column, row]) => map.block(column, row));
  const step = zoom < WHOLE_ZOOM ? 1 / (PIXELS_PER_DEGREE * 2 ** zoom) : 0;
  return {
    ground: collection(found.flatMap((block) => groundOf(block, step))),
    lines: collection(found.flatMap((block) => linesOf(block, step, zoom))),
    names: collection(found.flatMap((block) => namesOf(block, zoom))),
  };
}

function collection(features: Feature[]): FeatureCollection {
  return { type: "FeatureCollection", features };
}

function feature(kind: string, geometry: Geometry, more: object = {}): Feature {
  return { type: "Feature", geometry, properties: { kind, ...more } };
}

function groundOf({ box, land }: Block, step: number): Feature[] {
  const [west, south, east, north] = box;
  const corners = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  const polygons = land.map((rings) => rings.map((ring) => thinned(ring, step, box)).filter((ring) => ring.length > 3));
  const kept = polygons.filter((rings) => rings.length > 0);
  return [
    feature("sea", { type: "Polygon", coordinates: [corners] }),
    ...kept.map((coordinates) => feature("land", { type: "Polygon", coordinates })),
  ];
}

function linesOf(block: Block, step: number, zoom: number): Feature[] {
  // in a wide view only long rivers and borders: a line of one degree is drawn from zoom 6 on
  const least = Math.max(0, 8 + 4 * (6 - zoom));
  const drawn = (kind: string, lines: Line[], from: number): Feature[] => {
    const coordinates = lines.filter(({ rank }) => rank >= from).map(({ points }) => thinned(points, step, block.box));
    return coordinates.length ? [feature(kind, { type: "MultiLineString", coordinates })] : [];
  };
  const coasts = coastsOf(block).map((points) => ({ rank: 0, points }));
  return [
    ...drawn("coast", coasts, 0),
    ...drawn("river", block.rivers, least),
    ...drawn("region", block.regionBorders, least - 4),
    ...drawn("border", block.borders, 0),
  ];
}

/** Return names for a zoom: towns above a size, and the largest of each block, so that no land is without a name. */
function namesOf({ regions, towns }: Block, zoom: number): Feature[] {
  const people = 1e6 * 10 ** (0.75 * (DETAIL_ZOOM - zoom));
  const least = 4 * Math.log2(people);
  const always = 2 * 2 ** Math.max(0, zoom - DETAIL_ZOOM - 1);
  const drawn = (kind: string, labels: Label[], from: number, first: number): Feature[] =>
    labels
      .filter(({ rank }, number) => rank >= from || number < first)
      .map(({ name, rank, at }) => feature(kind, { type: "Point", coordinates: at }, { name, rank }));
  return [...drawn("region", regions, least + 4, always), ...drawn("town", towns, least, always)];
}

/** Return a line without points that are nearer than `step` degrees to the one before, unless they end or lie on the edge. */
function thinned(points: Position[], step: number, [west, south, east, north]: Block["box"]): Position[] {
  if (step === 0) return points;
  const kept = [points[0]!];
  for (const point of points.slice(1, -1)) {
    const [[x, y], [u, v]] = [point as [number, number], kept.at(-1)! as [number, number]];
    const isEdge = x === west || x === east || y === south || y === north;
    if (isEdge || Math.abs(x - u) + Math.abs(y - v) >= step) kept.push(point);
  }
  kept.push(points.at(-1)!);
  return kept;
}
