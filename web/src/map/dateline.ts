/** Cuts polygons and lines on the sphere at the date line, for a plane map. */
import { geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import type { Feature, MultiPolygon, Polygon, Position } from "geojson";

export type Area = Polygon | MultiPolygon;

const plane = geoEquirectangular()
  .scale(180 / Math.PI)
  .translate([0, 0])
  .reflectY(true)
  .precision(0);

export function cutAtDateLine<P>(area: Feature<Area, P>): Feature<Area, P> {
  const crosses = polygonsOf(area).some(({ geometry }) => geometry.coordinates.some((ring) => jumps(ring).length > 0));
  return crosses ? { ...area, geometry: geoProject(area.geometry, plane) as Area } : area;
}

/** Return the polygons of an area one by one. All of Canada or Russia is too much for MapLibre in one piece. */
export function polygonsOf<P>({ geometry, ...rest }: Feature<Area, P>): Feature<Polygon, P>[] {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return parts.map((coordinates) => ({ ...rest, geometry: { type: "Polygon", coordinates } }));
}

/** Return the indices at which a line jumps from one side of the map to the other. */
export function jumps(line: Position[]): number[] {
  return line.flatMap((point, at) => (at > 0 && Math.abs(point[0]! - line[at - 1]![0]!) > 180 ? [at] : []));
}
