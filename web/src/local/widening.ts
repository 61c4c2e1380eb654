// How the radii of a posterior are corrected, the same as `posterior/widening.py`.

import { HALF_CIRCUMFERENCE_KM } from "../shared";

/** A radius r in km becomes factor r (1 + (factor r / doublingKm)²), at most half the Earth's circumference. */
export interface Widening {
  factor: number;
  /** The radius in km that becomes twice as large; infinity leaves all radii as they are but for the factor. */
  doublingKm: number;
}

/** Return what a radius in km becomes. */
export function wider({ factor, doublingKm }: Widening, radiusKm: number): number {
  const radius = radiusKm * factor;
  return Math.min(radius * (1 + (radius / doublingKm) ** 2), HALF_CIRCUMFERENCE_KM);
}

/** Return the radius in km that `wider` makes as large as this. */
export function narrower({ factor, doublingKm }: Widening, radiusKm: number): number {
  if (!Number.isFinite(doublingKm)) return radiusKm / factor;
  const x = radiusKm / doublingKm;
  return (doublingKm * (2 / Math.sqrt(3)) * Math.sinh(Math.asinh(1.5 * Math.sqrt(3) * x) / 3)) / factor;
}
