/** Numbers and parts of an answer -> words that do not claim more than they say, as `whereshot locate` words them. */
import { DISTANCES, isLocated, type Distance, type Evidence, type Place, type Prediction } from "./locator";

/** A probability at which the page speaks of being sure. */
export const CONFIDENT = 0.9;

export const LEVEL_OF: Record<Distance, string> = {
  "1": "Street",
  "25": "City",
  "200": "Region",
  "750": "Country",
  "2500": "Continent",
};

/** A factor nearer to 1 than this is not told. */
const SILENT_NATS = 0.05;

/** Between a number and its unit no line may end. */
const GAP = "\u00a0";

export function percent(share: number): string {
  if (share >= 0.995) return `over 99${GAP}%`;
  return share < 0.01 ? `under 1${GAP}%` : `${Math.round(100 * share)}${GAP}%`;
}

export function distanceWords(km: number): string {
  if (km < 1) return `${Math.round(1000 * km)}${GAP}m`;
  if (km < 10) return `${km.toFixed(1)}${GAP}km`;
  return `${Number(km.toPrecision(2)).toLocaleString("en")}${GAP}km`;
}

/** A likelihood ratio, whichever way it points. */
export function times(nats: number): string {
  const ratio = Math.exp(Math.min(Math.abs(nats), 16));
  if (ratio < 10) return `${ratio.toFixed(1)} times`;
  const digits = ratio < 100 ? 2 : 1;
  return `${Number(ratio.toPrecision(digits)).toLocaleString("en")} times`;
}

let names: Intl.DisplayNames | undefined;

/** The English name of an ISO 3166 code; the code itself where there is none. */
export function countryName(code: string): string {
  try {
    names ??= new Intl.DisplayNames(["en"], { type: "region" });
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

export function countryOf(place: Place | null): string | null {
  return place && (place.country ?? (place.country_code ? countryName(place.country_code) : null));
}

/** "Altafulla, Catalonia, Spain", without what is not known or said twice. */
export function placeWords(place: Place | null): string {
  const parts = [place?.name, place?.region, countryOf(place)].filter((part): part is string => !!part);
  return [...new Set(parts)].join(", ") || "at sea";
}

/** The head of an answer: a place only as fine as the answer is sure of it. */
export function headline(prediction: Prediction): { title: string; subtitle: string; sure: boolean } {
  if (!isLocated(prediction)) return { title: "No answer", subtitle: prediction.error ?? "", sure: false };
  const likely = prediction.countries
    .slice(0, 3)
    .map((c) => `${countryName(c.country_code)} (${percent(c.probability)})`);
  const mostLikely = likely.length ? `Most likely: ${likely.join(", ")}.` : "";
  const { place, confident_to: level } = prediction;
  if (level === null) return { title: "Not sure, not even of the continent", subtitle: mostLikely, sure: false };
  const sure = `Sure of the ${level}, with at least ${percent(CONFIDENT)}.`;
  const country = countryOf(place);
  // from the finest part that the answer is sure of to the coarsest
  const parts: Record<typeof level, (string | null | undefined)[]> = {
    street: [place?.name, place?.region, country],
    city: [place?.name, place?.region, country],
    region: [place?.region, country],
    country: [country],
    continent: [country && `Around ${country}`],
  };
  const [title = "At sea", ...rest] = new Set(parts[level].filter((part): part is string => Boolean(part)));
  const guess = place?.name && title !== place.name ? `Best guess: near ${place.name}.` : "";
  const more = level === "continent" ? mostLikely : guess;
  const subtitle = [rest.length ? `${rest.join(", ")}.` : "", sure, more].filter(Boolean).join(" ");
  return { title, subtitle, sure: true };
}

/** What one cue was, and what it did to the answer. */
export function evidenceWords(item: Evidence): string {
  const means = item.means.charAt(0).toUpperCase() + item.means.slice(1);
  if (item.kind === "picture") return `${means}; the answer is only the prior.`;
  if (item.what === "") return `${means}.`;
  const verb = item.kind.startsWith("text") ? "Read" : "Recorded";
  if (Math.abs(item.nats) < SILENT_NATS) return `${verb} “${item.what}”: ${item.means}; did not move the answer.`;
  const way = item.nats > 0 ? "likelier" : "less likely";
  return `${verb} “${item.what}”: ${item.means}; made the answer ${times(item.nats)} ${way}.`;
}

/** The answer in one sentence, for a screen reader. */
export function spoken(prediction: Prediction): string {
  if (!isLocated(prediction)) return `No answer: ${prediction.error ?? "unknown"}`;
  const { title, subtitle } = headline(prediction);
  const shares = DISTANCES.flatMap((km) => {
    const share = prediction.within[km];
    return share === undefined ? [] : [`${percent(share)} within ${km} km`];
  });
  return `${title}. ${subtitle} ${shares.join(", ")}.`;
}

/** Bytes as a person reads them. */
export function bytesWords(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** Whether the model learned from the photos of a gallery; a gallery of an earlier version does not say it. */
export function learnedWords(counts?: { learned: number | null; left_out: number }): string {
  if (!counts || counts.learned === null) return "It is not known whether it learned from these photos.";
  if (counts.learned === 0) return "It learned from none of these photos.";
  const photos = `${counts.learned.toLocaleString("en")} ${counts.learned === 1 ? "photo" : "photos"}`;
  return counts.left_out > 0
    ? `It learned from none of these photos: ${photos} that it learned from ${counts.learned === 1 ? "is" : "are"} left out.`
    : `It learned from ${counts.learned.toLocaleString("en")} of these photos, so the scores are too good.`;
}
