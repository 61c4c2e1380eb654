/** Shows predictions beside the truth, in words and numbers. */
import { isLocated, type Position } from "../locator";
import { Bar } from "../parts/bar";
import { DISTANCES, GEOSCORE_KM, GEOSCORE_MOST } from "../shared";
import { distanceKm, geoScore } from "../sphere";
import { distanceWords, headline, percent, placeWords } from "../words";
import type { GalleryEntry, Scores } from "./api";

const MOST = GEOSCORE_MOST.toLocaleString("en");
/** The distance in km at which the GeoScore is half of its maximum. */
const HALVED_KM = Math.round(GEOSCORE_KM * Math.LN2);

/** The answer for one photo, and its distance from the truth. */
export function Compared({ entry }: { entry: GalleryEntry }) {
  const { prediction, truth } = entry;
  if (!isLocated(prediction)) return <p class="notice">The model has no answer: {prediction.error}</p>;
  const km = distanceKm(prediction, truth);
  const { title, subtitle, sure } = headline(prediction);
  return (
    <section class={sure ? "headline" : "headline headline-unsure"} aria-label="Prediction and truth">
      <h2>{distanceWords(km)} off</h2>
      <p>
        The model's answer: {title}. {subtitle}
        {sure ? "" : ` Its best single guess was ${placeWords(prediction.place)}.`}
      </p>
      <Credit entry={entry} />
      <p class="quiet">
        GeoScore {geoScore(km).toLocaleString("en")} of {MOST}. Truth: {truth.latitude.toFixed(3)},{" "}
        {truth.longitude.toFixed(3)}.
      </p>
    </section>
  );
}

function Credit({ entry: { credit } }: { entry: GalleryEntry }) {
  const parts = [credit?.title, credit?.user && `by ${credit.user}`, credit?.license].filter(Boolean);
  return parts.length ? <p class="quiet">Photo: {parts.join(", ")}</p> : null;
}

interface GameProps {
  rounds: { guess: Position; entry: GalleryEntry }[];
  entry: GalleryEntry;
  guess: Position;
}

/** The scores of the visitor and of the model: for this photo, and for all photos so far. */
export function Game({ rounds, entry, guess }: GameProps) {
  const [you, model] = scoresOf({ guess, entry });
  const all = rounds.map(scoresOf);
  const sum = (who: 0 | 1) => all.reduce((total, pair) => total + pair[who].score, 0);
  const words =
    you.score === model.score ? "A draw." : you.score > model.score ? "You were nearer." : "The model was nearer.";
  const row = (name: string, one: { km: number | null; score: number }, total: number) => (
    <tr>
      <th scope="row">{name}</th>
      <td>{one.km === null ? "no answer" : distanceWords(one.km)}</td>
      <td>{one.score.toLocaleString("en")}</td>
      <td>{total.toLocaleString("en")}</td>
    </tr>
  );
  return (
    <section class="headline" aria-label="You and the model">
      <h2>{words}</h2>
      <table class="scores">
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">Off by</th>
            <th scope="col">GeoScore</th>
            <th scope="col">All {rounds.length}</th>
          </tr>
        </thead>
        <tbody>
          {row("You", you, sum(0))}
          {row("Model", model, sum(1))}
        </tbody>
      </table>
      <Credit entry={entry} />
      <p class="quiet">
        {MOST} for the very place, falling by half each {HALVED_KM.toLocaleString("en")} km.
      </p>
    </section>
  );
}

function scoresOf({
  guess,
  entry,
}: {
  guess: Position;
  entry: GalleryEntry;
}): [{ km: number; score: number }, { km: number | null; score: number }] {
  const yours = distanceKm(guess, entry.truth);
  const its = isLocated(entry.prediction) ? distanceKm(entry.prediction, entry.truth) : null;
  return [
    { km: yours, score: geoScore(yours) },
    { km: its, score: its === null ? 0 : geoScore(its) },
  ];
}

/** The accuracy of the model over all photos of the gallery, at the five usual distances. */
export function Accuracy({ scores }: { scores: Scores }) {
  return (
    <section aria-labelledby="accuracy-title">
      <h3 id="accuracy-title">Over all {scores.photos.toLocaleString("en")} photos</h3>
      <table class="scores">
        <thead>
          <tr>
            <th scope="col">Within</th>
            <th scope="col">Share of photos</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {DISTANCES.map((km) => {
            const share = scores.accuracy[km];
            return share === undefined ? null : (
              <tr key={km}>
                <th scope="row">{Number(km).toLocaleString("en")} km</th>
                <td>{percent(share)}</td>
                <td class="wide">
                  <Bar share={share} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p class="quiet">
        {scores.median_km != null && `Half of them within ${distanceWords(scores.median_km)}. `}
        {scores.geoscore != null && `GeoScore ${Math.round(scores.geoscore).toLocaleString("en")} of ${MOST} on average.`}
      </p>
    </section>
  );
}
