/** Where a photo may have been taken, as weighted places: the parts of posterior.py that an answer needs, one row each. */
import {
  EARTH_KM,
  HALF_CIRCUMFERENCE_KM,
  circleMass,
  distanceKm,
  drawnKm,
  logKernel,
  scaleOf,
} from "./sphere";

const DECISION_PLACES = 128;
const EXACT_PLACES = 256;
const WIDE_KM = 3000;
const MIN_SPREAD_KM = 0.01;

/** The places that every photo's posterior shares, and what is known of each beforehand. */
export class Support {
  /** Scale of each place's distribution. */
  readonly scale: Float64Array;

  constructor(
    readonly latitude: Float64Array,
    readonly longitude: Float64Array,
    readonly spreadKm: Float64Array,
    /** Number of each place's country in the site's list; -1 at sea. */
    readonly country: Int16Array,
  ) {
    this.scale = spreadKm.map(scaleOf);
  }

  get size(): number {
    return this.latitude.length;
  }

  /** Distance in km of a place from a position. */
  distance(place: number, latitude: number, longitude: number): number {
    return distanceKm(this.latitude[place]!, this.longitude[place]!, latitude, longitude);
  }
}

/** Log of the sum of exponentials. */
export function logSumExp(values: ArrayLike<number>): number {
  let peak = -Infinity;
  for (let i = 0; i < values.length; i++) peak = Math.max(peak, values[i]!);
  if (peak === -Infinity) return peak;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - peak);
  return peak + Math.log(sum);
}

/** Numbers of the k largest values, largest first; of equal ones the earlier first. */
export function heaviest(values: Float64Array, k: number): Int32Array {
  let order = Int32Array.from(values.keys());
  if (k < values.length) {
    // only what is at least as heavy as the k-th need be put in order
    const least = Float64Array.from(values).sort()[values.length - k]!;
    order = order.filter((i) => values[i]! >= least);
  }
  return order.sort((a, b) => values[b]! - values[a]! || a - b).subarray(0, k);
}

/** One probability distribution on the places of a support. */
export class Posterior {
  readonly logMass: Float64Array;
  readonly mass: Float64Array;

  constructor(
    readonly support: Support,
    logMass: Float64Array,
  ) {
    const total = logSumExp(logMass);
    if (logMass.length !== support.size || !Number.isFinite(total))
      throw new Error(`a posterior needs mass on ${support.size} places`);
    this.logMass = logMass.map((value) => value - total);
    this.mass = this.logMass.map(Math.exp);
  }

  /** The product of posteriors of photos of one place, in which the prior counts once. */
  static pool(parts: Posterior[], logPrior: Float64Array): Posterior {
    const first = parts[0]!;
    const pooled = Float64Array.from(first.logMass, (_, i) => {
      const sum = parts.reduce((total, part) => total + part.logMass[i]!, 0);
      return logPrior[i]! === -Infinity ? sum : sum - (parts.length - 1) * logPrior[i]!;
    });
    return new Posterior(first.support, pooled);
  }

  /** The heaviest places, with their masses among themselves. */
  top(k: number): { places: Int32Array; mass: Float64Array } {
    const places = heaviest(this.logMass, Math.min(k, this.support.size));
    const logs = Float64Array.from(places, (i) => this.logMass[i]!);
    const total = logSumExp(logs);
    return { places, mass: logs.map((value) => Math.exp(value - total)) };
  }

  /** The place decided for: most mass within `withinKm`; with `thenKm`, of those near it the one with most in that. */
  best(withinKm: number, thenKm?: number): number {
    const first = this.decide(withinKm);
    return thenKm === undefined ? first : this.decide(thenKm, first, withinKm);
  }

  private decide(withinKm: number, near?: number, nearKm = 0): number {
    const { support } = this;
    const { places, mass } = this.top(DECISION_PLACES);
    let best = places[0]!;
    let most = -1;
    for (const candidate of places) {
      const latitude = support.latitude[candidate]!;
      const longitude = support.longitude[candidate]!;
      if (
        near !== undefined &&
        distanceKm(support.latitude[near]!, support.longitude[near]!, latitude, longitude) > nearKm
      )
        continue;
      let expected = 0;
      places.forEach((place, i) => {
        const km = support.distance(place, latitude, longitude);
        expected += circleMass(km, support.scale[place]!, withinKm) * mass[i]!;
      });
      if (expected > most) [best, most] = [candidate, expected];
    }
    return best;
  }

  /** Probability that the truth lies within `km` of a position. */
  massWithin(latitude: number, longitude: number, km: number): number {
    const { support } = this;
    let sum = 0;
    for (let i = 0; i < support.size; i++) {
      if (this.mass[i]! > 0)
        sum += this.mass[i]! * circleMass(support.distance(i, latitude, longitude), support.scale[i]!, km);
    }
    return Math.min(Math.max(sum, 0), 1);
  }

  /** Log density per steradian at a place's own middle, of that place alone. */
  peak(place: number): number {
    return this.logMass[place]! + logKernel(0, this.support.scale[place]!);
  }
}

/** How a posterior's mass lies around one position: prepared once for many distances and levels. */
export class Rings {
  private readonly exact: { mass: number; km: number; scale: number }[] = [];
  private readonly lightKm: Float64Array;
  private readonly lightMass: Float64Array;
  private readonly uniform: number;

  constructor(posterior: Posterior, latitude: number, longitude: number) {
    const { support, mass } = posterior;
    const k = Math.min(EXACT_PLACES, support.size);
    const isExact = new Uint8Array(support.size);
    for (const place of heaviest(mass, k)) {
      isExact[place] = 1;
      this.exact.push({
        mass: mass[place]!,
        km: support.distance(place, latitude, longitude),
        scale: support.scale[place]!,
      });
    }
    let uniform = 0;
    const light: { km: number; mass: number }[] = [];
    for (let i = 0; i < support.size; i++) {
      if (isExact[i] || mass[i] === 0) continue;
      if (support.spreadKm[i]! > WIDE_KM) uniform += mass[i]!;
      else light.push({ km: drawnKm(i, support.distance(i, latitude, longitude), support.scale[i]!), mass: mass[i]! });
    }
    this.uniform = uniform;
    light.sort((a, b) => a.km - b.km);
    this.lightKm = Float64Array.from(light, (one) => one.km);
    let sum = 0;
    this.lightMass = Float64Array.from(light, (one) => (sum += one.mass));
  }

  /** Probability of the truth within `km`. */
  massWithin(km: number): number {
    let inside = this.uniform * Math.sin(Math.min(km / (2 * EARTH_KM), Math.PI / 2)) ** 2;
    for (const place of this.exact) inside += place.mass * circleMass(place.km, place.scale, km);
    let low = 0;
    let high = this.lightKm.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.lightKm[middle]! <= km) low = middle + 1;
      else high = middle;
    }
    if (low > 0) inside += this.lightMass[low - 1]!;
    return Math.min(Math.max(inside, 0), 1);
  }

  /** Radius that holds `level`: bisection in logarithms. */
  radiusKm(level: number): number {
    let low = MIN_SPREAD_KM / 10;
    let high = HALF_CIRCUMFERENCE_KM;
    for (let step = 0; step < 26; step++) {
      const middle = Math.sqrt(low * high);
      if (this.massWithin(middle) >= level) high = middle;
      else low = middle;
    }
    return high;
  }
}
