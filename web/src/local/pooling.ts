/** Combines the posteriors of photos of one place: a port of whereshot.posterior.same_place. */
import { ALBUM_CORRELATION, ALBUM_HEAVY, ALBUM_LIGHT, ALBUM_POINTS } from "../shared";
import { Posterior, type Support, heaviest, logSumExp } from "./posterior";
import { laid, unitVector } from "./sphere";

export interface Pooled {
  posterior: Posterior;
  /** Log of how much likelier the photos are if one place took them all than if each has its own. */
  agreementNats: number;
}

/** A point at which the densities of the photos are compared. */
interface Point {
  /** Of the pooled posterior, and what of the mixture's mass the point stands for. */
  place: number;
  share: number;
  before: number;
  /** Of each photo: log of its density over that of the prior. */
  ratio: number[];
  /** Log density of all photos taken alike. */
  mixture: number;
}

/** Pool posteriors on one support; the prior, as log masses on it, counts once. */
export function pool(posteriors: Posterior[], logPrior: Float64Array): Pooled {
  const { support } = posteriors[0]!;
  const { places, mass, counts } = components(posteriors, support);
  const masses = [logPrior.map(Math.exp), ...posteriors.map((one) => one.mass)];
  const points: Point[] = [];
  for (let place = 0; place < places.size; place++) {
    for (let number = 0; number < counts[place]!; number++) {
      const share = (number + 0.5) / counts[place]!;
      const [latitude, longitude] = laid(
        places.latitude[place]!,
        places.longitude[place]!,
        places.scale[place]!,
        points.length,
        share,
      );
      const [before, ...each] = logDensities(support, masses, latitude, longitude) as [number, ...number[]];
      points.push({
        place,
        share: mass[place]! / counts[place]!,
        before,
        ratio: each.map((own) => own - before),
        mixture: logSumExp(each) - Math.log(each.length),
      });
    }
  }
  // masses of prior x product of (photo / prior) to the powers
  const measured = (powers: number[]): Float64Array => {
    const sums = new Float64Array(places.size);
    for (const { place, share, before, ratio, mixture } of points) {
      const product = ratio.reduce((sum, own, photo) => sum + powers[photo]! * own, before);
      sums[place]! += share * Math.exp(product - mixture);
    }
    return sums;
  };
  const nats = posteriors.map((_, photo) =>
    Math.max(0, points.reduce((sum, { share, before, ratio, mixture }) => {
      const own = ratio[photo]!;
      return sum + share * Math.exp(before + own - mixture) * own;
    }, 0)),
  );
  const together = measured(posteriors.map(() => 1)).reduce((a, b) => a + b);
  return {
    posterior: new Posterior(places, measured(powersOf(nats)).map(Math.log)),
    agreementNats: Math.log(Math.max(together, 1e-300)),
  };
}

/** Return the powers of photos, by the nats that each adds to the prior. */
function powersOf(nats: number[]): number[] {
  const total = nats.reduce((a, b) => a + b);
  if (total < 1e-6) return nats.map(() => 1 / nats.length);
  const worth = total ** 2 / nats.reduce((sum, own) => sum + own ** 2, 0);
  return nats.map((own) => ((worth / (1 + (worth - 1) * ALBUM_CORRELATION)) * own) / total);
}

/** Places, masses and numbers of points that stand for all photos taken alike: the likeliest, and some for all others. */
function components(posteriors: Posterior[], support: Support): { places: Support; mass: Float64Array; counts: Int32Array } {
  const all = Float64Array.from(posteriors[0]!.mass, (_, place) =>
    posteriors.reduce((sum, one) => sum + one.mass[place]! / posteriors.length, 0),
  );
  const order = heaviest(all, all.length);
  const heavy = order.slice(0, ALBUM_HEAVY).filter((place) => all[place]! > 0);
  const light = drawn(order.slice(ALBUM_HEAVY), all, support);
  const numbers = Int32Array.from([...heavy, ...light.map(({ place }) => place)]);
  const spreadKm = Float64Array.from(numbers, (place, i) =>
    i < heavy.length ? support.spreadKm[place]! : light[i - heavy.length]!.spreadKm,
  );
  return {
    places: support.only(numbers, spreadKm),
    mass: Float64Array.from(numbers, (place, i) => (i < heavy.length ? all[place]! : light[i - heavy.length]!.mass)),
    counts: Int32Array.from(numbers, (_, i) => (i < heavy.length ? ALBUM_POINTS : 1)),
  };
}

/** Of many light places some, evenly along the S2 curve by their mass, each as wide as half the way to the one before. */
function drawn(places: Int32Array, mass: Float64Array, support: Support): { place: number; mass: number; spreadKm: number }[] {
  const left = places.reduce((sum, place) => sum + mass[place]!, 0);
  if (!(left > 0)) return [];
  const along = places.sort((a, b) => support.own[a]! - support.own[b]! || mass[b]! - mass[a]! || a - b);
  const chosen: number[] = [];
  let at = 0;
  let sum = mass[along[0]!]!;
  for (let number = 0; number < ALBUM_LIGHT; number++) {
    while (sum < ((number + 0.5) * left) / ALBUM_LIGHT && at < along.length - 1) sum += mass[along[++at]!]!;
    chosen.push(along[at]!);
  }
  return chosen.map((place, i) => {
    const halfWay = support.between(place, chosen.at(i - 1)!) / 2;
    return { place, mass: left / ALBUM_LIGHT, spreadKm: Math.max(support.spreadKm[place]!, halfWay) };
  });
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
