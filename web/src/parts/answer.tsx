/** A prediction in words: headline, probabilities, candidates, countries, evidence and recorded position. */
import type { ComponentChildren } from "preact";
import { isLocated, type Candidate, type Located, type Position, type Prediction } from "../locator";
import { CANDIDATE_KM, CONFIDENT, DISTANCES, FROM_LOOK, NEAR_CANDIDATE, NEARLY_IMPOSSIBLE, NO_SIGHTS, NOT_USED, OFF_ANSWER, PROBABLE, RECORDED_BY_CAMERA } from "../shared";
import { distanceKm } from "../sphere";
import { circleWords, countryName, distanceWords, evidenceWords, fill, headline, levelWords, movedNothing, percent, placeWords, writingWords, writtenParts } from "../words";
import { Bar } from "./bar";

interface Props {
  prediction: Prediction;
  recorded: Position | null;
  /** Does the model look at pictures? */
  knowsSights: boolean;
  /** Is it the answer for all photos together? Its evidence is that of the photos, and stands there. */
  together: boolean;
  looked: { candidate: number | null; evidence: number | null };
  onLookCandidate(number: number | null): void;
  onGoCandidate(number: number): void;
  onLookEvidence(number: number | null): void;
  onGoRecorded(): void;
  children?: ComponentChildren;
}

export function AnswerView(props: Props) {
  const { prediction, recorded, knowsSights, together } = props;
  if (!isLocated(prediction)) {
    return (
      <p class="notice notice-error" role="alert">
        {prediction.error ?? "There is no answer for this photo."}
      </p>
    );
  }
  const isOpen = !knowsSights && isOnlyPrior(prediction);
  return (
    <div class="answer">
      <Headline prediction={prediction} remark={isOpen && !together ? NO_SIGHTS : ""} />
      <Sureness prediction={prediction} />
      {props.children}
      <Candidates
        candidates={prediction.candidates}
        sure={prediction.confident_to !== null}
        looked={props.looked.candidate}
        onLook={props.onLookCandidate}
        onGo={props.onGoCandidate}
      />
      <Countries prediction={prediction} />
      {!isOpen && !together && (
        <EvidenceList prediction={prediction} looked={props.looked.evidence} onLook={props.onLookEvidence} />
      )}
      {recorded && <Recorded recorded={recorded} prediction={prediction} onGo={props.onGoRecorded} />}
    </div>
  );
}

/** Whether nothing that was read or recorded moved the answer. */
const isOnlyPrior = ({ evidence, writing }: Prediction): boolean => !writing?.length && evidence.every(movedNothing);

function Headline({ prediction, remark }: { prediction: Located; remark: string }) {
  const { title, subtitle, sure } = headline(prediction);
  return (
    <div class={sure ? "headline" : "headline headline-unsure"}>
      <h2>{title}</h2>
      <p>{subtitle}</p>
      {remark && <p class="quiet">{remark}</p>}
    </div>
  );
}

/** The probability of being right within each distance. */
function Sureness({ prediction }: { prediction: Located }) {
  return (
    <section class="sureness" aria-label="How sure">
      <ul>
        {DISTANCES.map((km) => {
          const share = prediction.within[km] ?? 0;
          return (
            <li key={km} class={share >= CONFIDENT ? "sure" : ""}>
              <span class="level">{levelWords(km)}</span>
              <span class="within">within {Number(km).toLocaleString("en")} km</span>
              <Bar share={share} />
              <span class="number">{percent(share)}</span>
            </li>
          );
        })}
      </ul>
      <p class="quiet">
        {circleWords(prediction.level, prediction.radius_km)}.
      </p>
    </section>
  );
}

interface CandidatesProps {
  candidates: Candidate[];
  sure: boolean;
  looked: number | null;
  onLook(number: number | null): void;
  onGo(number: number): void;
}

function Candidates({ candidates, sure, looked, onLook, onGo }: CandidatesProps) {
  if (!candidates.length) return null;
  const isProbable = candidates.some((candidate) => candidate.probability >= PROBABLE);
  return (
    <section aria-labelledby="candidates-title">
      <h3 id="candidates-title">{sure || isProbable ? "Likely places" : "Possible places"}</h3>
      {!sure && !isProbable && <p class="quiet">None of them is likely on its own.</p>}
      <ol class="candidates">
        {candidates.map((candidate, number) => (
          <li key={number}>
            <button
              class={looked === number ? "candidate candidate-on" : "candidate"}
              onMouseEnter={() => onLook(number)}
              onMouseLeave={() => onLook(null)}
              onFocus={() => onLook(number)}
              onBlur={() => onLook(null)}
              onClick={() => onGo(number)}
            >
              <span class="rank" aria-hidden="true">
                {number + 1}
              </span>
              <span class="name">{placeWords(candidate.place)}</span>
              <span class="number">{percent(candidate.probability)}</span>
              <Bar share={candidate.probability} />
            </button>
          </li>
        ))}
      </ol>
      <p class="quiet">{fill(NEAR_CANDIDATE, { distance: distanceWords(CANDIDATE_KM) })}</p>
    </section>
  );
}

function Countries({ prediction }: { prediction: Located }) {
  const shown = prediction.countries.slice(0, 6).filter(({ probability }) => probability >= NEARLY_IMPOSSIBLE);
  if (shown.length < 2) return null; // a single country is in the headline already
  const rest = 1 - shown.reduce((sum, country) => sum + country.probability, 0);
  return (
    <section aria-labelledby="countries-title">
      <h3 id="countries-title">Countries</h3>
      <ul class="countries">
        {shown.map(({ country_code: code, probability }) => (
          <li key={code}>
            <span class="name">{countryName(code)}</span>
            <Bar share={probability} />
            <span class="number">{percent(probability)}</span>
          </li>
        ))}
        {rest >= 0.01 && (
          <li class="quiet">
            <span class="name">All others</span>
            <Bar share={rest} />
            <span class="number">{percent(rest)}</span>
          </li>
        )}
      </ul>
    </section>
  );
}

/** Shows a sentence in which words of other scripts have their own direction and language. */
function Written({ text }: { text: string }) {
  return <>{writtenParts(text).map((part) => (part.lang ? <bdi lang={part.lang}>{part.text}</bdi> : part.text))}</>;
}

interface EvidenceProps {
  prediction: Located;
  looked: number | null;
  onLook(number: number | null): void;
}

function EvidenceList({ prediction, looked, onLook }: EvidenceProps) {
  const { evidence, writing = [] } = prediction;
  return (
    <section aria-labelledby="evidence-title">
      <h3 id="evidence-title">Why</h3>
      {writingWords(writing).map((sentence) => (
        <p key={sentence} class="writing">
          <Written text={sentence} />
        </p>
      ))}
      {isOnlyPrior(prediction) && <p class="quiet">{FROM_LOOK}</p>}
      <ul class="evidence">
        {evidence.map((item, number) => movedNothing(item) ? null : (
          <li
            key={number}
            class={looked === number ? "looked" : ""}
            // a box can be highlighted from here, also with the keyboard
            tabIndex={item.box ? 0 : undefined}
            onMouseEnter={() => item.box && onLook(number)}
            onMouseLeave={() => onLook(null)}
            onFocus={() => item.box && onLook(number)}
            onBlur={() => onLook(null)}
          >
            <Written text={evidenceWords(item)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recorded({ recorded, prediction, onGo }: { recorded: Position; prediction: Located; onGo(): void }) {
  const isUsed = prediction.evidence.some((item) => item.kind === "exif" && item.what);
  const distance = distanceWords(distanceKm(recorded, prediction));
  const off = fill(OFF_ANSWER, { distance, used: isUsed ? "" : NOT_USED });
  return (
    <section aria-labelledby="recorded-title">
      <h3 id="recorded-title">{RECORDED_BY_CAMERA}</h3>
      <p>
        <button class="link" onClick={onGo}>
          {recorded.latitude.toFixed(5)}, {recorded.longitude.toFixed(5)}
        </button>
        , {off}.
      </p>
    </section>
  );
}
