/** Reads the quantised coefficients of a JPEG file: Huffman coding, baseline and progressive (T.81). */

export interface Component {
  /** Its number in the file. */
  id: number;
  /** Sampling factors. */
  across: number;
  down: number;
  /** Blocks in a line and lines of blocks, padded to whole MCUs. */
  columns: number;
  rows: number;
  /** Blocks in a line, and lines, that hold any of the picture. */
  usedColumns: number;
  usedRows: number;
  quantisation: Int32Array;
  /** 64 numbers a block, in rows. */
  blocks: Int16Array;
}

export interface Coefficients {
  width: number;
  height: number;
  /** The largest sampling factors. */
  across: number;
  down: number;
  components: Component[];
  isColourConverted: boolean;
}

/** The file is damaged, or its coding is not supported. */
export class JpegError extends Error {}

// prettier-ignore
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/** For the next sixteen bits: length of the code they begin with, times 256, and its symbol; 0 for none. */
type Codes = Uint16Array;

function codesOf(counts: Uint8Array, symbols: Uint8Array): Codes {
  const table = new Uint16Array(1 << 16);
  let at = 0;
  let symbol = 0;
  counts.forEach((count, i) => {
    const span = 1 << (15 - i);
    for (let n = 0; n < count; n++, at += span) table.fill(((i + 1) << 8) | symbols[symbol++]!, at, at + span);
  });
  return table;
}

/** The bits of a scan. After a marker come zeros, and too many of them are damage. */
class Bits {
  private buffer = 0;
  private count = 0;
  private beyond = 0;

  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  private fill(): void {
    while (this.count <= 24) {
      let byte = this.bytes[this.at] ?? 0xff;
      if (byte === 0xff && this.bytes[this.at + 1] !== 0) {
        byte = 0;
        if (++this.beyond > 8) throw new JpegError("a scan ends too early");
      } else this.at += byte === 0xff ? 2 : 1;
      this.buffer = (this.buffer << 8) | byte;
      this.count += 8;
    }
  }

  symbol(codes: Codes): number {
    if (this.count < 16) this.fill();
    const found = codes[(this.buffer >>> (this.count - 16)) & 0xffff]!;
    if (found === 0) throw new JpegError("no such code");
    this.count -= found >> 8;
    return found & 0xff;
  }

  number(bits: number): number {
    if (bits === 0) return 0;
    if (this.count < bits) this.fill();
    this.count -= bits;
    return (this.buffer >>> this.count) & ((1 << bits) - 1);
  }

  /** Read a number of `bits` bits; the lower half of the values stands for negative numbers. */
  signed(bits: number): number {
    const value = this.number(bits);
    return bits > 0 && value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
  }

  /** Continue after the restart marker that must come now. */
  restart(): void {
    const marker = this.bytes[this.at + 1]!;
    if (this.bytes[this.at] !== 0xff || marker < 0xd0 || marker > 0xd7) throw new JpegError("a restart is missing");
    this.at += 2;
    [this.buffer, this.count, this.beyond] = [0, 0, 0];
  }
}

interface Scan {
  components: { component: Component; dc: Codes | undefined; ac: Codes | undefined }[];
  first: number;
  last: number;
  high: number;
  low: number;
}

/** Decode all coefficients. Throws JpegError. */
export function coefficientsOf(bytes: Uint8Array): Coefficients {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const quantisation: Int32Array[] = [];
  const codes = { dc: [] as Codes[], ac: [] as Codes[] };
  let frame: (Coefficients & { isProgressive: boolean }) | undefined;
  let [interval, adobe, scans] = [0, -1, 0];
  let isJfif = false;
  let at = 2;
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === undefined) throw new JpegError("a marker is missing");
    if (marker === 0xd9) break;
    const end = at + 4 <= bytes.length ? at + 2 + view.getUint16(at + 2) : Infinity;
    if (end > bytes.length) throw new JpegError("a segment goes beyond the end");
    const part = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xdb) readQuantisation(part, quantisation);
    else if (marker === 0xc4) readCodes(part, codes);
    else if (marker === 0xdd) interval = (part[0]! << 8) | part[1]!;
    else if (marker === 0xe0) isJfif ||= String.fromCharCode(...part.subarray(0, 4)) === "JFIF";
    else if (marker === 0xee && String.fromCharCode(...part.subarray(0, 5)) === "Adobe") adobe = part[11] ?? -1;
    else if (marker >= 0xc0 && marker <= 0xc2) {
      if (frame) throw new JpegError("two frames");
      frame = { ...readFrame(part), isProgressive: marker === 0xc2 };
    } else if (marker > 0xc2 && marker <= 0xcf) throw new JpegError("a coding that is not known here");
    else if (marker === 0xda) {
      if (!frame) throw new JpegError("a scan before its frame");
      const scan = readScan(part, frame, quantisation, codes);
      const bits = new Bits(bytes, at);
      decodeScan(scan, frame, interval, bits, frame.isProgressive);
      scans++;
      at = bits.at;
      // skip the rest up to the next marker
      while (at + 1 < bytes.length && (bytes[at] !== 0xff || bytes[at + 1] === 0 || (bytes[at + 1]! >= 0xd0 && bytes[at + 1]! <= 0xd7))) at++;
    }
  }
  if (!frame || scans === 0) throw new JpegError("no picture");
  const ids = frame.components.map(({ id }) => id);
  const isRgb = adobe === 0 || (adobe < 0 && ids.join() === "82,71,66");
  frame.isColourConverted = frame.components.length === 3 && (isJfif || !isRgb);
  return frame;
}

function readQuantisation(part: Uint8Array, tables: Int32Array[]): void {
  for (let at = 0; at < part.length; ) {
    const [isWide, id] = [part[at]! >> 4, part[at]! & 15];
    const table = new Int32Array(64);
    at++;
    for (let i = 0; i < 64; i++) {
      table[ZIGZAG[i]!] = isWide ? (part[at]! << 8) | part[at + 1]! : part[at]!;
      at += isWide ? 2 : 1;
    }
    tables[id] = table;
  }
}

function readCodes(part: Uint8Array, codes: { dc: Codes[]; ac: Codes[] }): void {
  for (let at = 0; at + 17 <= part.length; ) {
    const counts = part.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    (part[at]! >> 4 ? codes.ac : codes.dc)[part[at]! & 15] = codesOf(counts, part.subarray(at + 17, at + 17 + total));
    at += 17 + total;
  }
}

function readFrame(part: Uint8Array): Coefficients {
  if (part[0] !== 8) throw new JpegError("not 8 bits a sample");
  const [height, width, count] = [(part[1]! << 8) | part[2]!, (part[3]! << 8) | part[4]!, part[5]!];
  if (!height || !width || ![1, 3].includes(count) || part.length < 6 + 3 * count) throw new JpegError("an odd frame");
  const raw = Array.from({ length: count }, (_, i) => {
    const [id, sampling, table] = [...part.subarray(6 + 3 * i, 9 + 3 * i)] as [number, number, number];
    return { id, across: sampling >> 4, down: sampling & 15, table };
  });
  if (raw.some((one) => one.across < 1 || one.across > 4 || one.down < 1 || one.down > 4)) throw new JpegError("odd sampling");
  const across = Math.max(...raw.map((one) => one.across));
  const down = Math.max(...raw.map((one) => one.down));
  const [mcusAcross, mcusDown] = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))];
  const components = raw.map((one): Component => {
    const [columns, rows] = [mcusAcross * one.across, mcusDown * one.down];
    return {
      id: one.id,
      across: one.across,
      down: one.down,
      columns,
      rows,
      usedColumns: Math.ceil(Math.ceil((width * one.across) / across) / 8),
      usedRows: Math.ceil(Math.ceil((height * one.down) / down) / 8),
      // the number of its table, until a scan says that the table is there
      quantisation: Int32Array.of(one.table),
      blocks: new Int16Array(columns * rows * 64),
    };
  });
  return { width, height, across, down, components, isColourConverted: false };
}

function readScan(part: Uint8Array, frame: Coefficients, quantisation: Int32Array[], codes: { dc: Codes[]; ac: Codes[] }): Scan {
  const count = part[0]!;
  const components = Array.from({ length: count }, (_, i) => {
    const [id, tables] = [part[1 + 2 * i], part[2 + 2 * i]!];
    const component = frame.components.find((one) => one.id === id);
    if (!component) throw new JpegError("a scan of no component");
    if (component.quantisation.length === 1) {
      const table = quantisation[component.quantisation[0]!];
      if (!table) throw new JpegError("no quantisation");
      component.quantisation = table;
    }
    return { component, dc: codes.dc[tables >> 4], ac: codes.ac[tables & 15] };
  });
  const [first, last, bits] = [...part.subarray(1 + 2 * count, 4 + 2 * count)] as [number, number, number];
  return { components, first, last: Math.min(last, 63), high: bits >> 4, low: bits & 15 };
}

function decodeScan(scan: Scan, frame: Coefficients, interval: number, bits: Bits, isProgressive: boolean): void {
  const previous = scan.components.map(() => 0);
  const run = { blocks: 0 };
  const decode = (number: number, column: number, row: number): void => {
    const { component, dc, ac } = scan.components[number]!;
    const at = (row * component.columns + column) * 64;
    const { blocks } = component;
    if (isProgressive && scan.first > 0) {
      if (!ac) throw new JpegError("no codes");
      if (scan.high === 0) firstOfBand(blocks, at, scan, ac, bits, run);
      else refineBand(blocks, at, scan, ac, bits, run);
      return;
    }
    if (isProgressive && scan.high > 0) {
      if (bits.number(1)) blocks[at]! |= 1 << scan.low;
      return;
    }
    if (!dc) throw new JpegError("no codes");
    previous[number]! += bits.signed(bits.symbol(dc) & 15);
    blocks[at] = previous[number]! << (isProgressive ? scan.low : 0);
    if (isProgressive) return;
    if (!ac) throw new JpegError("no codes");
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(ac);
      const size = symbol & 15;
      if (size === 0) {
        if (symbol !== 0xf0) break;
        k += 15;
        continue;
      }
      k += symbol >> 4;
      if (k > 63) throw new JpegError("a block with too many numbers");
      blocks[at + ZIGZAG[k]!] = bits.signed(size);
    }
  };
  const alone = scan.components.length === 1 ? scan.components[0]!.component : undefined;
  const columns = alone ? alone.usedColumns : frame.components[0]!.columns / frame.components[0]!.across;
  const rows = alone ? alone.usedRows : frame.components[0]!.rows / frame.components[0]!.down;
  for (let mcu = 0; mcu < columns * rows; mcu++) {
    if (interval && mcu > 0 && mcu % interval === 0) {
      bits.restart();
      previous.fill(0);
      run.blocks = 0;
    }
    const [column, row] = [mcu % columns, Math.floor(mcu / columns)];
    if (alone) decode(0, column, row);
    else
      scan.components.forEach(({ component }, number) => {
        for (let y = 0; y < component.down; y++)
          for (let x = 0; x < component.across; x++) decode(number, column * component.across + x, row * component.down + y);
      });
  }
}

function firstOfBand(blocks: Int16Array, at: number, scan: Scan, ac: Codes, bits: Bits, run: { blocks: number }): void {
  if (run.blocks > 0) {
    run.blocks--;
    return;
  }
  for (let k = scan.first; k <= scan.last; k++) {
    const symbol = bits.symbol(ac);
    const [zeros, size] = [symbol >> 4, symbol & 15];
    if (size > 0) {
      k += zeros;
      if (k > 63) throw new JpegError("a block with too many numbers");
      blocks[at + ZIGZAG[k]!] = bits.signed(size) << scan.low;
    } else if (zeros === 15) k += 15;
    else {
      run.blocks = (1 << zeros) + bits.number(zeros) - 1;
      return;
    }
  }
}

/** One more bit of what is there already, and what is new (T.81, G.1.2.3). */
function refineBand(blocks: Int16Array, at: number, scan: Scan, ac: Codes, bits: Bits, run: { blocks: number }): void {
  const bit = 1 << scan.low;
  const refine = (index: number): void => {
    const value = blocks[index]!;
    if (bits.number(1) && !(Math.abs(value) & bit)) blocks[index] = value > 0 ? value + bit : value - bit;
  };
  let k = scan.first;
  if (run.blocks === 0) {
    for (; k <= scan.last; k++) {
      const symbol = bits.symbol(ac);
      let zeros = symbol >> 4;
      let value = 0;
      if (symbol & 15) value = bits.number(1) ? bit : -bit;
      else if (zeros < 15) {
        run.blocks = (1 << zeros) + bits.number(zeros);
        break;
      }
      for (; k <= scan.last; k++) {
        const index = at + ZIGZAG[k]!;
        if (blocks[index] !== 0) refine(index);
        else if (zeros-- === 0) break;
      }
      if (value !== 0 && k <= scan.last) blocks[at + ZIGZAG[k]!] = value;
    }
  }
  if (run.blocks > 0) {
    for (; k <= scan.last; k++) {
      const index = at + ZIGZAG[k]!;
      if (blocks[index] !== 0) refine(index);
    }
    run.blocks--;
  }
}
