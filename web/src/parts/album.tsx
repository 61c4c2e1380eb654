/** Several photos: a strip to choose from. The answer for all photos together comes first. */
import { isLocated, type Answer } from "../locator";
import type { Photo } from "../photos";
import { headline } from "../words";
import { CloseIcon } from "./icons";

interface Props {
  photos: Photo[];
  answer: Answer | null;
  shown: number | "all";
  onShow(shown: number | "all"): void;
  onDrop(photo: Photo): void;
}

export function Album({ photos, answer, shown, onShow, onDrop }: Props) {
  const pooled = answer?.album;
  return (
    <section aria-label="Photos of this album">
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
            <small>{isLocated(pooled) ? "One answer, if all photos show the same place" : (pooled.error ?? "No answer")}</small>
            {(pooled.agreement_nats ?? 0) < 0 && <small>The photos seem to show different places.</small>}
          </span>
        </button>
      )}
      <ul class="album">
        {photos.map((photo, number) => {
          const prediction = answer?.predictions[number];
          const title = prediction ? headline(prediction).title : "";
          return (
            <li key={photo.key} class={shown === number ? "on" : ""}>
              <button class="tile" aria-pressed={shown === number} onClick={() => onShow(number)} disabled={!prediction}>
                {photo.url && <img src={photo.url} alt="" />}
                <span class="tile-name">{photo.file.name}</span>
                <span class="tile-answer">{title}</span>
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
