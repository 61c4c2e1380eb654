/** Makes the cells of a map from a posterior: a port of whereshot.posterior.map_cells with the same cells. */
import type { Cell, Cells } from "../locator";
import type { Posterior } from "./posterior";
import {
  COARSER,
  COARSEST_LEVEL,
  EARTH_KM,
  FEWEST_POINTS,
  FINEST_LEVEL,
  LEAST_MASS,
  MAP_POINTS,
  MOST_CELLS,
  REGIONS,
  STRAIGHT_LEVEL,
  type Region,
} from "../shared";
import { DEEPEST_LEVEL, type Vector, areaSr, corners, latitudeLongitude, token } from "./s2";

interface Held {
  number: number;
  level: number;
  mass: number;
}

/** The cells of a posterior as GeoJSON: a polygon each, cut at the date line, with its token, mass and density. */
export function cellsOf(posterior: Posterior): Cells {
  const { leaves, sums } = points(posterior);
  let least: number = LEAST_MASS;
  let held = divided(leaves, sums, least);
  while (held.length > MOST_CELLS) {
    least *= COARSER;
    held = divided(leaves, sums, least);
  }
  const whole = sums[sums.length - 1]!;
  const found = held
    .map(({ number, level, mass }) => ({ number, level, mass: mass / whole, km2: areaSr(number, level) * EARTH_KM ** 2 }))
    // in the order of the curve, which is that of their ids
    .sort((a, b) => middle(a.number, a.level) - middle(b.number, b.level));
  const regions = regionsOf(found.map(({ mass, km2 }) => ({ mass, density: mass / km2 })));
  const features = found.map(({ number, level, mass, km2 }, i): Cell => ({
    type: "Feature",
    geometry: geometry(number, level),
    properties: {
      cell: token(number, level),
      probability: Number(mass.toPrecision(6)),
      density_per_km2: Number((mass / km2).toPrecision(4)),
      region: regions[i]!,
    },
  }));
  return { type: "FeatureCollection", features };
}

function middle(number: number, level: number): number {
  return (number + 0.5) * 4 ** (DEEPEST_LEVEL - level);
}

/** Points that represent the places, in number by their mass: their cells in order, and the mass up to each point. */
function points(posterior: Posterior): { leaves: Float64Array; sums: Float64Array } {
  const { support, mass } = posterior;
  const found: { leaf: number; mass: number }[] = [];
  for (let place = 0; place < support.size; place++) {
    const own = mass[place]!;
    const count = Math.ceil(own * MAP_POINTS);
    if (count === 1) found.push({ leaf: support.leaves[place]!, mass: own });
    else
      for (let number = 0; number < count; number++)
        found.push({ leaf: support.leaf(place, number, (number + 0.5) / count), mass: own / count });
  }
  found.sort((a, b) => a.leaf - b.leaf);
  const sums = new Float64Array(found.length + 1);
  found.forEach((point, i) => (sums[i + 1] = sums[i]! + point.mass));
  return { leaves: Float64Array.from(found, (point) => point.leaf), sums };
}

/** Divide cells with more than `least` of the mass into their four children; drop empty cells. */
function divided(leaves: Float64Array, sums: Float64Array, least: number): Held[] {
  const done: Held[] = [];
  let numbers = [...Array(6 * 4 ** COARSEST_LEVEL).keys()];
  for (let level = COARSEST_LEVEL; numbers.length > 0; level++) {
    const width = 4 ** (DEEPEST_LEVEL - level);
    const next: number[] = [];
    for (const number of numbers) {
      const [low, high] = [firstAtLeast(leaves, number * width), firstAtLeast(leaves, (number + 1) * width)];
      if (high <= low) continue;
      const mass = sums[high]! - sums[low]!;
      if (mass > least && high - low >= FEWEST_POINTS && level < FINEST_LEVEL)
        for (let child = 0; child < 4; child++) next.push(number * 4 + child);
      else done.push({ number, level, mass });
    }
    numbers = next;
  }
  return done;
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const half = (low + high) >> 1;
    if (sorted[half]! < value) low = half + 1;
    else high = half;
  }
  return low;
}

/** The smallest of the regions of highest density that each cell belongs to. */
function regionsOf(cells: { mass: number; density: number }[]): Region[] {
  const found: Region[] = cells.map(() => 1);
  const order = [...cells.keys()].sort((a, b) => cells[b]!.density - cells[a]!.density || a - b);
  let before = 0;
  for (const cell of order) {
    found[cell] = REGIONS.find((level) => before < level - 1e-9) ?? 1;
    before += cells[cell]!.mass;
  }
  return found;
}

/** A cell as a GeoJSON polygon; five digits are a metre, finer cells keep seven. */
function geometry(number: number, level: number): Cell["geometry"] {
  const own = corners(number, level);
  const straight = own.map(latitudeLongitude);
  if (level >= STRAIGHT_LEVEL && isFlat(straight)) return polygon(straight, level > 15 ? 7 : 5);
  const parts = Math.max(1, 32 >> level);
  const bent = own.flatMap((start, i) => {
    const end = own[(i + 1) % 4]!;
    return Array.from({ length: parts }, (_, part): Vector => {
      const along = (axis: 0 | 1 | 2) => start[axis] + ((end[axis] - start[axis]) * part) / parts;
      return [along(0), along(1), along(2)];
    });
  });
  const ring = bent.map(latitudeLongitude);
  if (isFlat(ring)) return polygon(ring, 5);
  const unrolled = unroll(ring);
  const cut = [-360, 0, 360]
    .map((shift) => clippedAt(clippedAt(unrolled.map(([x, y]) => [x + shift, y]), -180, 1), 180, -1))
    .filter((part) => part.length > 2)
    .map((part) => [closed(part, 7)]);
  return cut.length === 1 ? { type: "Polygon", coordinates: cut[0]! } : { type: "MultiPolygon", coordinates: cut };
}

/** Return whether a ring of latitudes and longitudes neither crosses the date line nor contains a pole. */
function isFlat(ring: [number, number][]): boolean {
  const longitudes = ring.map(([, longitude]) => longitude);
  return Math.max(...longitudes) - Math.min(...longitudes) < 90 && ring.every(([latitude]) => Math.abs(latitude) < 89.9);
}

function polygon(ring: [number, number][], digits: number): Cell["geometry"] {
  return { type: "Polygon", coordinates: [closed(ring.map(([latitude, longitude]) => [longitude, latitude]), digits)] };
}

type Spot = [longitude: number, latitude: number];

/** A ring of positions with longitudes that count on instead of jumping; a pole is reached along both neighbours'. */
function unroll(ring: [number, number][]): Spot[] {
  const path: Spot[] = [];
  ring.forEach(([latitude, longitude], i) => {
    if (Math.abs(latitude) <= 90 - 1e-9) path.push([longitude, latitude]);
    else {
      path.push([ring.at(i - 1)![1], latitude]);
      path.push([ring[(i + 1) % ring.length]![1], latitude]);
    }
  });
  for (let i = 1; i < path.length; i++) {
    const before = path[i - 1]![0];
    path[i]![0] += 360 * Math.round((before - path[i]![0]) / 360);
  }
  return path;
}

/** Return the part of a ring on one side of a meridian. */
function clippedAt(ring: Spot[], meridian: number, side: 1 | -1): Spot[] {
  const inside = ([longitude]: Spot) => side * (longitude - meridian) >= 0;
  const kept: Spot[] = [];
  ring.forEach((spot, i) => {
    const before = ring.at(i - 1)!;
    if (inside(spot) !== inside(before)) {
      const share = (meridian - before[0]) / (spot[0] - before[0]);
      kept.push([meridian, before[1] + share * (spot[1] - before[1])]);
    }
    if (inside(spot)) kept.push(spot);
  });
  const width = Math.max(...kept.map(([x]) => x)) - Math.min(...kept.map(([x]) => x));
  return width > 1e-9 ? kept : [];
}

function closed(ring: Spot[], digits: number): number[][] {
  const rounded = ring.map((spot) => spot.map((value) => Number(value.toFixed(digits))));
  return [...rounded, rounded[0]!];
}
