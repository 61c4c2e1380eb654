/** The gallery: photos with known places. The visitor sees the answers, or guesses first and compares GeoScores. */
import { useEffect, useRef, useState } from "preact/hooks";
import { isLocated, LocateError, type Position } from "../locator";
import type { Globe, Mark } from "../map/globe";
import { distanceKm, greatCircle } from "../sphere";
import { distanceWords, learnedWords, press } from "../words";
import { TokenError } from "../server";
import { listPhotos, photoAddress, readEntry, readScores, type GalleryEntry, type Scores } from "./api";
import { Accuracy, Compared, Game } from "./results";

/** Number of photos to choose from; the server chooses them at random. */
const OFFERED = 100;

interface Props {
  globe: Globe | null;
  game: boolean;
  /** Called when the server does not accept the token. */
  onRefused(): void;
}

interface Round {
  guess: Position;
  entry: GalleryEntry;
}

export function Gallery({ globe, game, onRefused }: Props) {
  const [photos, setPhotos] = useState<string[]>([]);
  const [scores, setScores] = useState<Scores | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [entry, setEntry] = useState<GalleryEntry | null>(null);
  const [guess, setGuess] = useState<Position | null>(null);
  const [rounds, setRounds] = useState<Round[]>([]);
  const [problem, setProblem] = useState("");
  /** The photo that was chosen last. An entry that arrives after another choice is not shown. */
  const wanted = useRef("");
  const report = (error: unknown) => {
    if (error instanceof TokenError) onRefused();
    else setProblem(error instanceof LocateError ? error.message : String(error));
  };

  useEffect(() => {
    listPhotos(OFFERED).then(setPhotos).catch(report);
    if (!game) readScores().then(setScores).catch(report);
  }, [game]);

  const choose = (id: string) => {
    wanted.current = id;
    setChosen(id);
    setEntry(null);
    setGuess(null);
    setProblem("");
    // in the game, the answer of the model is fetched only after the guess
    if (!game)
      readEntry(id)
        .then((found) => wanted.current === id && setEntry(found))
        .catch(report);
  };
  const random = () => {
    const rest = photos.filter((id) => id !== chosen && !rounds.some((round) => round.entry.id === id));
    const from = rest.length ? rest : photos;
    const next = from[Math.floor(Math.random() * from.length)];
    if (next) choose(next);
  };
  const settle = () => {
    if (!guess || !chosen) return;
    readEntry(chosen)
      .then((found) => {
        if (wanted.current !== chosen) return;
        setEntry(found);
        // count each photo once, even if the button was pressed twice
        setRounds((before) =>
          before.some(({ entry }) => entry.id === chosen) ? before : [...before, { guess, entry: found }],
        );
      })
      .catch(report);
  };

  useEffect(() => {
    if (!globe) return;
    globe.stop();
    if (entry) return showEntry(globe, entry, guess);
    globe.show({ cells: null, marks: guess ? [{ ...guess, kind: "guess", label: "Your guess" }] : [] });
  }, [globe, entry, guess]);
  useEffect(() => {
    if (globe && chosen === null) globe.whole();
    if (globe && game && chosen && !entry) globe.whole();
  }, [globe, chosen, entry === null]);
  useEffect(() => {
    if (!globe || !game || !chosen || entry) return;
    globe.ask(setGuess);
    return () => globe.ask(null);
  }, [globe, game, chosen, entry]);

  return (
    <>
      <div class="hero hero-small">
        <h1>{game ? "Where was it taken?" : "Photos with known places"}</h1>
        <p>
          {game
            ? "Place your pin first, then see the model's answer."
            : `The model's answers beside the true places. ${scores ? learnedWords(scores.learned_photos) : ""}`}
        </p>
      </div>
      {problem && (
        <p class="notice notice-error" role="alert">
          {problem}
        </p>
      )}
      {chosen && (
        <figure class="photo">
          <div class="photo-frame">
            <Photo id={chosen} alt="The photo to be located" />
          </div>
        </figure>
      )}
      <div class="row">
        <button class={chosen ? "button" : "button button-main"} onClick={random} disabled={!photos.length}>
          {chosen ? "Another photo" : "A random photo"}
        </button>
        {game && chosen && !entry && (
          <>
            <button class="button" onClick={() => globe && setGuess(globe.center())}>
              Pin in the middle of the map
            </button>
            <button class="button button-main" disabled={!guess} onClick={settle}>
              This is my guess
            </button>
          </>
        )}
      </div>
      {game && chosen && !entry && (
        <p class="quiet" role="status">
          {guess
            ? `Your pin: ${guess.latitude.toFixed(2)}, ${guess.longitude.toFixed(2)}. ${press()} elsewhere to move it.`
            : `${press()} on the globe to place your pin.`}
        </p>
      )}
      <div aria-live="polite">
        {entry && !game && <Compared entry={entry} />}
        {entry && game && guess && <Game rounds={rounds} entry={entry} guess={guess} />}
      </div>
      {!game && (
        <ul class="gallery" aria-label="Photos to choose from">
          {photos.map((id, number) => (
            <li key={id}>
              <button aria-pressed={id === chosen} onClick={() => choose(id)}>
                <Photo id={id} alt={`Photo ${number + 1}`} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {!game && scores && <Accuracy scores={scores} />}
    </>
  );
}

function Photo({ id, alt }: { id: string; alt: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    let gone = false;
    photoAddress(id).then(
      (found) => !gone && setAddress(found),
      () => setAddress(undefined),
    );
    return () => void (gone = true);
  }, [id]);
  return <img src={address} alt={alt} loading="lazy" decoding="async" />;
}

function showEntry(globe: Globe, { prediction, truth }: GalleryEntry, guess: Position | null): void {
  const marks: Mark[] = [{ ...truth, kind: "truth", label: "Taken here" }];
  if (guess) marks.push({ ...guess, kind: "guess", label: `You, ${distanceWords(distanceKm(guess, truth))} off` });
  let farthest = guess ? distanceKm(guess, truth) : 0;
  if (isLocated(prediction)) {
    const off = distanceKm(prediction, truth);
    const faint = prediction.confident_to === null;
    marks.push({
      ...prediction,
      kind: faint ? "candidate" : "answer",
      faint,
      text: "1",
      label: `Model, ${distanceWords(off)} off`,
    });
    farthest = Math.max(farthest, off);
  }
  const other = guess ?? (isLocated(prediction) ? prediction : null);
  globe.show({
    cells: prediction.map ?? null,
    marks,
    between: other && [truth, other],
    unsure: prediction.confident_to === null,
  });
  const [longitude, latitude] = other ? greatCircle(truth, other, 2)[1]! : [truth.longitude, truth.latitude];
  globe.fly({ latitude, longitude }, 0.7 * farthest);
}
