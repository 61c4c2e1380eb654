/**
 * Turn a block's coefficients into its samples at a reduced or enlarged size: libjpeg-turbo's integer transforms, bit for
 * bit (jidctint.c and jidctred.c, after Loeffler, Ligtenberg and Moschytz 1989), for the sizes that decoding at 1, 2, 4 and
 * 6 eighths needs.
 */

export const SIZES = [1, 2, 4, 6, 8, 12] as const;

/** Coefficients of a block (64, dequantised, in rows) to `size` x `size` samples from `at`, lines `stride` apart. */
export type Transform = (block: Int32Array, out: Uint8Array, at: number, stride: number) => void;

export function transformOf(size: number): Transform | undefined {
  return { 1: one, 2: two, 4: four, 6: six, 8: eight, 12: twelve }[size];
}

const work = new Int32Array(96);

function sample(value: number): number {
  const shifted = value + 128;
  return shifted < 0 ? 0 : shifted > 255 ? 255 : shifted;
}

/** Shifted right, to the nearest. */
function descale(value: number, bits: number): number {
  return (value + (1 << (bits - 1))) >> bits;
}

function one(block: Int32Array, out: Uint8Array, at: number): void {
  out[at] = sample(descale(block[0]!, 3));
}

function two(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (const x of [0, 1, 3, 5, 7]) {
    const even = block[x]! << 15;
    const odd = -5906 * block[56 + x]! + 6967 * block[40 + x]! - 10426 * block[24 + x]! + 29692 * block[8 + x]!;
    work[x] = descale(even + odd, 13);
    work[8 + x] = descale(even - odd, 13);
  }
  for (let y = 0; y < 2; y++) {
    const row = y * 8;
    const even = work[row]! << 15;
    const odd = -5906 * work[row + 7]! + 6967 * work[row + 5]! - 10426 * work[row + 3]! + 29692 * work[row + 1]!;
    out[at + y * stride] = sample(descale(even + odd, 20));
    out[at + y * stride + 1] = sample(descale(even - odd, 20));
  }
}

function four(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (const x of [0, 1, 2, 3, 5, 6, 7]) {
    const dc = block[x]! << 14;
    const even = 15137 * block[16 + x]! - 6270 * block[48 + x]!;
    const [z1, z2, z3, z4] = [block[56 + x]!, block[40 + x]!, block[24 + x]!, block[8 + x]!];
    const inner = -1730 * z1 + 11893 * z2 - 17799 * z3 + 8697 * z4;
    const outer = -4176 * z1 - 4926 * z2 + 7373 * z3 + 20995 * z4;
    work[x] = descale(dc + even + outer, 12);
    work[24 + x] = descale(dc + even - outer, 12);
    work[8 + x] = descale(dc - even + inner, 12);
    work[16 + x] = descale(dc - even - inner, 12);
  }
  for (let y = 0; y < 4; y++) {
    const row = y * 8;
    const dc = work[row]! << 14;
    const even = 15137 * work[row + 2]! - 6270 * work[row + 6]!;
    const [z1, z2, z3, z4] = [work[row + 7]!, work[row + 5]!, work[row + 3]!, work[row + 1]!];
    const inner = -1730 * z1 + 11893 * z2 - 17799 * z3 + 8697 * z4;
    const outer = -4176 * z1 - 4926 * z2 + 7373 * z3 + 20995 * z4;
    const to = at + y * stride;
    out[to] = sample(descale(dc + even + outer, 19));
    out[to + 3] = sample(descale(dc + even - outer, 19));
    out[to + 1] = sample(descale(dc - even + inner, 19));
    out[to + 2] = sample(descale(dc - even - inner, 19));
  }
}

function six(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (let x = 0; x < 6; x++) {
    const dc = (block[x]! << 13) + (1 << 10);
    const c4 = block[32 + x]! * 5793;
    const c2 = block[16 + x]! * 10033;
    const middle = (dc - c4 - c4) >> 11;
    const [z1, z2, z3] = [block[8 + x]!, block[24 + x]!, block[40 + x]!];
    const c5 = (z1 + z3) * 2998;
    const first = c5 + ((z1 + z2) << 13);
    const third = c5 + ((z3 - z2) << 13);
    const second = (z1 - z2 - z3) << 2;
    work[x] = (dc + c4 + c2 + first) >> 11;
    work[30 + x] = (dc + c4 + c2 - first) >> 11;
    work[6 + x] = middle + second;
    work[24 + x] = middle - second;
    work[12 + x] = (dc + c4 - c2 + third) >> 11;
    work[18 + x] = (dc + c4 - c2 - third) >> 11;
  }
  for (let y = 0; y < 6; y++) {
    const row = y * 6;
    const dc = (work[row]! + 16) << 13;
    const c4 = work[row + 4]! * 5793;
    const c2 = work[row + 2]! * 10033;
    const middle = dc - c4 - c4;
    const [z1, z2, z3] = [work[row + 1]!, work[row + 3]!, work[row + 5]!];
    const c5 = (z1 + z3) * 2998;
    const first = c5 + ((z1 + z2) << 13);
    const third = c5 + ((z3 - z2) << 13);
    const second = (z1 - z2 - z3) << 13;
    const to = at + y * stride;
    out[to] = sample((dc + c4 + c2 + first) >> 18);
    out[to + 5] = sample((dc + c4 + c2 - first) >> 18);
    out[to + 1] = sample((middle + second) >> 18);
    out[to + 4] = sample((middle - second) >> 18);
    out[to + 2] = sample((dc + c4 - c2 + third) >> 18);
    out[to + 3] = sample((dc + c4 - c2 - third) >> 18);
  }
}

/** Eight numbers of `from`, `step` apart, to `line`: the sums and differences before they are scaled down. */
const line = new Float64Array(12);

function eightLine(from: Int32Array, at: number, step: number): void {
  const z = (from[at + 2 * step]! + from[at + 6 * step]!) * 4433;
  const even2 = z - from[at + 6 * step]! * 15137;
  const even3 = z + from[at + 2 * step]! * 6270;
  const even0 = (from[at]! + from[at + 4 * step]!) << 13;
  const even1 = (from[at]! - from[at + 4 * step]!) << 13;
  const [a, b, c, d] = [from[at + 7 * step]!, from[at + 5 * step]!, from[at + 3 * step]!, from[at + step]!];
  const z5 = (a + c + b + d) * 9633;
  const z1 = (a + d) * -7373;
  const z2 = (b + c) * -20995;
  const z3 = (a + c) * -16069 + z5;
  const z4 = (b + d) * -3196 + z5;
  const odd0 = a * 2446 + z1 + z3;
  const odd1 = b * 16819 + z2 + z4;
  const odd2 = c * 25172 + z2 + z3;
  const odd3 = d * 12299 + z1 + z4;
  line[0] = even0 + even3 + odd3;
  line[7] = even0 + even3 - odd3;
  line[1] = even1 + even2 + odd2;
  line[6] = even1 + even2 - odd2;
  line[2] = even1 - even2 + odd1;
  line[5] = even1 - even2 - odd1;
  line[3] = even0 - even3 + odd0;
  line[4] = even0 - even3 - odd0;
}

function eight(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (let x = 0; x < 8; x++) {
    eightLine(block, x, 8);
    for (let y = 0; y < 8; y++) work[y * 8 + x] = descale(line[y]!, 11);
  }
  for (let y = 0; y < 8; y++) {
    eightLine(work, y * 8, 1);
    for (let x = 0; x < 8; x++) out[at + y * stride + x] = sample(descale(line[x]!, 18));
  }
}

/** The same for twelve out of eight; `dc` is the first, scaled up and with what rounds it. */
function twelveLine(from: Int32Array, at: number, step: number, dc: number): void {
  const c4 = from[at + 4 * step]! * 10033;
  const c2 = from[at + 2 * step]! * 11190;
  const two = from[at + 2 * step]! << 13;
  const sixth = from[at + 6 * step]! << 13;
  const even = [
    dc + c4 + (c2 + sixth),
    dc + (two - sixth),
    dc - c4 + (c2 - two - sixth),
    dc - c4 - (c2 - two - sixth),
    dc - (two - sixth),
    dc + c4 - (c2 + sixth),
  ];
  const [z1, z2, z3, z4] = [from[at + step]!, from[at + 3 * step]!, from[at + 5 * step]!, from[at + 7 * step]!];
  const c3 = z2 * 10703;
  const c9 = z2 * -4433;
  const c7 = (z1 + z3 + z4) * 7053;
  const c5 = c7 + (z1 + z3) * 2139;
  const c11 = (z3 + z4) * -8565;
  const both = (z1 - z4 + z2 - z3) * 4433;
  const odd = [
    c5 + c3 + z1 * 2295,
    both + (z1 - z4) * 6270,
    c5 + c11 + c9 - z3 * 12112,
    c11 + c7 - c3 + z4 * 12998,
    both - (z2 - z3) * 15137,
    c7 + c9 - z1 * 5540 - z4 * 16244,
  ];
  for (let i = 0; i < 6; i++) {
    line[i] = even[i]! + odd[i]!;
    line[11 - i] = even[i]! - odd[i]!;
  }
}

function twelve(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (let x = 0; x < 8; x++) {
    twelveLine(block, x, 8, (block[x]! << 13) + (1 << 10));
    for (let y = 0; y < 12; y++) work[y * 8 + x] = line[y]! >> 11;
  }
  for (let y = 0; y < 12; y++) {
    twelveLine(work, y * 8, 1, (work[y * 8]! + 16) << 13);
    for (let x = 0; x < 12; x++) out[at + y * stride + x] = sample(line[x]! >> 18);
  }
}
