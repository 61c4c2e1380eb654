/** Distances, circles and scores on the sphere. Positions are in degrees, latitude first. */
import type { Position } from "./locator";
import { EARTH_KM, GEOSCORE_KM, GEOSCORE_MOST } from "./shared";

const RADIANS = Math.PI / 180;

/** Return the great-circle distance in km (haversine). */
export function distanceKm(a: Position, b: Position): number {
  const latitudes = Math.sin(((b.latitude - a.latitude) * RADIANS) / 2) ** 2;
  const longitudes = Math.sin(((b.longitude - a.longitude) * RADIANS) / 2) ** 2;
  const h = latitudes + Math.cos(a.latitude * RADIANS) * Math.cos(b.latitude * RADIANS) * longitudes;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Return the GeoScore of an error in km: GEOSCORE_MOST exp(-km / GEOSCORE_KM), rounded. */
export function geoScore(km: number): number {
  return Math.round(GEOSCORE_MOST * Math.exp(-km / GEOSCORE_KM));
}

/** Return positions on the great circle from a to b. Longitudes may go beyond 180, so that a line does not jump. */
export function greatCircle(a: Position, b: Position, steps = 64): [number, number][] {
  const from = unitVector(a);
  const to = unitVector(b);
  const angle = distanceKm(a, b) / EARTH_KM;
  if (angle < 1e-9)
    return [
      [a.longitude, a.latitude],
      [b.longitude, b.latitude],
    ];
  const line: [number, number][] = [];
  for (let step = 0; step <= steps; step++) {
    const share = step / steps;
    const [f, t] = [Math.sin((1 - share) * angle) / Math.sin(angle), Math.sin(share * angle) / Math.sin(angle)];
    const [x, y, z] = [0, 1, 2].map((axis) => f * from[axis]! + t * to[axis]!) as [number, number, number];
    const before = line.at(-1)?.[0];
    let longitude = Math.atan2(y, x) / RADIANS;
    if (before !== undefined) longitude += 360 * Math.round((before - longitude) / 360);
    line.push([longitude, Math.atan2(z, Math.hypot(x, y)) / RADIANS]);
  }
  return line;
}

function unitVector(p: Position): [number, number, number] {
  const [latitude, longitude] = [p.latitude * RADIANS, p.longitude * RADIANS];
  return [Math.cos(latitude) * Math.cos(longitude), Math.cos(latitude) * Math.sin(longitude), Math.sin(latitude)];
}
