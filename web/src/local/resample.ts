/**
 * Resizing as Pillow does it, bit for bit: `Image.resize` with a filter, a box and reducing_gap, on 8-bit RGB
 * (libImaging's Resample.c and Reduce.c). Browsers' own resizing differs from each other and from this.
 */

/** 8-bit RGB, three bytes a pixel. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

export type Filter = "bilinear" | "bicubic";
/** left, top, right, bottom in pixels; may be fractions. */
export type Box = readonly [number, number, number, number];

const SUPPORT = { bilinear: 1, bicubic: 2 };
const PRECISION = 1 << 22;
const REDUCING_GAP = 3;

function weight(filter: Filter, at: number): number {
  const x = Math.abs(at);
  if (filter === "bilinear") return x < 1 ? 1 - x : 0;
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

interface Weights {
  first: Int32Array;
  count: Int32Array;
  values: Int32Array;
  width: number;
}

/** Which pixels of a line each new pixel is made of, and how much of each. */
function weightsOf(filter: Filter, length: number, from: number, to: number, size: number): Weights {
  const scale = (to - from) / size;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT[filter] * filterScale;
  const width = Math.ceil(support) * 2 + 1;
  const found = {
    first: new Int32Array(size),
    count: new Int32Array(size),
    values: new Int32Array(size * width),
    width,
  };
  const own = new Float64Array(width);
  for (let pixel = 0; pixel < size; pixel++) {
    const center = from + (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(length, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      own[i] = weight(filter, (i + first - center + 0.5) * (1 / filterScale));
      sum += own[i]!;
    }
    for (let i = 0; i < count; i++) {
      const share = sum === 0 ? own[i]! : own[i]! / sum;
      found.values[pixel * width + i] = Math.trunc((share < 0 ? -0.5 : 0.5) + share * PRECISION);
    }
    found.first[pixel] = first;
    found.count[pixel] = count;
  }
  return found;
}

function clipped(sum: number): number {
  const value = sum >> 22;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Lines `top` to `bottom` made as wide as the weights say. */
function acrossBy(weights: Weights, picture: Picture, top: number, bottom: number): Picture {
  const width = weights.first.length;
  const data = new Uint8Array(width * (bottom - top) * 3);
  let out = 0;
  for (let y = top; y < bottom; y++) {
    const line = y * picture.width * 3;
    for (let x = 0; x < width; x++) {
      let [red, green, blue] = [PRECISION >> 1, PRECISION >> 1, PRECISION >> 1];
      let at = line + weights.first[x]! * 3;
      const start = x * weights.width;
      for (let i = 0; i < weights.count[x]!; i++, at += 3) {
        const share = weights.values[start + i]!;
        red += picture.data[at]! * share;
        green += picture.data[at + 1]! * share;
        blue += picture.data[at + 2]! * share;
      }
      data[out++] = clipped(red);
      data[out++] = clipped(green);
      data[out++] = clipped(blue);
    }
  }
  return { width, height: bottom - top, data };
}

/** The same downwards; `top` is the line of the original that the picture begins with. */
function downBy(weights: Weights, picture: Picture, top: number): Picture {
  const height = weights.first.length;
  const stride = picture.width * 3;
  const data = new Uint8Array(stride * height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(PRECISION >> 1);
    for (let i = 0; i < weights.count[y]!; i++) {
      const share = weights.values[y * weights.width + i]!;
      const line = (weights.first[y]! - top + i) * stride;
      for (let x = 0; x < stride; x++) sums[x]! += picture.data[line + x]! * share;
    }
    for (let x = 0; x < stride; x++) data[y * stride + x] = clipped(sums[x]!);
  }
  return { width: picture.width, height, data };
}

/** Means of blocks of pixels inside a box of whole numbers; at the right and lower edge of what is left. */
export function reduced(picture: Picture, across: number, down: number, box: Box): Picture {
  const [left, top, right, bottom] = box;
  const width = Math.ceil((right - left) / across);
  const height = Math.ceil((bottom - top) / down);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const lowest = Math.min(top + (y + 1) * down, bottom);
    for (let x = 0; x < width; x++) {
      const farthest = Math.min(left + (x + 1) * across, right);
      const count = (lowest - top - y * down) * (farthest - left - x * across);
      const multiplier = Math.floor(2 ** 24 / count);
      for (let channel = 0; channel < 3; channel++) {
        let sum = count >> 1;
        for (let row = top + y * down; row < lowest; row++) {
          let at = (row * picture.width + left + x * across) * 3 + channel;
          for (let column = left + x * across; column < farthest; column++, at += 3) sum += picture.data[at]!;
        }
        data[(y * width + x) * 3 + channel] = Math.floor((sum * multiplier) / 2 ** 24);
      }
    }
  }
  return { width, height, data };
}

/** The box of a picture at a size of (width, height). */
export function resized(picture: Picture, size: readonly [number, number], filter: Filter, box: Box): Picture {
  let [left, top, right, bottom] = box;
  const across = Math.trunc((right - left) / size[0] / REDUCING_GAP) || 1;
  const down = Math.trunc((bottom - top) / size[1] / REDUCING_GAP) || 1;
  if (across > 1 || down > 1) {
    const margin = SUPPORT[filter] - 0.5;
    const [wide, high] = [(margin * (right - left)) / size[0], (margin * (bottom - top)) / size[1]];
    const safe: Box = [
      Math.max(0, Math.trunc(left - wide)),
      Math.max(0, Math.trunc(top - high)),
      Math.min(picture.width, Math.ceil(right + wide)),
      Math.min(picture.height, Math.ceil(bottom + high)),
    ];
    picture = reduced(picture, across, down, safe);
    [left, right] = [(left - safe[0]) / across, (right - safe[0]) / across];
    [top, bottom] = [(top - safe[1]) / down, (bottom - safe[1]) / down];
  }
  let first = 0;
  const vertical = weightsOf(filter, picture.height, top, bottom, size[1]);
  const isWhole = (from: number, to: number, length: number, wanted: number) =>
    wanted === length && from === 0 && to === wanted;
  const skipsDown = isWhole(top, bottom, picture.height, size[1]);
  if (!isWhole(left, right, picture.width, size[0])) {
    const last = skipsDown ? picture.height : vertical.first[size[1] - 1]! + vertical.count[size[1] - 1]!;
    first = skipsDown ? 0 : vertical.first[0]!;
    picture = acrossBy(weightsOf(filter, picture.width, left, right, size[0]), picture, first, last);
  }
  return skipsDown ? picture : downBy(vertical, picture, first);
}

/**
 * A JPEG's pixels as a decoder gives them at a reduced DCT scale, from those at full scale: `eighths` of the size, in
 * the picture's own orientation. At 1, 2 and 4 eighths these are the means of blocks (libjpeg's jidctred.c); at 6 the
 * six lowest frequencies of each block's eight, transformed back (jidctint.c).
 */
export function dctScaled(picture: Picture, eighths: number): Picture {
  if (eighths >= 8) return picture;
  const whole: Box = [0, 0, picture.width, picture.height];
  if (8 % eighths === 0) return reduced(picture, 8 / eighths, 8 / eighths, whole);
  const matrix = lowestFrequencies(eighths);
  const across = byBlocks(picture.data, picture.width, picture.height, 3, matrix, eighths);
  const width = Math.ceil((picture.width * eighths) / 8);
  const lines = byBlocks(across, picture.height, 1, width * 3, matrix, eighths);
  return { width, height: Math.ceil((picture.height * eighths) / 8), data: Uint8Array.from(lines, toByte) };
}

function toByte(value: number): number {
  return Math.min(Math.max(Math.round(value), 0), 255);
}

/** (size, 8): eight numbers to the `size` that their lowest frequencies make. */
function lowestFrequencies(size: number): Float64Array[] {
  return Array.from({ length: size }, (_, x) =>
    Float64Array.from({ length: 8 }, (_, from) => {
      let sum = 1 / 8;
      for (let k = 1; k < size; k++)
        sum += (Math.cos(((2 * x + 1) * k * Math.PI) / (2 * size)) * Math.cos(((2 * from + 1) * k * Math.PI) / 16)) / 4;
      return sum;
    }),
  );
}

/** Each eight along `length` replaced; items are `stride` numbers, and there are `lines` such rows of items. */
function byBlocks(
  data: ArrayLike<number>,
  length: number,
  lines: number,
  stride: number,
  matrix: Float64Array[],
  size: number,
): Float32Array {
  const made = Math.ceil((length * size) / 8);
  const out = new Float32Array(made * lines * stride);
  for (let line = 0; line < lines; line++) {
    for (let x = 0; x < made; x++) {
      const block = Math.floor(x / size) * 8;
      const row = matrix[x % size]!;
      for (let from = 0; from < 8; from++) {
        const at = (line * length + Math.min(block + from, length - 1)) * stride;
        const share = row[from]!;
        const to = (line * made + x) * stride;
        for (let item = 0; item < stride; item++) out[to + item]! += share * data[at + item]!;
      }
    }
  }
  return out;
}
