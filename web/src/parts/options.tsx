/** The options of a request. They all have good defaults, so they are folded. */
import type { LocateOptions } from "../locator";
import { DECIDE_WITHIN_KM, DISTANCES, THEN_WITHIN_KM } from "../shared";

export interface Choices extends Pick<LocateOptions, "within_km" | "text" | "use_exif" | "region"> {
  /** Show the position that the camera recorded. The page reads it here and does not send it. */
  show_recorded: boolean;
}

export const DEFAULTS: Choices = { text: true, use_exif: false, show_recorded: true };

interface Props {
  choices: Choices;
  onChange(choices: Choices): void;
  /** Are options for text, metadata and a region available? */
  whole: boolean;
  /** Do the choices differ from those of the answer that is shown? */
  changed: boolean;
  onAgain: (() => void) | null;
}

export function Options({ choices, onChange, whole, changed, onAgain }: Props) {
  const box = (name: "text" | "use_exif" | "show_recorded", label: string) => (
    <label class="check">
      <input
        type="checkbox"
        checked={choices[name] ?? false}
        onChange={(event) => onChange({ ...choices, [name]: event.currentTarget.checked })}
      />
      <span>{label}</span>
    </label>
  );
  return (
    <details class="options">
      <summary>Options</summary>
      {whole && box("text", "Read text in the picture")}
      {box("show_recorded", "Show the position that the camera recorded (only this page reads it)")}
      {whole && box("use_exif", "Use the recorded position and time as evidence")}
      <label class="field">
        <span>Choose the place that is most likely right within</span>
        <select
          value={String(choices.within_km ?? "")}
          onChange={(event) => {
            const km = Number(event.currentTarget.value);
            const { within_km: _, ...rest } = choices;
            onChange(km ? { ...rest, within_km: km } : rest);
          }}
        >
          <option value="">
            {DECIDE_WITHIN_KM} km, then {THEN_WITHIN_KM} km (the default)
          </option>
          {DISTANCES.map((km) => (
            <option key={km} value={km}>
              {Number(km).toLocaleString("en")} km
            </option>
          ))}
        </select>
      </label>
      {whole && (
        <label class="field">
          <span>Answer only within</span>
          <input
            type="text"
            placeholder="a country or region, such as Spain"
            value={choices.region ?? ""}
            autocomplete="off"
            onChange={(event) => onChange({ ...choices, region: event.currentTarget.value.trim() })}
          />
        </label>
      )}
      {changed && <p class="quiet">The answer above does not use these options yet.</p>}
      {onAgain && (
        <button class={changed ? "button button-main" : "button"} onClick={onAgain}>
          Ask again
        </button>
      )}
    </details>
  );
}
