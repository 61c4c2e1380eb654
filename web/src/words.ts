/** Turns numbers and parts of an answer into words, the same as those of `whereshot locate`. */
import { isLocated, type Candidate, type Evidence, type Place, type Prediction, type ReadLine } from "./locator";
import * as shared from "./shared";
import { CONFIDENT, CONFIDENT_TO, DISTANCES, type Distance } from "./shared";

/** Return a template of shared.ts with its parts in braces filled in. */
export function fill(template: string, parts: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? "");
}

/** Return a text that starts with a capital letter. */
export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Return what an answer that is right to this distance names: "Street", "City" and so on. */
export const levelWords = (distance: Distance): string => capitalized(CONFIDENT_TO[distance]);

/** Return a text in which no line ends between a number and its unit. */
const unbroken = (text: string): string => text.replace(/(\d) (?=%|k?m$)/g, "$1\u00a0");

/** Return a probability, 0 to 1, as text: a whole percentage, never 0 % and never 100 %. */
export function percent(share: number): string {
  if (share >= shared.NEARLY_CERTAIN) return unbroken(shared.OVER);
  return unbroken(share < shared.NEARLY_IMPOSSIBLE ? shared.UNDER : `${Math.round(100 * share)} %`);
}

/** Return a distance in kilometres as text. */
export function distanceWords(km: number): string {
  if (km < shared.METRES_BELOW_KM) return unbroken(`${Math.round(1000 * km)} m`);
  if (km < shared.DECIMAL_BELOW_KM) return unbroken(`${km.toFixed(1)} km`);
  return unbroken(`${Number(km.toPrecision(2)).toLocaleString("en")} km`);
}

/** Return what a circle holds, such as "90 % within 7.2 km", or that it is more than half of the Earth. */
export function circleWords(level: number, radiusKm: number): string {
  const template = radiusKm <= shared.HALF_EARTH_KM ? `${shared.WITHIN} of the answer` : shared.OVER_HALF_EARTH;
  return fill(template, { percent: unbroken(`${Math.round(100 * level)} %`), distance: distanceWords(radiusKm) });
}

/** Return a likelihood ratio, given as its logarithm, as text. The sign does not count. */
export function times(nats: number): string {
  const ratio = Math.exp(Math.min(Math.abs(nats), shared.MOST_NATS));
  if (ratio < shared.DECIMAL_BELOW_TIMES) return fill(shared.TIMES, { ratio: ratio.toFixed(1) });
  const whole = ratio < shared.WHOLE_BELOW_TIMES ? Math.round(ratio) : Number(ratio.toPrecision(1));
  return fill(shared.TIMES, { ratio: whole.toLocaleString("en") });
}

let names: Intl.DisplayNames | undefined;

/** Return the English name of an ISO 3166 code; the code itself where it is unknown. */
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

/** Return a place as text, such as "Altafulla, Catalonia, Spain", without unknown and repeated parts. */
export function placeWords(place: Place | null): string {
  const parts = [place?.name, place?.region, countryOf(place)].filter((part): part is string => !!part);
  return [...new Set(parts)].join(", ") || shared.NO_PLACE;
}

/** Return the likeliest place if it has a name and holds at least half of the probability; else null. */
function probablePlace({ candidates }: Prediction): Candidate | null {
  const best = candidates.reduce<Candidate | null>((top, one) => (top && top.probability >= one.probability ? top : one), null);
  return best?.place.name && best.probability >= shared.PROBABLE ? best : null;
}

/** Return the likeliest place, or else the likeliest country, if it holds at least half of the probability; else "". */
export function probableWords(prediction: Prediction): string {
  const { countries, sure_of: sure } = prediction;
  const best = probablePlace(prediction);
  if (best) {
    const country = sure ? null : countryOf(best.place);
    const own = best.place.name ?? "";
    const name = country && country !== own ? fill(shared.IN_COUNTRY, { name: own, country }) : own;
    return fill(shared.PROBABLY, { name, percent: percent(best.probability) });
  }
  const first = countries[0];
  if (sure || !first || first.probability < shared.PROBABLE) return "";
  return fill(shared.PROBABLY, { name: countryName(first.country_code), percent: percent(first.probability) });
}

/** Return a sentence with the answer's place where it lies in another country than the one that is named; else "". */
function elsewhereWords({ place, within }: Prediction, code: string | null): string {
  if (!code || !place?.country_code || place.country_code === code) return "";
  const name = placeWords({ ...place, region: null });
  return fill(shared.LIKELIEST_PLACE, { name, percent: percent(within[25] ?? 0), distance: distanceWords(25) });
}

/** Return the three likeliest countries as a sentence; "" where there are none. */
function countryWords(prediction: Prediction): string {
  const countries = prediction.countries
    .slice(0, 3)
    .map((c) => fill(shared.COUNTRY_SHARE, { country: countryName(c.country_code), percent: percent(c.probability) }))
    .join(", ");
  return countries && fill(shared.BY_COUNTRY, { countries });
}

/** Return "Around" and the name of the answer's town, region or country that fits a distance. */
function around(place: Place | null, near: Distance): string {
  const level = CONFIDENT_TO[near];
  const fine = level === "street" || level === "city" ? place?.name : level === "region" ? place?.region : null;
  const name = fine ?? countryOf(place);
  return name ? fill(shared.AROUND, { name }) : capitalized(shared.NO_PLACE);
}

/** Return the headline of an answer. Its place is only as exact as the answer is sure or probable. */
export function headline(prediction: Prediction): { title: string; subtitle: string; sure: boolean } {
  if (!isLocated(prediction)) return { title: shared.NO_ANSWER, subtitle: prediction.error ?? "", sure: false };
  const { place, within, sure_of: sure } = prediction;
  const probable = probableWords(prediction);
  if (!sure) {
    const near = DISTANCES.find((km) => (within[km] ?? 0) >= CONFIDENT);
    const level = near && CONFIDENT_TO[near];
    const isAround = near !== undefined && (!probable || level === "street" || level === "city");
    const title = isAround ? around(place, near) : probable || shared.NOT_SURE;
    const held = near && { percent: percent(within[near]!), distance: distanceWords(Number(near)) };
    const share = held ? capitalized(fill(shared.WITHIN_ALONE, held)) : "";
    const named = title === probable && !probablePlace(prediction) ? (prediction.countries[0]?.country_code ?? null) : null;
    const parts = [share, countryWords(prediction), elsewhereWords(prediction, named)];
    return { title, subtitle: parts.filter(Boolean).join(" "), sure: near !== undefined };
  }
  const country = sure.level === "country" ? null : countryName(sure.country_code);
  const name = country ? fill(shared.IN_COUNTRY, { name: sure.name, country }) : sure.name;
  const words = fill(shared.SURE[sure.level], { name, percent: percent(sure.probability) });
  const rest = [place?.name === sure.name && sure.level !== "region" ? place.region : null, country].filter(Boolean);
  const isBroad = sure.level === "region" || sure.level === "country";
  const town = isBroad && place?.name && place.name !== sure.name ? fill(shared.BEST_GUESS, { name: place.name }) : "";
  const guess = elsewhereWords(prediction, sure.country_code) || (isBroad && probable ? `${probable}.` : town);
  const subtitle = [rest.length ? `${rest.join(", ")}.` : "", words, guess].filter(Boolean).join(" ");
  return { title: sure.name, subtitle, sure: true };
}

/** Return why there is no answer, without the name of the photo, which stands beside it. */
export function reasonWords(prediction: Prediction, name: string): string {
  const error = prediction.error ?? shared.NO_ANSWER;
  return capitalized(error.startsWith(`${name}: `) ? error.slice(name.length + 2) : error);
}

/** Return a sentence on the photos without an answer in a list of photos. */
export const failedWords = (failed: number, of: number): string =>
  failed === 1 ? `1 of ${of} photos has no answer; its reason is below it.` : `${failed} of ${of} photos have no answer; the reason is below each.`;

/** "Tap" where the visitor has no mouse, else "Click". */
export const press = (): string => (matchMedia("(pointer: coarse)").matches ? shared.TAP : shared.CLICK);

/** Whether evidence was used and did not move the answer. It is not shown. */
export function movedNothing(item: Evidence): boolean {
  return item.what !== "" && item.kind !== "picture" && item.kind !== "text/script" && Math.abs(item.nats) < shared.SILENT_NATS;
}

/** Return a sentence about a piece of evidence and its effect on the answer. */
export function evidenceWords(item: Evidence): string {
  if (item.kind === "picture") return fill(shared.ONLY_PRIOR, { means: capitalized(item.means) });
  if (item.what === "") return fill(shared.UNUSABLE, { means: capitalized(item.means) });
  const parts = {
    verb: item.kind === "text/script" ? shared.SEEN : item.kind.startsWith("text") ? shared.READ : shared.RECORDED,
    what: `“${item.what}”`,
    means: item.means,
    subject: shared.ANSWER,
  };
  if (Math.abs(item.nats) < shared.SILENT_NATS) return fill(shared.DID_NOT_MOVE, parts);
  const direction = item.nats > 0 ? shared.LIKELIER : shared.LESS_LIKELY;
  return fill(shared.MOVED, { ...parts, times: times(item.nats), direction });
}

/** Return a sentence for each script other than Latin in which lines were read, the first lines quoted. */
export function writingWords(lines: readonly ReadLine[]): string[] {
  return [...new Set(lines.map((line) => line.script))].map((script) => {
    const own = lines.filter((line) => line.script === script);
    const shown = own.slice(0, shared.MOST_LINES_SHOWN).map((line) => `“${line.text}”${line.latin ? ` (${line.latin})` : ""}`).join(", ");
    const count = own.length - shared.MOST_LINES_SHOWN;
    const texts = count > 0 ? fill(shared.MORE_LINES, { texts: shown, count: String(count) }) : shown;
    return fill(shared.WRITING, { script, texts });
  });
}

const anyForeign = `[${Object.keys(shared.LANGUAGE_TAGS).map((name) => `\\p{Script=${name}}`).join("")}]`;
/** A quotation with letters of other scripts than Latin, or the words from the first to the last of such letters. */
const FOREIGN = new RegExp(
  `(?<=[“"])[^“”"]*${anyForeign}[^“”"]*(?=[”"])|${anyForeign}(?:[^\\p{Script=Latin}“”"]*${anyForeign})?\\p{M}*`,
  "gu",
);

/** Return the parts of a text, in order. A part with letters of other scripts than Latin has the tag of its language. */
export function writtenParts(text: string): { text: string; lang?: string }[] {
  const tags: [string, string][] = Object.entries(shared.LANGUAGE_TAGS);
  const found: { text: string; lang?: string }[] = [];
  let end = 0;
  for (const piece of text.matchAll(FOREIGN)) {
    if (piece.index > end) found.push({ text: text.slice(end, piece.index) });
    const tag = tags.find(([script]) => new RegExp(`\\p{Script=${script}}`, "u").test(piece[0]));
    found.push({ text: piece[0], lang: tag?.[1] });
    end = piece.index + piece[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** Return the answer in one sentence, for screen readers. */
export function spoken(prediction: Prediction): string {
  if (!isLocated(prediction)) return `${shared.NO_ANSWER}: ${prediction.error ?? "unknown"}`;
  const { title, subtitle } = headline(prediction);
  const shares = DISTANCES.flatMap((km) => {
    const share = prediction.within[km];
    return share === undefined ? [] : [fill(shared.WITHIN, { percent: percent(share), distance: `${km} km` })];
  });
  return `${title}. ${subtitle} ${shares.join(", ")}.`;
}

/** Return a number of bytes as text. */
export function bytesWords(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** Return a sentence on whether the model learned from the photos of a gallery. Older galleries do not state it. */
export function learnedWords(counts?: { learned: number | null; left_out: number }): string {
  if (!counts || counts.learned === null) return "It is not known whether it learned from these photos.";
  if (counts.learned === 0) return "It learned from none of these photos.";
  const photos = `${counts.learned.toLocaleString("en")} ${counts.learned === 1 ? "photo" : "photos"}`;
  return counts.left_out > 0
    ? `It learned from none of these photos: ${photos} that it learned from ${counts.learned === 1 ? "is" : "are"} left out.`
    : `It learned from ${counts.learned.toLocaleString("en")} of these photos, so the scores are too good.`;
}
