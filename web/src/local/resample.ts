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
  const scale = Math.fround(to - from) / size;
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
  // Pillow's boxes are of single precision
  [left, top, right, bottom] = [Math.fround(left), Math.fround(top), Math.fround(right), Math.fround(bottom)];
  const isWhole = (from: number, to: number, length: number, wanted: number) =>
    wanted === length && from === 0 && to === wanted;
  const skipsAcross = isWhole(left, right, picture.width, size[0]);
  const skipsDown = isWhole(top, bottom, picture.height, size[1]);
  const horizontal = weightsOf(filter, picture.width, left, right, size[0]);
  const vertical = weightsOf(filter, picture.height, top, bottom, size[1]);
  if (skipsDown) return skipsAcross ? picture : acrossBy(horizontal, picture, 0, picture.height);
  if (skipsAcross) return downBy(vertical, picture, 0);
  // Pillow 13 begins downwards where that loses more lines by far; each pass rounds, so the order shows
  const lost = [picture.width - size[0], picture.height - size[1]] as const;
  if (lost[1] > 0 && lost[1] > 2 * lost[0]) return acrossBy(horizontal, downBy(vertical, picture, 0), 0, size[1]);
  const first = vertical.first[0]!;
  const last = vertical.first[size[1] - 1]! + vertical.count[size[1] - 1]!;
  return downBy(vertical, acrossBy(horizontal, picture, first, last), first);
}
