/** Makes the parts of a Prediction from a posterior: a port of whereshot.locate.prediction. */
import type { Candidate, Place, Prediction } from "../locator";
import {
  CANDIDATE_KM,
  CONFIDENT,
  CONFIDENT_TO,
  DECIDE_WITHIN_KM,
  DISTANCES,
  LEAST_COUNTRY_SHARE,
  THEN_WITHIN_KM,
  WIDEST_CANDIDATE_KM,
  type Distance,
} from "../shared";
import { type Posterior, Rings } from "./posterior";
import { type SurenessSettings, sureOf } from "./sureness";
import { narrower, wider } from "./widening";

export interface AnswerSettings extends SurenessSettings {
  withinKm?: number | undefined;
  level: number;
  top: number;
}

export type AnswerParts = Omit<Prediction, "id" | "evidence" | "recorded" | "error" | "map">;

/** Return the decided place, its circle, probabilities, countries and other likely places. */
export function answer(posterior: Posterior, settings: AnswerSettings): AnswerParts {
  const { support } = posterior;
  const { widening, level, top, withinKm } = settings;
  const decided =
    withinKm === undefined ? posterior.best(DECIDE_WITHIN_KM, THEN_WITHIN_KM) : posterior.best(withinKm);
  const latitude = support.latitude[decided]!;
  const longitude = support.longitude[decided]!;
  const rings = new Rings(posterior, latitude, longitude);
  const within: Partial<Record<Distance, number>> = {};
  for (const km of DISTANCES) within[km] = rounded(rings.massWithin(narrower(widening, Number(km))), 4);
  const confident = DISTANCES.find((km) => within[km]! >= CONFIDENT);
  const shares = countries(posterior, settings.countryCodes);
  return {
    latitude: rounded(latitude, 6),
    longitude: rounded(longitude, 6),
    radius_km: rounded(wider(widening, rings.radiusKm(level)), 3),
    level,
    within,
    confident_to: confident ? CONFIDENT_TO[confident] : null,
    place: settings.nameOf(support.named[decided]!),
    countries: shares,
    candidates: candidates(posterior, decided, top, narrower(widening, CANDIDATE_KM), settings.nameOf),
    sure_of: sureOf(posterior, decided, shares, within[1]!, settings),
  };
}

/** Countries with at least a thousandth of the mass, heaviest first. */
function countries(posterior: Posterior, codes: string[]): Prediction["countries"] {
  const total = new Float64Array(codes.length);
  posterior.support.country.forEach((country, place) => {
    if (country >= 0) total[country]! += posterior.mass[place]!;
  });
  return [...total.keys()]
    .filter((country) => total[country]! >= LEAST_COUNTRY_SHARE)
    .sort((a, b) => total[b]! - total[a]! || a - b)
    .map((country) => ({ country_code: codes[country]!, probability: rounded(total[country]!, 4) }));
}

/** The answer, then the likeliest places, none within twice 25 km of an earlier one. */
function candidates(
  posterior: Posterior,
  decided: number,
  top: number,
  withinKm: number,
  nameOf: (number: number) => Place,
): Candidate[] {
  const { support } = posterior;
  const weighed = posterior.weigh(withinKm);
  const spots = [decided, ...weighed.places];
  const held = [0, ...weighed.right]; // the answer comes first, whatever its mass
  const free = spots.map((spot, i) => i === 0 || support.spreadKm[spot]! < WIDEST_CANDIDATE_KM);
  const chosen: number[] = [];
  for (let best = 0; chosen.length < top && best >= 0; ) {
    const spot = spots[best]!;
    chosen.push(spot);
    best = -1;
    spots.forEach((other, i) => {
      free[i] = free[i]! && support.between(spot, other) > 2 * CANDIDATE_KM;
      if (free[i] && (best < 0 || held[i]! > held[best]!)) best = i;
    });
  }
  const found = chosen.map((place) => {
    const [latitude, longitude] = [support.latitude[place]!, support.longitude[place]!];
    return { place, latitude, longitude, share: posterior.massWithin(latitude, longitude, withinKm) };
  });
  const others = found.slice(1).sort((a, b) => b.share - a.share);
  return [found[0]!, ...others].map(({ place, latitude, longitude, share }) => ({
    latitude: rounded(latitude, 6),
    longitude: rounded(longitude, 6),
    probability: rounded(share, 4),
    place: nameOf(support.named[place]!),
  }));
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
