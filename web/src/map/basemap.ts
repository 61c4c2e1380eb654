/**
 * The coarse base map, of the whole globe: land, coasts, borders and country names of Natural Earth at 1:50 million
 * (package world-atlas, bundled). Closer views draw the packed map, see detail.ts.
 *
 * Polygons that cross the date line are cut there; else Russia, Fiji and Antarctica would be drawn across the whole map.
 */
import { geoArea, geoCentroid } from "d3-geo";
import type { Feature, FeatureCollection, MultiLineString, Point, Polygon } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import countriesUrl from "world-atlas/countries-50m.json?url";
import { cutAtDateLine, jumps, polygonsOf, type Area } from "./dateline";

type Countries = Topology<{ countries: GeometryCollection<{ name: string }> }>;

export interface BaseMap {
  land: FeatureCollection<Area>;
  borders: MultiLineString;
  coasts: MultiLineString;
  labels: FeatureCollection<Point, { name: string; rank: number }>;
}

export async function loadBaseMap(): Promise<BaseMap> {
  const response = await fetch(countriesUrl);
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

function cutLines(lines: MultiLineString): MultiLineString {
  const pieces = lines.coordinates.flatMap((line) => {
    const ends = [0, ...jumps(line), line.length];
    return ends.slice(1).map((end, number) => line.slice(ends[number], end));
  });
  return { type: "MultiLineString", coordinates: pieces.filter((piece) => piece.length > 1) };
}

/** Return the name of a country at the middle of its largest part. Names of large countries are shown first. */
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
