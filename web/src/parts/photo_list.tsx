/** Several photos: a strip to choose from. The answer for all photos together comes first. A failed photo has its reason. */
import { isLocated, type Answer } from "../locator";
import type { Photo } from "../photos";
import { NO_ANSWER } from "../shared";
import { failedWords, headline, reasonWords } from "../words";
import { CloseIcon } from "./icons";

interface Props {
  photos: Photo[];
  answer: Answer | null;
  shown: number | "all";
  onShow(shown: number | "all"): void;
  onDrop(photo: Photo): void;
}

/** Hide a picture that this browser cannot show; its place stays. */
function unseen(event: Event): void {
  (event.currentTarget as HTMLImageElement).style.visibility = "hidden";
}

export function PhotoList({ photos, answer, shown, onShow, onDrop }: Props) {
  const pooled = answer?.album;
  const failed = answer?.predictions.filter((one) => one && !isLocated(one)).length ?? 0;
  return (
    <section class="photos" aria-label="Your photos">
      {pooled && (
        <button
          class={shown === "all" ? "together together-on" : "together"}
          aria-pressed={shown === "all"}
          onClick={() => onShow("all")}
        >
          <span class="together-count" aria-hidden="true">
            {photos.length}
          </span>
          <span>
            <strong>All together</strong>
            <small>{isLocated(pooled) ? "One answer, if all photos show the same place" : (pooled.error ?? NO_ANSWER)}</small>
            {(pooled.agreement_nats ?? 0) < 0 && <small>The photos seem to show different places.</small>}
          </span>
        </button>
      )}
      {failed > 0 && <p class="quiet">{failedWords(failed, photos.length)}</p>}
      <ul class="photo-list">
        {photos.map((photo, number) => {
          const prediction = answer?.predictions[number];
          const failed = prediction !== undefined && !isLocated(prediction);
          const title = !prediction ? "" : failed ? reasonWords(prediction, photo.file.name) : headline(prediction).title;
          return (
            <li key={photo.key} class={shown === number ? "on" : ""}>
              <button class="tile" aria-pressed={shown === number} onClick={() => onShow(number)} disabled={!prediction}>
                {photo.url && <img src={photo.url} alt="" onError={unseen} />}
                <span class="tile-name">{photo.file.name}</span>
                <span class={failed ? "tile-answer tile-failed" : "tile-answer"} title={title}>
                  {title}
                </span>
              </button>
              <button class="tile-drop" aria-label={`Remove ${photo.file.name}`} onClick={() => onDrop(photo)}>
                <CloseIcon />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
