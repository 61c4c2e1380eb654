/** What an answer is sure of: a port of whereshot.locate.sureness. */
import type { Place, Prediction } from "../locator";
import { CONFIDENT, EXACT_PLACES } from "../shared";
import { type Posterior, heaviest } from "./posterior";
import { circleMass, distanceKm, scaleOf } from "./sphere";
import type { Widening } from "./widening";

/** How far the town and the region reach that a place is named after; null where it has none. */
export interface Extents {
  town: { latitude: number; longitude: number; radiusKm: number } | null;
  regionKm: number | null;
}

export interface SurenessSettings {
  countryCodes: string[];
  countryNames: string[];
  widening: Widening;
  nameOf(number: number): Place;
  extentsOf(number: number): Extents;
}

/** Return the finest named street, city, region or country with 90 %. `street` is the mass within 1 km. */
export function sureOf(
  posterior: Posterior,
  decided: number,
  countries: Prediction["countries"],
  street: number,
  settings: SurenessSettings,
): Prediction["sure_of"] {
  const { support } = posterior;
  const first = countries[0];
  if (!first || first.probability < CONFIDENT) return null;
  const code = first.country_code;
  const number = settings.countryCodes.indexOf(code);
  const place = settings.nameOf(support.named[decided]!);
  const heavy = heaviest(posterior.mass, EXACT_PLACES);
  const inside = (spot: number, distance: number, km: number) =>
    posterior.mass[spot]! * circleMass(distance, scaleOf(support.spreadKm[spot]! * settings.widening.factor), km);
  if (place.name !== null && place.country_code === code) {
    if (street >= CONFIDENT) return found("street", place.name, street);
    const { town } = settings.extentsOf(support.named[decided]!);
    if (town) {
      const away = (spot: number) =>
        distanceKm(town.latitude, town.longitude, support.latitude[spot]!, support.longitude[spot]!);
      const share = heavy.reduce((sum, spot) => sum + inside(spot, away(spot), town.radiusKm), 0);
      if (share >= CONFIDENT) return found("city", place.name, share);
    }
  }
  const regions = new Map<string, number>();
  for (const spot of heavy) {
    const { region } = settings.nameOf(support.named[spot]!);
    const { regionKm } = settings.extentsOf(support.named[spot]!);
    if (support.country[spot] !== number || region === null || regionKm === null) continue;
    regions.set(region, (regions.get(region) ?? 0) + inside(spot, 0, regionKm));
  }
  for (const [region, share] of regions) if (share >= CONFIDENT) return found("region", region, share);
  return found("country", settings.countryNames[number]!, first.probability);

  function found(level: NonNullable<Prediction["sure_of"]>["level"], name: string, share: number): Prediction["sure_of"] {
    return { level, name, country_code: code, probability: Math.round(share * 1e4) / 1e4 };
  }
}
