/**
 * Reads the packed base map (`earth/data/base_map.bin`): land, rivers, borders and names, in blocks of a few degrees.
 * src/whereshot/earth/base_map.py describes the file. A block is decoded when it comes into view.
 */
import type { Position } from "geojson";
import packedUrl from "../../../src/whereshot/earth/data/base_map.bin?url";
import { unzipped } from "../unzipped";

const FORMAT = 1;

export interface Line {
  /** The length of the whole line: halves of powers of two, 8 for one degree. */
  rank: number;
  points: Position[];
}

export interface Label {
  name: string;
  /** Inhabitants, as quarters of powers of two. */
  rank: number;
  at: Position;
}

export interface Block {
  /** The western, southern, eastern and northern edge in degrees. */
  box: [number, number, number, number];
  /** Polygons as lists of closed rings. */
  land: Position[][][];
  rivers: Line[];
  borders: Line[];
  regionBorders: Line[];
  regions: Label[];
  towns: Label[];
}

interface Header {
  format: number;
  block_degrees: number;
  unit: number;
  blocks: [column: number, row: number, numbers: number, text: number][];
}

export class PackedMap {
  readonly degrees: number;
  private readonly unit: number;
  private readonly spans = new Map<string, [start: number, middle: number, end: number]>();
  private readonly decoded = new Map<string, Block>();

  constructor(private readonly bytes: Uint8Array) {
    const end = bytes.indexOf(10);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Header;
    if (header.format !== FORMAT) throw new Error(`the base map has format ${header.format}, not ${FORMAT}`);
    this.degrees = header.block_degrees;
    this.unit = header.unit;
    let at = end + 1;
    for (const [column, row, numbers, text] of header.blocks) {
      this.spans.set(`${column} ${row}`, [at, at + numbers, at + numbers + text]);
      at += numbers + text;
    }
  }

  /** Return a block by its column and row; a block without an entry is all sea. */
  block(column: number, row: number): Block {
    const columns = 360 / this.degrees;
    const own = ((((column + columns / 2) % columns) + columns) % columns) - columns / 2;
    const key = `${own} ${row}`;
    let block = this.decoded.get(key);
    if (!block) {
      const [west, south] = [own * this.degrees, row * this.degrees];
      block = decode(this.parts(key), this.unit, [west, south, west + this.degrees, south + this.degrees]);
      this.decoded.set(key, block);
    }
    return block;
  }

  private parts(key: string): [numbers: Uint8Array, names: string[]] | null {
    const span = this.spans.get(key);
    if (!span) return null;
    const [start, middle, end] = span;
    return [this.bytes.subarray(start, middle), new TextDecoder().decode(this.bytes.subarray(middle, end)).split("\n")];
  }
}

function decode(parts: [Uint8Array, string[]] | null, unit: number, box: Block["box"]): Block {
  const empty = { box, land: [], rivers: [], borders: [], regionBorders: [], regions: [], towns: [] };
  if (!parts) return empty;
  const [bytes, names] = parts;
  let [at, x, y, named] = [0, box[0] * unit, box[1] * unit, 0];
  const number = (): number => {
    let [value, shift] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      shift *= 128;
    }
  };
  const step = (): number => {
    const coded = number();
    return coded % 2 ? -(coded + 1) / 2 : coded / 2;
  };
  const point = (): Position => {
    x += step();
    y += step();
    return [x / unit, y / unit];
  };
  const many = <T>(one: () => T): T[] => Array.from({ length: number() }, one);
  const ring = (): Position[] => {
    const points = many(point);
    return [...points, points[0]!];
  };
  const line = (): Line => ({ rank: number(), points: many(point) });
  const label = (): Label => ({ rank: number(), at: point(), name: names[named++]! });
  return {
    box,
    land: many(() => many(ring)),
    rivers: many(line),
    borders: many(line),
    regionBorders: many(line),
    regions: many(label),
    towns: many(label),
  };
}

/** Return the parts of rings of land that are coast: what runs along the edge of the block is none. */
export function coastsOf({ land, box: [west, south, east, north] }: Block): Position[][] {
  const along = ([x, y]: Position, [u, v]: Position): boolean =>
    (x === u && (x === west || x === east)) || (y === v && (y === south || y === north));
  const lines: Position[][] = [];
  for (const ring of land.flat()) {
    let line: Position[] = [];
    ring.forEach((point, number) => {
      if (number > 0 && along(ring[number - 1]!, point)) {
        if (line.length > 1) lines.push(line);
        line = [];
      }
      line.push(point);
    });
    if (line.length > 1) lines.push(line);
  }
  return lines;
}

export async function loadPackedMap(): Promise<PackedMap> {
  const response = await fetch(packedUrl);
  if (!response.ok) throw new Error(`the base map is missing: ${response.status}`);
  return new PackedMap(new Uint8Array(await unzipped(new Uint8Array(await response.arrayBuffer()))));
}
