/** The style of the map for a theme: water, land, cells of the posterior, borders, names. The globe fills the sources. */
import type {
  ExpressionSpecification,
  FillLayerSpecification,
  LayerSpecification,
  LineLayerSpecification,
  StyleSpecification,
} from "maplibre-gl";
import { faintExpression, MAP_COLORS, rampExpression, type Theme } from "./colors";

const FONT = ["Inter Variable"];
const nothing = { type: "geojson" as const, data: { type: "FeatureCollection" as const, features: [] } };

/** The parts of the base map. Each has a coarse version for the whole globe and a fine version for close views. */
export const BASE = ["land", "coasts", "borders"] as const;
export type Base = (typeof BASE)[number];
export type Source = Base | `${Base}-fine` | "labels" | "cells" | "line";
const SOURCES: Source[] = [...BASE, "land-fine", "coasts-fine", "borders-fine", "labels", "cells", "line"];

/** The zoom from which the fine coasts (3.6 MB) are loaded. */
export const FINE_ZOOM = 4.5;
const TILES_ZOOM = 3;

export function mapStyle(theme: Theme, tiles: string | null): StyleSpecification {
  return {
    version: 8,
    projection: { type: "globe" },
    sources: {
      ...Object.fromEntries(SOURCES.map((name) => [name, { ...nothing, tolerance: 0.3 }])),
      ...(tiles ? { tiles: { type: "raster" as const, tiles: [tiles], tileSize: 256, maxzoom: 19 } } : {}),
    },
    layers: tiles ? underTiles(layers(theme, 0.65)) : layers(theme, 1),
  };
}

/** Return a layer for both versions. The globe ends the coarse layer at the zoom where the fine one is loaded. */
function twice(layer: (FillLayerSpecification | LineLayerSpecification) & { id: Base }): LayerSpecification[] {
  return [layer, { ...layer, id: `${layer.id}-fine`, source: `${layer.id}-fine`, minzoom: FINE_ZOOM }];
}

/** End the bundled layers at the zoom where the owner's tiles begin, which have land, borders and names too. */
function underTiles(all: LayerSpecification[]): LayerSpecification[] {
  const bundled: string[] = [...BASE, "labels"];
  const kept = all
    .filter(({ id }) => !id.endsWith("-fine"))
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
  return [
    { id: "water", type: "background", paint: { "background-color": colors.water } },
    ...twice({
      id: "land",
      type: "fill",
      source: "land",
      paint: { "fill-color": colors.land, "fill-antialias": false },
    }),
    fill("cells-all", 1, faintExpression() as ExpressionSpecification),
    outline("outline-90", 0.9, 3),
    fill("cells-90", 0.9, opacity),
    outline("outline-50", 0.5, 5),
    fill("cells-50", 0.5, opacity),
    ...twice({
      id: "coasts",
      type: "line",
      source: "coasts",
      paint: { "line-color": colors.coast, "line-width": width(0.6, 1.4) },
    }),
    ...twice({
      id: "borders",
      type: "line",
      source: "borders",
      paint: { "line-color": colors.border, "line-width": width(0.5, 1.2), "line-dasharray": [4, 2] },
    }),
    {
      id: "line",
      type: "line",
      source: "line",
      layout: { "line-cap": "round" },
      paint: { "line-color": colors.outline, "line-width": 2, "line-dasharray": [0.5, 2] },
    },
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
