/** The locator: it takes photos and shows the answers. Several photos have one answer each, and one for all. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import {
  isLocated,
  LocateError,
  type Answer,
  type Locator,
  type PageInfo,
  type Position,
  type Prediction,
} from "./locator";
import type { Globe, Mark, View } from "./map/globe";
import { Actions } from "./parts/actions";
import { AnswerView } from "./parts/answer";
import { DEFAULTS, Options, type Choices } from "./parts/options";
import { PhotoView } from "./parts/photo";
import { PhotoList } from "./parts/photo_list";
import { Picker } from "./parts/picker";
import { TokenError } from "./server";
import { sift, toPhoto, type Photo } from "./photos";
import { PROBABLE, READS_TEXT, RECORDED_BY_CAMERA } from "./shared";
import { placeWords, spoken } from "./words";

type Shown = number | "all";

interface Props {
  locator: Locator;
  info: PageInfo;
  globe: Globe | null;
  /** Does the page show this part? Else it keeps its photos and does not change the globe. */
  active: boolean;
  /** Called when a photo is dropped or pasted while another part of the page is shown. */
  onActive(): void;
  /** Called when the server does not accept the token. */
  onRefused(): void;
}

export function Locate({ locator, info, globe, active, onActive, onRefused }: Props) {
  const [photos, setPhotos] = useState<Photo[]>([]);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [shown, setShown] = useState<Shown>(0);
  const [busy, setBusy] = useState(false);
  const [notices, setNotices] = useState<string[]>([]);
  const [choices, setChoices] = useState<Choices>(DEFAULTS);
  const [candidate, setCandidate] = useState<number | null>(null);
  const [evidence, setEvidence] = useState<number | null>(null);
  /** The options of the last request. Others count only when the visitor asks again. */
  const [asked, setAsked] = useState<Choices>(DEFAULTS);
  const asking = useRef<AbortController | null>(null);
  /** The current photos, for code that runs while files are still read. */
  const held = useRef<Photo[]>([]);
  const hold = (these: Photo[]) => {
    held.current = these;
    setPhotos(these);
    void ask(these);
  };

  const ask = useCallback(
    async (these: Photo[]) => {
      asking.current?.abort();
      const control = (asking.current = new AbortController());
      setAnswer(null);
      setBusy(these.length > 0);
      setShown(these.length > 1 ? "all" : 0);
      setAsked(choices);
      if (!these.length) return;
      const { show_recorded: _, ...wanted } = choices;
      const arrived: number[] = [];
      try {
        const found = await locator.locate(
          these.map((photo) => photo.file),
          {
            ...wanted,
            signal: control.signal,
            onPhoto: (number, prediction) => {
              if (asking.current !== control) return;
              arrived.push(number);
              setAnswer((before) => withPhoto(before, number, prediction, info.model));
            },
          },
        );
        setAnswer(found);
        // photos of different places have no answer in common; a visitor who has chosen a photo stays with it
        const first = Math.max(0, found.predictions.findIndex(isLocated));
        if (!found.album || (found.album.agreement_nats ?? 0) < 0) setShown((now) => (now === "all" ? first : now));
      } catch (error) {
        if (control.signal.aborted) return;
        if (error instanceof TokenError) return onRefused();
        // without an answer for all photos together, show the first photo that has an answer
        if (arrived.length) setShown((now) => (now === "all" ? Math.min(...arrived) : now));
        setNotices((before) => [
          ...before,
          error instanceof LocateError ? error.message : `Something went wrong: ${String(error)}`,
        ]);
      }
      if (asking.current === control) setBusy(false);
    },
    [choices, info.model, locator, onRefused],
  );

  const add = async (files: File[]) => {
    const { kept, refused } = sift(files, held.current, info.limits);
    onActive();
    setNotices(refused);
    if (!kept.length) return;
    const read = await Promise.all(kept.map(toPhoto));
    hold([...held.current, ...read]);
  };
  const drop = (gone: Photo) => {
    if (gone.url) URL.revokeObjectURL(gone.url);
    setNotices([]);
    hold(photos.filter((photo) => photo !== gone));
  };
  const clear = () => {
    photos.forEach((photo) => photo.url && URL.revokeObjectURL(photo.url));
    setNotices([]);
    hold([]);
  };

  const prediction = answer && (shown === "all" ? (answer.album ?? null) : (answer.predictions[shown] ?? null));
  const photo = shown === "all" ? null : (photos[shown] ?? null);
  const recorded = choices.show_recorded ? (prediction?.recorded ?? photo?.recorded ?? null) : null;

  useEffect(() => {
    if (!globe || !active) return;
    if (!prediction || !isLocated(prediction)) {
      globe.show({ cells: null, marks: [] });
      if (photos.length === 0) globe.turn();
      return;
    }
    globe.show(viewOf(prediction, recorded));
    globe.fly(prediction, prediction.radius_km);
  }, [globe, active, prediction, recorded, photos.length]);
  useEffect(() => () => globe?.stop(), [globe]);
  useEffect(() => {
    if (busy) globe?.prepare()?.catch(() => {}); // who needs it says so
  }, [globe, busy]);

  const look = (number: number | null) => {
    setCandidate(number);
    globe?.highlight(number);
  };
  return (
    <>
      {photos.length === 0 && (
        <div class="hero">
          <h1>Where was this photo taken?</h1>
          <p>A probability over the whole Earth, how sure that is, and why.</p>
          {!(info.knows_sights ?? true) && <p class="quiet">{READS_TEXT}</p>}
        </div>
      )}
      {photos.length > 0 && <h1 class="unseen">Where was this photo taken?</h1>}
      {photos.length > 1 && <PhotoList photos={photos} answer={answer} shown={shown} onShow={setShown} onDrop={drop} />}
      {photo && (
        <PhotoView
          key={photo.key}
          url={photo.url}
          name={photo.file.name}
          looked={evidence}
          onLook={setEvidence}
          evidence={prediction?.evidence ?? []}
          answered={prediction !== null && isLocated(prediction)}
        />
      )}
      {[...new Set(notices)].map((text) => (
        <p class="notice notice-error" role="alert" key={text}>
          {text}
        </p>
      ))}
      {busy && <Waiting count={photos.length} done={answer?.predictions.filter(Boolean).length ?? 0} />}
      <div class="unseen" aria-live="polite">
        {prediction ? spoken(prediction) : ""}
      </div>
      {prediction && (
        <AnswerView
          prediction={prediction}
          recorded={recorded}
          knowsSights={info.knows_sights ?? true}
          together={shown === "all"}
          looked={{ candidate, evidence }}
          onLookCandidate={look}
          onGoCandidate={(number) => {
            const to = prediction.candidates[number];
            if (to) globe?.fly(to, 40);
          }}
          onLookEvidence={setEvidence}
          onGoRecorded={() => recorded && globe?.fly(recorded, 10)}
        >
          {isLocated(prediction) && <Actions prediction={prediction} geocoder={info.geocoder} />}
        </AnswerView>
      )}
      <Picker onFiles={(files) => void add(files)} small={photos.length > 0} />
      {photos.length > 0 && (
        <button class="link" onClick={clear}>
          Start again
        </button>
      )}
      <Options
        choices={choices}
        onChange={setChoices}
        whole={!info.runs_here}
        changed={photos.length > 0 && isOtherRequest(choices, asked)}
        onAgain={
          photos.length
            ? () => {
                setNotices([]);
                void ask(photos);
              }
            : null
        }
      />
    </>
  );
}

/** Whether two choices lead to different requests. What is only shown does not count. */
function isOtherRequest(one: Choices, other: Choices): boolean {
  return (["text", "use_exif", "within_km", "region"] as const).some((name) => (one[name] || null) !== (other[name] || null));
}

function Waiting({ count, done }: { count: number; done: number }) {
  return (
    <p class="waiting" role="status">
      <span class="waiting-globe" aria-hidden="true" />
      {count === 1 ? "Looking at the photo …" : `Looking at ${count} photos … ${done} of ${count} answered`}
    </p>
  );
}

/** Add the prediction of a photo to an answer that is not complete yet. */
function withPhoto(before: Answer | null, number: number, prediction: Prediction, model: string): Answer {
  const predictions = [...(before?.predictions ?? [])]; // holes become undefined
  predictions[number] = prediction;
  return { model, predictions, album: null };
}

/** Return what the globe shows of a prediction. An answer that is not sure has no pin: its area is the answer. */
export function viewOf(prediction: Prediction & Position, recorded: Position | null): View {
  const sure = prediction.confident_to !== null;
  const marks: Mark[] = prediction.candidates.map((candidate, number) => ({
    ...candidate,
    kind: number === 0 && sure ? "answer" : "candidate",
    label: placeWords(candidate.place),
    text: String(number + 1),
    faint: !sure && candidate.probability < PROBABLE,
    mass: candidate.probability,
  }));
  if (recorded) marks.push({ ...recorded, kind: "recorded", label: RECORDED_BY_CAMERA });
  return { cells: prediction.map ?? null, marks, unsure: !sure };
}
