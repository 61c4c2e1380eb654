/** The colours of the map in light and dark. The ramps (parts of inferno) are also suitable for colour-blind people. */

export type Theme = "light" | "dark";

/** Densities per km² at the ends of the ramp: from an answer of the whole Earth to an answer of one street. */
export const DENSITY_DOMAIN = [1e-9, 1e-1] as const;

export interface MapColors {
  water: string;
  land: string;
  coast: string;
  border: string;
  river: string;
  label: string;
  /** The names of regions, which stand back. */
  quiet: string;
  /** The disc of a likely place. */
  mass: string;
  halo: string;
  outline: string;
  ramp: readonly string[];
}

export const MAP_COLORS: Record<Theme, MapColors> = {
  dark: {
    water: "#0f2138",
    land: "#2b3d58",
    coast: "#7890b5",
    border: "#56698a",
    river: "#46648f",
    label: "#d3deee",
    quiet: "#9fb0cb",
    mass: "#ff6f91",
    halo: "#152238",
    outline: "#ffffff",
    ramp: ["#2f2a55", "#56266f", "#82276c", "#ad335b", "#d54a41", "#f07024", "#fba418", "#f6dd55"],
  },
  light: {
    water: "#c9dcea",
    land: "#f8f6ef",
    coast: "#7f99ac",
    border: "#b4b2a5",
    river: "#8fb6d2",
    label: "#46525e",
    quiet: "#7d838a",
    mass: "#9a1750",
    halo: "#f8f6ef",
    outline: "#20102e",
    ramp: ["#fbf3cf", "#fbdf93", "#fcb45b", "#f58544", "#de5a4c", "#b63a5d", "#852868", "#4c1260"],
  },
};

const LOG_DENSITY = ["log10", ["max", ["get", "density_per_km2"], 1e-30]];

/** A MapLibre expression for cells outside of the 90 % region: lower density is fainter. */
export function faintExpression(): unknown[] {
  return ["interpolate", ["linear"], LOG_DENSITY, -9, 0.06, -6, 0.2, -3, 0.5];
}

/** A MapLibre expression that maps density, on a log scale, to the colours of the ramp. */
export function rampExpression(ramp: readonly string[]): unknown[] {
  const [low, high] = DENSITY_DOMAIN.map(Math.log10) as [number, number];
  const stops = ramp.flatMap((color, step) => [low + ((high - low) * step) / (ramp.length - 1), color]);
  return ["interpolate", ["linear"], LOG_DENSITY, ...stops];
}
