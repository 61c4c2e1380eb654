/**
 * The globe: it draws predictions and positions. Only this module uses MapLibre.
 *
 * Attributes of the element say what is drawn: `data-map` is "ready" when the land is drawn, `data-shows` is "cells"
 * with an answer, `data-cells` is the number of cells of the 90 % region on the screen, `data-names` has the names there.
 */
import {
  AttributionControl,
  GeoJSONSource,
  Map as MapLibreMap,
  Marker,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
  type IControl,
} from "maplibre-gl";
import type { GeoJSON } from "geojson";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { Cells, Position } from "../locator";
import { EARTH_KM } from "../shared";
import { distanceKm, greatCircle } from "../sphere";
import { loadBaseMap } from "./basemap";
import { MAP_COLORS, type Theme } from "./colors";
import { blocksIn, DETAIL_ZOOM, detailOf, type Bounds } from "./detail";
import { loadPackedMap, type PackedMap } from "./packed";
import { BASE, DOT, mapStyle, NAME_LAYERS, type Source } from "./style";

/** Load the worker as a blob:, because the Content-Security-Policy of the server allows no other worker. */
export async function prepareWorker(): Promise<void> {
  const code = await fetch(workerUrl).then((response) => response.text());
  setWorkerUrl(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
}

/** The smallest width of a view in km. A narrower view shows nothing, because the bundled map has no streets. */
const LEAST_VIEW_KM = 40;
/** The camera takes so long to an answer: the map stands 1.5 s after the answer has come. */
const FLIGHT_MS = 1100;
/** The packed map is drawn a little beyond the edges of the window. */
const MARGIN = 1.2;
/** The globe turns to a place only after the pointer has rested on it for this time. */
const REVEAL_MS = 250;
/** Positions farther from the middle of the view than this, in km, are on the hidden side of the globe. */
const HORIZON_KM = 7000;
/** The globe stops turning after this time, to save power. */
const TURNING_MS = 90_000;
/** Longitude and latitude at the start; most photos are taken in the north. */
const START: [number, number] = [12, 28];
const TILE_PIXELS = 512;
const EMPTY: Cells = { type: "FeatureCollection", features: [] };

export type MarkKind = "answer" | "candidate" | "recorded" | "truth" | "guess";

/** A mark on the globe; a `faint` mark does not look precise. */
export interface Mark extends Position {
  kind: MarkKind;
  label: string;
  text?: string;
  faint?: boolean;
  /** The probability of the place. A disc shows it, so that a place with much of it is seen in every view. */
  mass?: number;
}

export interface View {
  cells: Cells | null;
  marks: Mark[];
  /** An answer that is not sure has soft outlines. */
  unsure?: boolean;
  /** Positions between which a line is drawn. */
  between?: [Position, Position] | null;
}

/** A button that steps back to the whole globe. */
class WholeControl implements IControl {
  private readonly element = document.createElement("div");

  constructor(private readonly pressed: () => void) {}

  onAdd(): HTMLElement {
    this.element.className = "maplibregl-ctrl maplibregl-ctrl-group";
    const button = this.element.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "whole-globe";
    button.title = "See the whole globe";
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", this.pressed);
    return this.element;
  }

  onRemove(): void {
    this.element.remove();
  }
}

/** The dot of a town, as an image that takes the colour of its layer. */
function dot(): ImageData {
  const size = 16;
  const image = new ImageData(size, size);
  for (let at = 0; at < size * size; at++) {
    const away = Math.hypot((at % size) - size / 2 + 0.5, Math.floor(at / size) - size / 2 + 0.5);
    // the distance to the edge, as MapLibre expects it: 191 on the edge of the dot
    image.data[4 * at + 3] = Math.max(0, Math.min(255, 191 - 24 * (away - 4)));
  }
  return image;
}

export class Globe {
  private readonly map: MapLibreMap;
  /** Resolves when the style is loaded, so that sources can be filled. */
  private readonly loaded: Promise<void>;
  private markers: Marker[] = [];
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private turning = 0;
  private packed: Promise<PackedMap> | null = null;
  /** What is drawn of the packed map: its blocks and the step of zoom. */
  private detailed = "";
  private soft = false;
  private waiting = 0;
  private pick: ((at: Position) => void) | null = null;

  /** Throws where the browser has no WebGL. */
  constructor(
    private readonly element: HTMLElement,
    private drawn: Theme,
    private readonly tiles: string | null,
  ) {
    this.map = new MapLibreMap({
      container: element,
      style: mapStyle(drawn, tiles),
      center: START,
      zoom: this.wholeZoom(START[1]),
      maxPitch: 0,
      attributionControl: false,
      cancelPendingTileRequestsWhileZooming: false,
      dragRotate: false,
      fadeDuration: this.still.matches ? 0 : 300,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new WholeControl(() => this.whole()), "top-right");
    this.map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-right");
    const credit = tiles ? `Natural Earth | tiles: ${new URL(tiles, location.href).host}` : "Natural Earth, GSHHG, GeoNames";
    this.map.addControl(new AttributionControl({ compact: false, customAttribution: credit }), "bottom-right");
    this.map.getCanvas().setAttribute("aria-label", "Globe. Arrow keys turn it, plus and minus zoom.");
    if (tiles) element.classList.add("globe-tiled");
    this.loaded = new Promise((done) => this.map.once("load", () => done()));
    this.loaded.then(() => this.start()).catch((error: unknown) => console.warn("no base map:", error));
    this.map.on("click", (event) => this.pick?.({ latitude: event.lngLat.lat, longitude: event.lngLat.wrap().lng }));
    this.map.on("moveend", () => void this.detail(this.center(), this.map.getZoom()));
    this.map.on("idle", () => {
      const inView = (...layers: string[]) => this.map.queryRenderedFeatures({ layers });
      element.dataset.cells = String(inView("cells-90").length);
      const names = inView(...NAME_LAYERS.filter((layer) => this.map.getLayer(layer)));
      element.dataset.names = [...new Set(names.map(({ properties }) => properties.name as string))].join(", ");
    });
    for (const event of ["mousedown", "touchstart", "wheel", "keydown"] as const)
      element.addEventListener(event, () => this.stop(), { passive: true });
  }

  private async start(): Promise<void> {
    this.map.addImage(DOT, dot(), { sdf: true });
    const base = await loadBaseMap();
    for (const name of BASE) this.set(name, base[name]);
    this.set("labels", base.labels);
    // a globe that turns is never idle
    const drawn = (): void => {
      if (!this.map.isSourceLoaded("land")) return;
      this.map.off("render", drawn);
      this.element.dataset.map = "ready";
    };
    this.map.on("render", drawn);
  }

  /** Load the packed map. Call this when an answer is expected, so that its map is there in time. */
  prepare(): Promise<PackedMap> | null {
    if (this.tiles) return null;
    this.packed ??= loadPackedMap().catch((error: unknown) => {
      this.packed = null;
      throw error;
    });
    return this.packed;
  }

  /** Draw the packed map around a position, as a view at this zoom needs it. */
  private async detail(middle: Position, zoom: number): Promise<void> {
    if (zoom < DETAIL_ZOOM) return;
    const packed = await this.prepare()?.catch((error: unknown) => console.warn("no detailed map:", error));
    if (!packed) return;
    await this.loaded;
    const blocks = blocksIn(this.boundsAt(middle, zoom), packed.degrees);
    const asked = `${Math.floor(2 * zoom)} ${blocks.join(" ")}`;
    if (!blocks.length || asked === this.detailed) return;
    const isFirst = !this.detailed;
    this.detailed = asked;
    const { ground, lines, names } = detailOf(packed, blocks, Math.floor(2 * zoom) / 2);
    this.set("ground", ground);
    this.set("lines", lines);
    this.set("names", names);
    if (isFirst)
      this.map.once("idle", () => {
        for (const name of ["coasts", "borders"]) this.map.setLayerZoomRange(name, 0, DETAIL_ZOOM);
      });
  }

  /** The bounds of the window when this position is in its middle, with a margin. */
  private boundsAt({ latitude, longitude }: Position, zoom: number): Bounds {
    const { width, height } = this.element.getBoundingClientRect();
    const degrees = (MARGIN * 180) / (TILE_PIXELS * 2 ** zoom);
    const up = height * degrees * Math.cos((latitude * Math.PI) / 180);
    return {
      west: longitude - width * degrees,
      south: latitude - up,
      east: longitude + width * degrees,
      north: latitude + up,
    };
  }

  private set(source: Source, data: GeoJSON): void {
    (this.map.getSource(source) as GeoJSONSource | undefined)?.setData(data);
  }

  theme(theme: Theme): void {
    this.drawn = theme;
    for (const layer of mapStyle(theme, this.tiles).layers)
      for (const [name, value] of Object.entries(layer.paint ?? {}))
        if (this.map.getLayer(layer.id)) this.map.setPaintProperty(layer.id, name as never, value as never);
    this.outline(this.soft);
  }

  /** Turn slowly while no answer is shown, unless the visitor prefers reduced motion. */
  turn(): void {
    if (this.still.matches || this.turning) return;
    const began = performance.now();
    let before = began;
    const step = (now: number): void => {
      if (now - began > TURNING_MS) return this.stop();
      const center = this.map.getCenter();
      this.map.setCenter([center.lng - ((now - before) / 1000) * 2.5, center.lat]);
      before = now;
      this.turning = requestAnimationFrame(step);
    };
    this.turning = requestAnimationFrame(step);
  }

  stop(): void {
    cancelAnimationFrame(this.turning);
    this.turning = 0;
  }

  /** Draw a view, in place of the view before. */
  show(view: View): void {
    const draw = (): void => {
      this.set("cells", view.cells ?? EMPTY);
      this.element.dataset.shows = view.cells ? "cells" : "";
      const line = view.between ? greatCircle(...view.between) : [];
      this.outline(view.unsure ?? false);
      this.set("line", { type: "LineString", coordinates: line });
      this.set("masses", {
        type: "FeatureCollection",
        features: view.marks
          .filter(({ mass }) => mass !== undefined)
          .map(({ latitude, longitude, mass }) => ({
            type: "Feature",
            geometry: { type: "Point", coordinates: [longitude, latitude] },
            properties: { mass },
          })),
      });
    };
    void this.loaded.then(draw);
    this.markers.forEach((marker) => marker.remove());
    this.markers = view.marks.map((mark) => this.mark(mark));
  }

  private mark(mark: Mark): Marker {
    const element = document.createElement("div");
    element.className = `mark mark-${mark.kind}${mark.faint ? " mark-faint" : ""}`;
    element.title = mark.label;
    // the list beside the map has the same information in words
    element.setAttribute("aria-hidden", "true");
    const sign = element.appendChild(document.createElement("span"));
    sign.className = "mark-sign";
    sign.textContent = mark.text ?? "";
    if (mark.mass !== undefined) element.style.setProperty("--mass", mark.mass.toFixed(3));
    const label = element.appendChild(document.createElement("span"));
    label.className = "mark-label";
    label.textContent = mark.label;
    const anchor = mark.kind === "candidate" || mark.kind === "recorded" ? "center" : "bottom";
    return new Marker({ element, anchor, opacityWhenCovered: "0" })
      .setLngLat([mark.longitude, mark.latitude])
      .addTo(this.map);
  }

  private outline(soft: boolean): void {
    const colors = MAP_COLORS[this.drawn];
    for (const [layer, width] of [
      ["outline-90", 3],
      ["outline-50", 5],
    ] as const) {
      if (!this.map.getLayer(layer)) continue;
      this.map.setPaintProperty(layer, "line-color", soft ? colors.border : colors.outline);
      this.map.setPaintProperty(layer, "line-width", soft ? 2.4 : width);
    }
    this.soft = soft;
  }

  /** Highlight a mark, by its number in the view, or none; turn to it if it is hidden. */
  highlight(number: number | null): void {
    clearTimeout(this.waiting);
    this.markers.forEach((marker, at) => marker.getElement().classList.toggle("mark-on", at === number));
    const marker = number === null ? undefined : this.markers[number];
    if (marker) this.waiting = window.setTimeout(() => this.reveal(marker.getLngLat()), REVEAL_MS);
  }

  private reveal({ lng, lat }: { lng: number; lat: number }): void {
    const { width, height } = this.element.getBoundingClientRect();
    const { x, y } = this.map.project([lng, lat]);
    const to = { latitude: lat, longitude: lng };
    const offKm = distanceKm(this.center(), to);
    if (offKm < HORIZON_KM && x > 60 && x < width - 60 && y > 60 && y < height - 60) return;
    this.fly(to, 0.8 * offKm);
  }

  /** Turn and zoom to a position, so that a circle of `radiusKm` around it and the coasts near it are visible. */
  fly(to: Position, radiusKm: number): void {
    this.stop();
    const { width, height } = this.element.getBoundingClientRect();
    const side = Math.max(160, Math.min(width, height));
    const latitude = Math.min(Math.abs(to.latitude), 80);
    const parallelKm = 2 * Math.PI * EARTH_KM * Math.cos((latitude * Math.PI) / 180);
    const zoom = Math.log2((parallelKm * side) / (TILE_PIXELS * 2.6 * Math.max(radiusKm, LEAST_VIEW_KM)));
    const target = Math.min(14, Math.max(zoom, this.wholeZoom(latitude)));
    void this.detail(to, target);
    this.map.flyTo({ center: [to.longitude, to.latitude], zoom: target, duration: FLIGHT_MS, curve: 1.3 });
  }

  /** The zoom at which the whole globe fits its window. */
  private wholeZoom(latitude: number): number {
    const { width, height } = this.element.getBoundingClientRect();
    // the camera is near, so the visible part of the globe is narrower than its diameter
    const diameter = 1.06 * Math.max(160, Math.min(width, height));
    return Math.log2((diameter * Math.PI * Math.cos((latitude * Math.PI) / 180)) / TILE_PIXELS);
  }

  /** Zoom out to the whole globe. */
  whole(): void {
    this.stop();
    const { lat, lng } = this.map.getCenter();
    const latitude = Math.max(-40, Math.min(40, lat));
    this.map.easeTo({ center: [lng, latitude], zoom: this.wholeZoom(latitude), duration: 1200 });
  }

  /** Call a function with the position of each click on the globe; null stops this. */
  ask(pick: ((at: Position) => void) | null): void {
    this.pick = pick;
    this.map.getCanvas().style.cursor = pick ? "crosshair" : "";
  }

  /** Return the middle of the view, for visitors who place a pin with the keyboard. */
  center(): Position {
    const { lat, lng } = this.map.getCenter().wrap();
    return { latitude: lat, longitude: lng };
  }

  remove(): void {
    this.stop();
    this.map.remove();
  }
}
