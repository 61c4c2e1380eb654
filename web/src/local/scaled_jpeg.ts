/**
 * A JPEG at 1, 2, 4 or 6 eighths of its size, bit for bit as libjpeg-turbo decodes it (and with it Pillow, simplejpeg and
 * so whereshot in Python): browsers cannot be asked for that, and their own reduction gives other pixels, which move the
 * probabilities of uncertain photos by a tenth.
 */
import { type Coefficients, type Component, JpegError, coefficientsOf } from "./coefficients";
import { transformOf } from "./idct";
import type { Picture } from "./resample";

interface Plane {
  /** Without the padding of the last blocks. */
  width: number;
  height: number;
  stride: number;
  data: Uint8Array;
}

/** The picture as it lies in the file, at `eighths` of its size. Throws JpegError. */
export function scaledJpeg(bytes: Uint8Array, eighths: number): Picture {
  const coded = coefficientsOf(bytes);
  const width = Math.ceil((coded.width * eighths) / 8);
  const height = Math.ceil((coded.height * eighths) / 8);
  const planes = coded.components.map((component) => {
    const size = sizeOf(component, coded, eighths);
    const plane = planeOf(component, coded, size);
    const across = (coded.across * eighths) / (component.across * size);
    const down = (coded.down * eighths) / (component.down * size);
    return upsampled(plane, across, down, eighths > 1, height);
  });
  return { width, height, data: coloured(planes, width, height, coded.isColourConverted) };
}

/** Samples along a block's side: those of sparser components are decoded larger where that spares enlarging them. */
function sizeOf(component: Component, coded: Coefficients, eighths: number): number {
  let size = eighths;
  const fits = (most: number, own: number) => (most * eighths) % (own * size * 2) === 0;
  while (size < 8 && fits(coded.across, component.across) && fits(coded.down, component.down)) size *= 2;
  return size;
}

function planeOf(component: Component, coded: Coefficients, size: number): Plane {
  const transform = transformOf(size);
  if (!transform) throw new JpegError(`blocks of ${size}`);
  const { columns, rows, blocks, quantisation } = component;
  const stride = columns * size;
  const data = new Uint8Array(stride * rows * size);
  const block = new Int32Array(64);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * 64;
      for (let i = 0; i < 64; i++) block[i] = blocks[from + i]! * quantisation[i]!;
      transform(block, data, row * size * stride + column * size, stride);
    }
  }
  const part = (length: number, own: number, most: number) => Math.ceil((length * own * size) / (most * 8));
  return {
    width: part(coded.width, component.across, coded.across),
    height: part(coded.height, component.down, coded.down),
    stride,
    data,
  };
}

/** A plane enlarged by whole numbers, smoothly (jdsample.c's "fancy" upsampling) by two one way where that is asked for. */
function upsampled(plane: Plane, across: number, down: number, isSmooth: boolean, height: number): Plane {
  if (across === 1 && down === 1) return plane;
  if (across % 1 || down % 1) throw new JpegError("odd sampling");
  const { width, stride, data } = plane;
  const wide = width * across;
  const out = { width: wide, height, stride: wide, data: new Uint8Array(wide * height) };
  for (let y = 0; y < height; y++) {
    const from = Math.min(Math.floor(y / down), plane.height - 1) * stride;
    const to = y * wide;
    if (isSmooth && across === 2 && down === 1 && width > 2) {
      for (let x = 0; x < width; x++) {
        const three = 3 * data[from + x]!;
        out.data[to + 2 * x] = x === 0 ? data[from]! : (three + data[from + x - 1]! + 1) >> 2;
        out.data[to + 2 * x + 1] = x === width - 1 ? data[from + x]! : (three + data[from + x + 1]! + 2) >> 2;
      }
    } else if (isSmooth && across === 1 && down === 2) {
      const row = Math.floor(y / 2) + (y % 2 ? 1 : -1);
      const other = Math.min(Math.max(row, 0), plane.height - 1) * stride;
      for (let x = 0; x < width; x++) out.data[to + x] = (3 * data[from + x]! + data[other + x]! + (y % 2 ? 2 : 1)) >> 2;
    } else {
      for (let x = 0; x < wide; x++) out.data[to + x] = data[from + Math.floor(x / across)]!;
    }
  }
  return out;
}

function clamped(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Planes as 8-bit RGB (jdcolor.c). */
function coloured(planes: Plane[], width: number, height: number, isConverted: boolean): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  const [first, second, third] = [planes[0]!, planes[1] ?? planes[0]!, planes[2] ?? planes[0]!];
  let out = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = first.data[y * first.stride + x]!;
      const b = second.data[y * second.stride + x]!;
      const c = third.data[y * third.stride + x]!;
      if (isConverted) {
        const [blue, red] = [b - 128, c - 128];
        data[out++] = clamped(a + ((91881 * red + 32768) >> 16));
        data[out++] = clamped(a + ((-22554 * blue - 46802 * red + 32768) >> 16));
        data[out++] = clamped(a + ((116130 * blue + 32768) >> 16));
      } else {
        data[out++] = a;
        data[out++] = b;
        data[out++] = c;
      }
    }
  }
  return data;
}
