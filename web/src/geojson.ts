/** Turns a prediction into GeoJSON (RFC 7946) for other programs: the point, the likely places, the cells. */
import type { Feature, FeatureCollection } from "geojson";
import type { Located, Position } from "./locator";

export function toGeoJSON(prediction: Located): FeatureCollection {
  const { map, candidates, ...facts } = prediction;
  const likely = candidates.map((candidate, number) =>
    point(candidate, { kind: "candidate", rank: number + 1, probability: candidate.probability, ...candidate.place }),
  );
  const cells = (map?.features ?? []).map(
    (cell): Feature => ({ ...cell, properties: { kind: "cell", ...cell.properties } }),
  );
  return {
    type: "FeatureCollection",
    features: [point(prediction, { kind: "answer", ...facts }), ...likely, ...cells],
  };
}

function point(at: Position, properties: object): Feature {
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [at.longitude, at.latitude] },
    properties: { ...properties },
  };
}
