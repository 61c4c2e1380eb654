/**
 * Distances on the sphere of the mean Earth radius, and the spherical Cauchy distribution: ports of
 * whereshot.earth.sphere and whereshot.posterior.place_shape.
 */
import { EARTH_KM, GOLDEN_DEGREES, HALF_CIRCUMFERENCE_KM, R2_STEPS } from "../shared";

const RADIANS = Math.PI / 180;
const HALF_DEGREE = RADIANS / 2;

/** Great-circle distance in km between two positions in degrees. */
export function distanceKm(latitudeA: number, longitudeA: number, latitudeB: number, longitudeB: number): number {
  const across = Math.sin((longitudeB - longitudeA) * HALF_DEGREE) ** 2;
  const along = Math.sin((latitudeB - latitudeA) * HALF_DEGREE) ** 2;
  const flat = Math.cos((latitudeA + latitudeB) * HALF_DEGREE) ** 2;
  const h = along + (flat - along) * across;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(Math.max(h, 0), 1)));
}

/** Unit vector of a position in degrees. */
export function unitVector(latitude: number, longitude: number): [number, number, number] {
  const [phi, lambda] = [latitude * RADIANS, longitude * RADIANS];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

function oneMinusCos(km: number): number {
  return 2 * Math.sin(km / (2 * EARTH_KM)) ** 2;
}

/** The distribution's scale on 1 - cos(angle), such that half the mass lies within `spreadKm`. */
export function scaleOf(spreadKm: number): number {
  const u = oneMinusCos(Math.min(spreadKm, (HALF_CIRCUMFERENCE_KM / 2) * (1 - 1e-9)));
  return u / (1 - u);
}

/** Mass of a place inside a circle of `radiusKm` whose centre is `km` from it; exact. */
export function circleMass(km: number, scale: number, radiusKm: number): number {
  const half = Math.sqrt(scale / (2 + scale));
  const radius = Math.min(radiusKm / EARTH_KM, Math.PI);
  const angle = km / EARTH_KM;
  const near = (angle - radius) / 2;
  const far = (angle + radius) / 2;
  const width =
    Math.atan2(Math.sin(far), half * Math.cos(far)) - Math.atan2(Math.sin(near), half * Math.cos(near));
  return Math.sin(width / 2) ** 2;
}

/** Distance within which `share` of a place's mass lies. */
export function quantileKm(share: number, scale: number): number {
  const u = (2 * share * scale) / (2 + scale - 2 * share);
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(Math.max(u / 2, 0), 1)));
}

/** Distance from a centre of one point of the place with this number, `km` from it, as `place_shape.drawn_cosines` draws it. */
export function drawnKm(number: number, km: number, scale: number): number {
  const share = (0.5 + number * R2_STEPS[0]) % 1;
  const turn = (0.5 + number * R2_STEPS[1]) % 1;
  const off = quantileKm(share, scale) / EARTH_KM;
  const angle = km / EARTH_KM;
  const half =
    Math.sin((angle - off) / 2) ** 2 + Math.sin(angle) * Math.sin(off) * Math.sin(Math.PI * turn) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(Math.max(half, 0), 1)));
}

/**
 * Latitude and longitude of a point so far from a place that `share` of its mass lies nearer, turned by the golden angle
 * from that of the number before. The longitude may go on beyond 180.
 */
export function laid(latitude: number, longitude: number, scale: number, number: number, share: number): [number, number] {
  const [phi, bearing] = [latitude * RADIANS, ((number * GOLDEN_DEGREES) % 360) * RADIANS];
  const angle = quantileKm(share, scale) / EARTH_KM;
  const north = Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(bearing);
  const east = Math.atan2(
    Math.sin(bearing) * Math.sin(angle),
    Math.cos(angle) * Math.cos(phi) - Math.sin(phi) * Math.sin(angle) * Math.cos(bearing),
  );
  return [Math.asin(Math.min(Math.max(north, -1), 1)) / RADIANS, longitude + east / RADIANS];
}
