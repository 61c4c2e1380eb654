/**
 * S2 cells down to level 20, where a cell's number along the curves of all six faces still fits into a JavaScript number:
 * number = face * 4^level + position on the face's Hilbert curve. A port of whereshot.earth.s2.
 */

import { FINEST_LEVEL } from "../shared";
import { unitVector } from "./sphere";

/** Cells are as fine as the finest cell of a map. */
export const DEEPEST_LEVEL = FINEST_LEVEL;

export type Vector = readonly [number, number, number];

const SWAP = 1;
const POSITION_TO_IJ = [
  [0, 1, 3, 2],
  [0, 2, 3, 1],
  [3, 2, 0, 1],
  [3, 1, 0, 2],
] as const;
const POSITION_TO_ORIENTATION = [1, 0, 0, 3] as const;
const IJ_TO_POSITION = POSITION_TO_IJ.map((row) => [0, 1, 2, 3].map((ij) => (row as readonly number[]).indexOf(ij)));
/** Of (x, y, z, -x, -y, -z), the numerators of u and v on each face; the denominator is the face's axis. */
const U_OF_FACE = [1, 3, 3, 2, 2, 4];
const V_OF_FACE = [2, 2, 4, 1, 3, 3];
/** x, y and z on each face, as an index into (u, v, 1, -u, -v, -1). */
const XYZ_OF_FACE = [
  [2, 0, 1],
  [3, 2, 1],
  [3, 4, 2],
  [5, 4, 3],
  [1, 5, 3],
  [1, 0, 5],
] as const;

/** Number of the cell of the deepest level that holds a position in degrees. */
export function numberOf(latitude: number, longitude: number): number {
  const [x, y, z] = unitVector(latitude, longitude);
  const signed = [x, y, z, -x, -y, -z];
  const [ax, ay, az] = [Math.abs(x), Math.abs(y), Math.abs(z)];
  const axis = ax > ay ? (ax > az ? 0 : 2) : ay > az ? 1 : 2;
  const face = axis + (signed[axis]! < 0 ? 3 : 0);
  const i = coordinate(signed[U_OF_FACE[face]!]! / signed[axis]!);
  const j = coordinate(signed[V_OF_FACE[face]!]! / signed[axis]!);
  let orientation = face & SWAP;
  let number = face;
  for (let bit = DEEPEST_LEVEL - 1; bit >= 0; bit--) {
    const position = IJ_TO_POSITION[orientation]![((i >> bit) & 1) * 2 + ((j >> bit) & 1)]!;
    number = number * 4 + position;
    orientation ^= POSITION_TO_ORIENTATION[position]!;
  }
  return number;
}

function coordinate(u: number): number {
  const root = 0.5 * Math.sqrt(1 + 3 * Math.abs(u));
  const size = 2 ** DEEPEST_LEVEL;
  return Math.min(Math.max(Math.floor(size * (u >= 0 ? root : 1 - root)), 0), size - 1);
}

/** Corners of a cell as unit vectors, counter-clockwise seen from outside. */
export function corners(number: number, level: number): [Vector, Vector, Vector, Vector] {
  const face = Math.floor(number / 4 ** level);
  let orientation = face & SWAP;
  let [i, j] = [0, 0];
  for (let depth = level - 1; depth >= 0; depth--) {
    const position = Math.floor(number / 4 ** depth) % 4;
    const ij = POSITION_TO_IJ[orientation]![position]!;
    [i, j] = [i * 2 + (ij >> 1), j * 2 + (ij & 1)];
    orientation ^= POSITION_TO_ORIENTATION[position]!;
  }
  const size = 2 ** level;
  const at = (s: number, t: number) => vectorAt(face, s / size, t / size);
  return [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
}

function vectorAt(face: number, s: number, t: number): Vector {
  const [u, v] = [s, t].map((value) => (value >= 0.5 ? (4 * value * value - 1) / 3 : (1 - 4 * (1 - value) ** 2) / 3)) as [
    number,
    number,
  ];
  const table = [u, v, 1, -u, -v, -1];
  const [x, y, z] = XYZ_OF_FACE[face]!.map((index) => table[index]!) as [number, number, number];
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

/** Latitude and longitude in degrees of a vector of any length. */
export function latitudeLongitude([x, y, z]: Vector): [number, number] {
  return [(Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI, (Math.atan2(y, x) * 180) / Math.PI];
}

/** Area of a cell in steradians: two spherical triangles (Van Oosterom and Strackee 1983). */
export function areaSr(number: number, level: number): number {
  const [a, b, c, d] = corners(number, level);
  return triangle(a, b, c) + triangle(a, c, d);
}

function triangle(a: Vector, b: Vector, c: Vector): number {
  const ab = [b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const;
  const ac = [c[0] - a[0], c[1] - a[1], c[2] - a[2]] as const;
  const triple =
    a[0] * (ab[1] * ac[2] - ab[2] * ac[1]) + a[1] * (ab[2] * ac[0] - ab[0] * ac[2]) + a[2] * (ab[0] * ac[1] - ab[1] * ac[0]);
  return 2 * Math.atan2(Math.abs(triple), 1 + dot(a, b) + dot(b, c) + dot(c, a));
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** The S2 token of a cell: its 64-bit id in hexadecimal without trailing zeros. */
export function token(number: number, level: number): string {
  const id = (BigInt(number) * 2n + 1n) << BigInt(60 - 2 * level);
  return id.toString(16).padStart(16, "0").replace(/0+$/, "");
}
