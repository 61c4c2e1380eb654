/** Takes photos: dropped anywhere, pasted, chosen, or taken with the camera. */
import { useEffect, useRef, useState } from "preact/hooks";
import { PICTURE_SUFFIXES } from "../shared";
import { CameraIcon, PictureIcon } from "./icons";

const ACCEPT = ["image/*", ...PICTURE_SUFFIXES].join(",");

interface Props {
  onFiles(files: File[]): void;
  /** Whether the picker is small, because there are photos already. */
  small: boolean;
}

export function Picker({ onFiles, small }: Props) {
  const chooser = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const over = useDropAndPaste(onFiles);
  const isTouch = matchMedia("(pointer: coarse)").matches;

  const take = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    onFiles([...(input.files ?? [])]);
    input.value = ""; // so that the same photo can be chosen again
  };
  const input = (name: string, ref: typeof chooser, extra: object) => (
    <input
      ref={ref}
      type="file"
      accept={ACCEPT}
      onChange={take}
      hidden
      data-input={name}
      aria-label={name}
      {...extra}
    />
  );
  return (
    <div class={small ? "picker picker-small" : "picker"}>
      {!small && !isTouch && (
        <p class="picker-hint">
          <PictureIcon />
          <span>Drop photos here, or paste them</span>
        </p>
      )}
      <div class="row">
        <button class={small ? "button" : "button button-main"} onClick={() => chooser.current?.click()}>
          {small ? "Add photos" : "Choose photos"}
        </button>
        <button class="button" onClick={() => camera.current?.click()}>
          <CameraIcon />
          Take a photo
        </button>
      </div>
      {input("Choose photos", chooser, { multiple: true })}
      {input("Take a photo", camera, { capture: "environment" })}
      {over && (
        <div class="drop-here">
          <span>Drop to find out where</span>
        </div>
      )}
    </div>
  );
}

/** Take files that are dropped or pasted anywhere on the page; return true while files are dragged over it. */
function useDropAndPaste(onFiles: (files: File[]) => void): boolean {
  const [depth, setDepth] = useState(0);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const listeners: [keyof WindowEventMap, (event: never) => void][] = [
      ["dragenter", (event: DragEvent) => holdsFiles(event) && setDepth((was) => was + 1)],
      ["dragleave", (event: DragEvent) => holdsFiles(event) && setDepth((was) => Math.max(0, was - 1))],
      ["dragover", (event: DragEvent) => holdsFiles(event) && event.preventDefault()],
      [
        "drop",
        (event: DragEvent) => {
          if (!holdsFiles(event)) return;
          event.preventDefault();
          setDepth(0);
          latest.current([...(event.dataTransfer?.files ?? [])]);
        },
      ],
      [
        "paste",
        (event: ClipboardEvent) => {
          const files = [...(event.clipboardData?.files ?? [])];
          if (files.length) latest.current(files);
        },
      ],
    ];
    listeners.forEach(([name, listener]) => window.addEventListener(name, listener as EventListener));
    return () => listeners.forEach(([name, listener]) => window.removeEventListener(name, listener as EventListener));
  }, []);
  return depth > 0;
}
