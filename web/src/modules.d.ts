/** Types of packages that have none. */
declare module "d3-geo-projection" {
  import type { GeoProjection } from "d3-geo";
  import type { Geometry } from "geojson";
  /** Project a geometry to the plane, cut where the projection cuts. */
  export function geoProject(geometry: Geometry, projection: GeoProjection): Geometry;
}
declare module "exifr/dist/lite.esm.mjs" {
  const exifr: { gps(source: Blob): Promise<{ latitude: number; longitude: number } | undefined> };
  export default exifr;
}
