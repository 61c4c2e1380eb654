/**
 * Natural Earth (npm's world-atlas, bundled) -> land, coasts, borders and country names to draw.
 *
 * The countries at 1:50 million come first, those at 1:10 million when somebody looks closer. Polygons that cross the
 * date line are cut there, else Russia, Fiji and Antarctica would smear round the globe.
 */
import { geoArea, geoCentroid, geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import type { Feature, FeatureCollection, MultiLineString, MultiPolygon, Point, Polygon, Position } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import coarseUrl from "world-atlas/countries-50m.json?url";
import fineUrl from "world-atlas/countries-10m.json?url";

type Area = Polygon | MultiPolygon;
type Countries = Topology<{ countries: GeometryCollection<{ name: string }> }>;

export interface BaseMap {
  land: FeatureCollection<Area>;
  borders: MultiLineString;
  coasts: MultiLineString;
  labels: FeatureCollection<Point, { name: string; rank: number }>;
}

export async function loadBaseMap(detail: "coarse" | "fine"): Promise<BaseMap> {
  const response = await fetch(detail === "coarse" ? coarseUrl : fineUrl);
  if (!response.ok) throw new Error(`the base map is missing: ${response.status}`);
  const topology = (await response.json()) as Countries;
  const countries = topology.objects.countries;
  const areas = feature(topology, countries).features as Feature<Area, { name: string }>[];
  return {
    land: { type: "FeatureCollection", features: areas.flatMap((area) => polygonsOf(cutAtDateLine(area))) },
    borders: cutLines(mesh(topology, countries as never, (a, b) => a !== b)),
    coasts: cutLines(mesh(topology, countries as never, (a, b) => a === b)),
    labels: { type: "FeatureCollection", features: areas.flatMap(label) },
  };
}

const plane = geoEquirectangular().scale(180 / Math.PI).translate([0, 0]).reflectY(true).precision(0);

export function cutAtDateLine<P>(area: Feature<Area, P>): Feature<Area, P> {
  const crosses = polygonsOf(area).some(({ geometry }) => geometry.coordinates.some((ring) => jumps(ring).length > 0));
  return crosses ? { ...area, geometry: geoProject(area.geometry, plane) as Area } : area;
}

/** Its polygons, one by one: the whole of Canada or Russia at once is more than MapLibre draws in one piece. */
function polygonsOf<P>({ geometry, ...rest }: Feature<Area, P>): Feature<Polygon, P>[] {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return parts.map((coordinates) => ({ ...rest, geometry: { type: "Polygon", coordinates } }));
}

/** Where a line goes from one side of the map to the other. */
function jumps(line: Position[]): number[] {
  return line.flatMap((point, at) => (at > 0 && Math.abs(point[0]! - line[at - 1]![0]!) > 180 ? [at] : []));
}

function cutLines(lines: MultiLineString): MultiLineString {
  const pieces = lines.coordinates.flatMap((line) => {
    const ends = [0, ...jumps(line), line.length];
    return ends.slice(1).map((end, number) => line.slice(ends[number], end));
  });
  return { type: "MultiLineString", coordinates: pieces.filter((piece) => piece.length > 1) };
}

/** A country's name stands in the middle of its largest part; the larger, the sooner it is shown. */
function label(area: Feature<Area, { name: string }>): Feature<Point, { name: string; rank: number }>[] {
  let [largest, size]: [Polygon | null, number] = [null, 0];
  for (const { geometry } of polygonsOf(area)) {
    const steradians = geoArea(geometry);
    if (steradians > size) [largest, size] = [geometry, steradians];
  }
  if (!largest) return [];
  const point: Point = { type: "Point", coordinates: geoCentroid(largest) };
  return [{ type: "Feature", geometry: point, properties: { name: area.properties.name, rank: -size } }];
}
