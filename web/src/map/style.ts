/** The style of the map for a theme: water, land, cells of the posterior, borders, names. The globe fills the sources. */
import type {
  ExpressionSpecification,
  LayerSpecification,
  StyleSpecification,
  SymbolLayerSpecification,
} from "maplibre-gl";
import { DETAIL_ZOOM } from "./detail";
import { faintExpression, MAP_COLORS, rampExpression, type Theme } from "./colors";

const FONT = ["Inter Variable"];
const nothing = { type: "geojson" as const, data: { type: "FeatureCollection" as const, features: [] } };

/** The parts of the coarse base map. */
export const BASE = ["land", "coasts", "borders"] as const;
/** The parts of the packed map that are in view. */
const DETAIL = ["ground", "lines", "names"] as const;
export type Source = (typeof BASE)[number] | (typeof DETAIL)[number] | "labels" | "cells" | "line" | "masses";
const SOURCES: Source[] = [...BASE, ...DETAIL, "labels", "cells", "line", "masses"];
export const NAME_LAYERS = ["labels", "region-names", "town-names"];
/** The image of a town's dot. */
export const DOT = "dot";

/**
 * Tiles of the base map are cut up to this zoom and then enlarged, so that a camera that flies in finds them drawn. Land
 * is one tile (its points are on a grid of 5 km), so that it is there on the far side of the globe too.
 */
const MOST_TILE_ZOOM: Partial<Record<Source, number>> = { land: 0, coasts: 5, borders: 5, ground: 7, lines: 7 };
/** The zoom from which the owner's tiles are drawn. */
const TILES_ZOOM = 3;

export function mapStyle(theme: Theme, tiles: string | null): StyleSpecification {
  return {
    version: 8,
    projection: { type: "globe" },
    sources: {
      ...Object.fromEntries(SOURCES.map((name) => [name, { ...nothing, tolerance: 0.3, maxzoom: MOST_TILE_ZOOM[name] ?? 18 }])),
      ...(tiles ? { tiles: { type: "raster" as const, tiles: [tiles], tileSize: 256, maxzoom: 19 } } : {}),
    },
    layers: tiles ? underTiles(layers(theme, 0.65)) : layers(theme, 1),
  };
}

/** End the bundled layers at the zoom where the owner's tiles begin, which have land, borders and names too. */
function underTiles(all: LayerSpecification[]): LayerSpecification[] {
  const bundled: string[] = [...BASE, "labels"];
  const kept = all
    .filter((layer) => !("source" in layer && (DETAIL as readonly string[]).includes(layer.source)))
    .map((layer) => (bundled.includes(layer.id) ? { ...layer, maxzoom: TILES_ZOOM } : layer));
  const at = kept.findIndex(({ id }) => id.startsWith("cells"));
  return [
    ...kept.slice(0, at),
    { id: "tiles", type: "raster", source: "tiles", minzoom: TILES_ZOOM },
    ...kept.slice(at),
  ];
}

/** Return all layers; `opacity` is that of the cells in the 90 % region. */
function layers(theme: Theme, opacity: number): LayerSpecification[] {
  const colors = MAP_COLORS[theme];
  const inside = (level: number): ExpressionSpecification => ["<=", ["get", "region"], level];
  const color = rampExpression(colors.ramp) as ExpressionSpecification;
  const width = (low: number, high: number): ExpressionSpecification => [
    "interpolate",
    ["linear"],
    ["zoom"],
    1,
    low,
    8,
    high,
  ];
  // An outline of the union of cells: each cell has a thick line, and the fill of the cells covers it, so that only the
  // outer half of the outermost lines is visible.
  const outline = (id: string, level: number, thick: number): LayerSpecification => ({
    id,
    type: "line",
    source: "cells",
    filter: inside(level),
    layout: { "line-join": "round" },
    paint: { "line-color": colors.outline, "line-width": thick },
  });
  const fill = (id: string, level: number, opacity: number | ExpressionSpecification): LayerSpecification => ({
    id,
    type: "fill",
    source: "cells",
    filter: inside(level),
    paint: { "fill-color": color, "fill-opacity": opacity, "fill-antialias": opacity === 1 },
  });
  const detailFill = (kind: string, color: string): LayerSpecification => ({
    id: `${kind}-detail`,
    type: "fill",
    source: "ground",
    minzoom: DETAIL_ZOOM,
    filter: ["==", ["get", "kind"], kind],
    paint: { "fill-color": color, "fill-antialias": false },
  });
  const detailLine = (
    kind: string,
    color: string,
    wide: ExpressionSpecification,
    dashes?: number[],
  ): LayerSpecification => ({
    id: `${kind}-detail`,
    type: "line",
    source: "lines",
    minzoom: DETAIL_ZOOM,
    filter: ["==", ["get", "kind"], kind],
    layout: { "line-join": "round" },
    paint: { "line-color": color, "line-width": wide, ...(dashes ? { "line-dasharray": dashes } : {}) },
  });
  const names = (kind: string, color: string, layout: SymbolLayerSpecification["layout"]): LayerSpecification => ({
    id: `${kind}-names`,
    type: "symbol",
    source: "names",
    minzoom: DETAIL_ZOOM,
    filter: ["==", ["get", "kind"], kind],
    layout: {
      "text-field": ["get", "name"],
      "text-font": FONT,
      "text-padding": 3,
      "symbol-sort-key": ["-", ["get", "rank"]],
      ...layout,
    },
    paint: {
      "text-color": color,
      "text-halo-color": colors.halo,
      "text-halo-width": 1.2,
      "icon-color": color,
    },
  });
  return [
    { id: "water", type: "background", paint: { "background-color": colors.water } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": colors.land, "fill-antialias": false } },
    detailFill("sea", colors.water),
    detailFill("land", colors.land),
    fill("cells-all", 1, faintExpression() as ExpressionSpecification),
    outline("outline-90", 0.9, 3),
    fill("cells-90", 0.9, opacity),
    outline("outline-50", 0.5, 5),
    fill("cells-50", 0.5, opacity),
    detailLine("river", colors.river, width(0.4, 1.6)),
    {
      id: "coasts",
      type: "line",
      source: "coasts",
      paint: { "line-color": colors.coast, "line-width": width(0.6, 1.4) },
    },
    {
      id: "borders",
      type: "line",
      source: "borders",
      paint: { "line-color": colors.border, "line-width": width(0.5, 1.2), "line-dasharray": [4, 2] },
    },
    detailLine("coast", colors.coast, width(0.6, 1.2)),
    detailLine("region", colors.border, width(0.3, 0.8), [2, 2]),
    detailLine("border", colors.border, width(0.8, 2), [4, 2]),
    {
      id: "line",
      type: "line",
      source: "line",
      layout: { "line-cap": "round" },
      paint: { "line-color": colors.outline, "line-width": 2, "line-dasharray": [0.5, 2] },
    },
    {
      id: "masses",
      type: "circle",
      source: "masses",
      paint: {
        "circle-radius": ["+", 5, ["*", 27, ["sqrt", ["get", "mass"]]]],
        "circle-color": colors.mass,
        "circle-opacity": 0.3,
        "circle-stroke-color": colors.mass,
        "circle-stroke-width": 1.5,
      },
    },
    names("region", colors.quiet, {
      "text-size": ["interpolate", ["linear"], ["zoom"], 5, 9.5, 9, 12],
      "text-transform": "uppercase",
      "text-letter-spacing": 0.12,
      "text-max-width": 7,
    }),
    names("town", colors.label, {
      "icon-image": DOT,
      "icon-size": ["interpolate", ["linear"], ["get", "rank"], 40, 0.3, 92, 0.6],
      "text-size": ["interpolate", ["linear"], ["get", "rank"], 40, 10.5, 92, 14.5],
      "text-variable-anchor": ["left", "right", "bottom", "top"],
      "text-radial-offset": 0.5,
      "text-justify": "auto",
    }),
    {
      id: "labels",
      type: "symbol",
      source: "labels",
      // at a low zoom, only large countries (in steradians) have their names on the globe
      filter: ["<", ["get", "rank"], ["step", ["zoom"], -0.004, 2.6, -0.001, 3.6, -0.0002, 4.4, 0]],
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 1, 10, 6, 15],
        "text-max-width": 7,
        "text-padding": 6,
        "symbol-sort-key": ["get", "rank"],
      },
      paint: {
        "text-color": colors.label,
        "text-halo-color": colors.halo,
        "text-halo-width": 1.2,
        "text-opacity": 0.9,
      },
    },
  ];
}
