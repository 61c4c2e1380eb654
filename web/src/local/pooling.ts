/** Posteriors of photos of one place in, the one posterior of that place out: a port of pooling.py. */
import { Posterior, type Support, heaviest, logSumExp } from "./posterior";
import { laid, unitVector } from "./sphere";

const CORRELATION = 0.5;
const PLACES = 192;
const POINTS = 4;

export interface Pooled {
  posterior: Posterior;
  /** How much likelier the photos are if one place took them all than if each has its own. */
  agreementNats: number;
}

/** Pool posteriors on one support; the prior, as log masses on it, counts once. */
export function pool(posteriors: Posterior[], logPrior: Float64Array): Pooled {
  const { support } = posteriors[0]!;
  const { places, mass } = likeliest(posteriors, support);
  const own = support.only(places);
  const count = posteriors.length;
  const prior = logPrior.map(Math.exp);
  // log ratios of the densities, and what they are weighed by, at the points of each place
  const points = Array.from({ length: places.length * POINTS }, (_, i) => {
    const place = Math.floor(i / POINTS);
    const share = ((i % POINTS) + 0.5) / POINTS;
    const [latitude, longitude] = laid(own.latitude[place]!, own.longitude[place]!, own.scale[place]!, i, share);
    const [before, ...each] = logDensities(support, [prior, ...posteriors.map((one) => one.mass)], latitude, longitude);
    return { before: before!, ratio: each.reduce((sum, value) => sum + value - before!, 0), mixture: logSumExp(each) - Math.log(count) };
  });
  const measured = (exponent: number): Float64Array =>
    mass.map((held, place) => {
      const ratios = points
        .slice(place * POINTS, (place + 1) * POINTS)
        .map(({ before, ratio, mixture }) => before + exponent * ratio - mixture);
      return Math.log(held) + logSumExp(ratios) - Math.log(POINTS);
    });
  return {
    posterior: new Posterior(own, measured(1 / (1 + (count - 1) * CORRELATION))),
    agreementNats: logSumExp(measured(1)),
  };
}

/** The places that the photos together hold likeliest, in order of their positions, and their masses. */
function likeliest(posteriors: Posterior[], support: Support): { places: Int32Array; mass: Float64Array } {
  const each = Math.max(8, Math.floor(PLACES / posteriors.length));
  const found = new Map<string, { place: number; mass: number }>();
  for (const posterior of posteriors) {
    const heavy = heaviest(posterior.logMass, each).filter((place) => posterior.mass[place]! > 0);
    const total = heavy.reduce((sum, place) => sum + posterior.mass[place]!, 0);
    for (const place of heavy) {
      const key = [support.latitude[place], support.longitude[place], support.spreadKm[place]].join();
      const known = found.get(key) ?? { place, mass: 0 };
      known.mass += posterior.mass[place]! / total / posteriors.length;
      found.set(key, known);
    }
  }
  const ordered = [...found.values()].sort(
    ({ place: a }, { place: b }) =>
      support.latitude[a]! - support.latitude[b]! ||
      support.longitude[a]! - support.longitude[b]! ||
      support.spreadKm[a]! - support.spreadKm[b]!,
  );
  return { places: Int32Array.from(ordered, ({ place }) => place), mass: Float64Array.from(ordered, ({ mass }) => mass) };
}

/** Log densities per steradian at a position of several distributions of mass over a support. */
function logDensities(support: Support, masses: Float64Array[], latitude: number, longitude: number): number[] {
  const sums = masses.map(() => 0);
  const { units } = support;
  const [x, y, z] = unitVector(latitude, longitude);
  for (let place = 0, at = 0; place < support.size; place++, at += 3) {
    const scale = support.scale[place]!;
    const apart = Math.max(1 - (x * units[at]! + y * units[at + 1]! + z * units[at + 2]!), 0);
    const density = (scale * (2 + scale)) / (4 * Math.PI) / (apart + scale) ** 2;
    for (let i = 0; i < masses.length; i++) sums[i]! += density * masses[i]![place]!;
  }
  return sums.map(Math.log);
}
