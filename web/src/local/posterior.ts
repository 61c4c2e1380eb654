/** The Posterior, weighted places where a photo may have been taken: the parts of whereshot.posterior for an answer. */
import {
  CANDIDATE_CELL_LEVEL,
  CANDIDATES,
  EARTH_KM,
  EXACT_PLACES,
  FAR,
  FOCUSED,
  HALF_CIRCUMFERENCE_KM,
  MIN_SPREAD_KM,
  NEAR_KM,
  WIDE_KM,
} from "../shared";
import { DEEPEST_LEVEL, numberOf } from "./s2";
import { circleMass, distanceKm, drawnKm, laid, scaleOf, unitVector } from "./sphere";

/** The places of posteriors, with facts about each that are known in advance. */
export class Support {
  /** Scale of each place's distribution. */
  readonly scale: Float64Array;
  private cached: { units?: Float64Array; own?: Float64Array; cells?: Float64Array; leaves?: Float64Array } = {};

  constructor(
    readonly latitude: Float64Array,
    readonly longitude: Float64Array,
    readonly spreadKm: Float64Array,
    /** Number of each place's country in the site's list; -1 at sea. */
    readonly country: Int16Array,
    /** Number of each place's name in the names of the site. */
    readonly named: Int32Array,
  ) {
    this.scale = spreadKm.map(scaleOf);
  }

  get size(): number {
    return this.latitude.length;
  }

  /** Some of the places, with other spreads. */
  only(places: Int32Array, spreadKm: Float64Array): Support {
    const of = (values: Float64Array) => Float64Array.from(places, (place) => values[place]!);
    return new Support(
      of(this.latitude),
      of(this.longitude),
      spreadKm,
      Int16Array.from(places, (place) => this.country[place]!),
      Int32Array.from(places, (place) => this.named[place]!),
    );
  }

  /** Distance in km of a place from a position. */
  distance(place: number, latitude: number, longitude: number): number {
    return distanceKm(this.latitude[place]!, this.longitude[place]!, latitude, longitude);
  }

  between(a: number, b: number): number {
    return this.distance(a, this.latitude[b]!, this.longitude[b]!);
  }

  /** Unit vectors, three numbers a place. */
  get units(): Float64Array {
    if (!this.cached.units) {
      this.cached.units = new Float64Array(3 * this.size);
      for (let place = 0; place < this.size; place++)
        this.cached.units.set(unitVector(this.latitude[place]!, this.longitude[place]!), 3 * place);
    }
    return this.cached.units;
  }

  /** The S2 cell of the deepest level that each place is in. */
  get own(): Float64Array {
    return (this.cached.own ??= this.latitude.map((latitude, place) => numberOf(latitude, this.longitude[place]!)));
  }

  /** The S2 cell of about 40 km that each place is in. */
  get cells(): Float64Array {
    return (this.cached.cells ??= this.own.map((own) => Math.floor(own / 4 ** (DEEPEST_LEVEL - CANDIDATE_CELL_LEVEL))));
  }

  /** The cell of the deepest level of the single point that stands for a light place. */
  get leaves(): Float64Array {
    return (this.cached.leaves ??= this.latitude.map((_, place) => this.leaf(place, place, 0.5)));
  }

  /** The cell of a point of a place: `share` of the place lies nearer to its center; a number gives the direction. */
  leaf(place: number, number: number, share: number): number {
    return numberOf(...laid(this.latitude[place]!, this.longitude[place]!, this.scale[place]!, number, share));
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

/** Numbers of the k largest values, largest first; equal values in their order. */
export function heaviest(values: Float64Array, k: number): Int32Array {
  let order = Int32Array.from(values.keys());
  if (k < values.length) {
    // only values of at least the k-th need to be sorted
    const least = Float64Array.from(values).sort()[values.length - k]!;
    order = order.filter((i) => values[i]! >= least);
  }
  return order.sort((a, b) => values[b]! - values[a]! || a - b).subarray(0, k);
}

/** Places that may be the best answer, and the probability that each is right within the wanted distance. */
export interface Weighed {
  places: Int32Array;
  right: Float64Array;
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
      throw new Error(`the model gives no probability to any of ${support.size} places`);
    this.logMass = logMass.map((value) => value - total);
    this.mass = this.logMass.map(Math.exp);
  }

  /** Return the place with the most mass within `withinKm`; with `thenKm`, the best within that distance among places near it. */
  best(withinKm: number, thenKm?: number): number {
    const first = mostRight(this.weigh(withinKm));
    return thenKm === undefined ? first : mostRight(this.weigh(thenKm, { place: first, km: withinKm }));
  }

  /** Candidates, some perhaps twice, with their gains from all places within reach: whereshot.posterior.candidates. */
  weigh(withinKm: number, near?: { place: number; km: number }): Weighed {
    const { support, mass } = this;
    const isAllowed = (place: number) => !near || support.between(place, near.place) <= near.km;
    const heavy = heaviest(mass, CANDIDATES);
    if (heavy.reduce((sum, place) => sum + mass[place]!, 0) >= FOCUSED) {
      const places = near ? heavy.filter(isAllowed).sort() : heavy;
      const right = Float64Array.from(places, (candidate) =>
        heavy.reduce((sum, place) => sum + this.inside(place, candidate, withinKm), 0),
      );
      return { places, right };
    }
    let places: Int32Array;
    if (near) {
      const allowed = Int32Array.from(mass.keys()).filter(isAllowed);
      const best = heaviest(Float64Array.from(allowed, (place) => mass[place]!), CANDIDATES / 2);
      places = best.map((i) => allowed[i]!);
    } else {
      const best = heavy.subarray(0, CANDIDATES / 2);
      places = Int32Array.from([...best, ...this.heaviestOfCells(CANDIDATES - best.length)]);
    }
    return { places, right: Float64Array.from(places, (candidate) => this.judged(candidate, withinKm)) };
  }

  /** The share of a place's mass within `km` of another place. */
  private inside(place: number, candidate: number, km: number): number {
    return this.mass[place]! * circleMass(this.support.between(place, candidate), this.support.scale[place]!, km);
  }

  /** The mass within `withinKm` of a candidate, of all places within reach. */
  private judged(candidate: number, withinKm: number): number {
    const { units, size } = this.support;
    const reachKm = Math.max(FAR * withinKm, NEAR_KM);
    const chord = 2 * Math.sin(Math.min(reachKm / EARTH_KM, Math.PI) / 2);
    const least = 1 - chord ** 2 / 2;
    const [x, y, z] = [units[3 * candidate]!, units[3 * candidate + 1]!, units[3 * candidate + 2]!];
    let sum = 0;
    for (let place = 0, at = 0; place < size; place++, at += 3)
      if (x * units[at]! + y * units[at + 1]! + z * units[at + 2]! >= least) sum += this.inside(place, candidate, withinKm);
    return sum;
  }

  /** The heaviest place of each of the heaviest cells of 40 km. */
  private heaviestOfCells(count: number): number[] {
    const { cells } = this.support;
    const found = new Map<number, { mass: number; heaviest: number }>();
    this.mass.forEach((mass, place) => {
      const cell = found.get(cells[place]!);
      if (!cell) found.set(cells[place]!, { mass, heaviest: place });
      else {
        cell.mass += mass;
        if (mass > this.mass[cell.heaviest]!) cell.heaviest = place;
      }
    });
    return [...found]
      .sort(([a, one], [b, other]) => other.mass - one.mass || a - b)
      .slice(0, count)
      .map(([, { heaviest }]) => heaviest);
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
}

function mostRight({ places, right }: Weighed): number {
  return places[right.reduce((best, value, i) => (value > right[best]! ? i : best), 0)]!;
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
