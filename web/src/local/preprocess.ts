/** Turns an upright picture into the input of the network: a port of whereshot.photos.preprocess. */
import { LONGEST_RATIO, SQUARE_RATIO, WHOLE_LONGEST, WHOLE_STRIDE } from "../shared";
import { type Box, type Filter, type Picture, resized } from "./resample";

export interface Preprocess {
  size: number;
  resize: number;
  crops: number;
  whole: boolean;
  interpolation: Filter;
  mean: number[];
  std: number[];
}

/** Crops of one size: (count, 3, height, width), normalised. */
export interface Crops {
  count: number;
  height: number;
  width: number;
  data: Float32Array;
}

/** The shorter side at which a JPEG is decoded at least. */
export function leastSide(settings: Preprocess): number {
  return Math.floor((settings.resize * 3) / 2);
}

/** Return the crops of a picture for the network. */
export function crops(picture: Picture, settings: Preprocess): Crops {
  const view = viewOf(picture.width, picture.height, settings);
  return normalised(resized(picture, view.size, settings.interpolation, view.box), view.corners, view.crop, settings);
}

interface View {
  box: Box;
  size: [number, number];
  /** Left and top of each crop. */
  corners: [number, number][];
  /** Width and height of each. */
  crop: [number, number];
}

function viewOf(pictureWidth: number, pictureHeight: number, settings: Preprocess): View {
  const shorter = Math.min(pictureWidth, pictureHeight);
  const spare = (length: number) => Math.floor(Math.max(0, length - LONGEST_RATIO * shorter) / 2);
  const [left, top] = [spare(pictureWidth), spare(pictureHeight)];
  const part = [pictureWidth - 2 * left, pictureHeight - 2 * top] as const;
  const all: Box = [left, top, pictureWidth - left, pictureHeight - top];
  if (settings.whole) {
    const size = wholeSize(...part, settings);
    return { box: all, size, corners: [[0, 0]], crop: size };
  }
  const { size } = settings;
  const [width, height] = part.map((length) => Math.max(settings.resize, halfToEven((length * settings.resize) / shorter))) as [
    number,
    number,
  ];
  const corners = cornersOf(width, height, settings);
  if (corners.length > 1) return { box: all, size: [width, height], corners, crop: [size, size] };
  const [across, down] = [part[0] / width, part[1] / height];
  const [x, y] = corners[0]!;
  const box: Box = [
    left + x * across,
    top + y * down,
    Math.min(left + (x + size) * across, pictureWidth),
    Math.min(top + (y + size) * down, pictureHeight),
  ];
  return { box, size: [size, size], corners: [[0, 0]], crop: [size, size] };
}

function wholeSize(width: number, height: number, settings: Preprocess): [number, number] {
  const scale = settings.resize / Math.min(width, height);
  const longest = settings.resize * WHOLE_LONGEST;
  const side = (length: number) =>
    Math.max(1, halfToEven(Math.min(length * scale, longest) / WHOLE_STRIDE)) * WHOLE_STRIDE;
  return [side(width), side(height)];
}

function cornersOf(width: number, height: number, settings: Preprocess): [number, number][] {
  const [wide, high] = [width - settings.size, height - settings.size];
  const isWide = wide >= high;
  const along = isWide ? wide : high;
  const count = Math.max(width, height) > SQUARE_RATIO * Math.min(width, height) ? settings.crops : 1;
  const offsets =
    count === 1
      ? [Math.floor(along / 2)]
      : Array.from({ length: count }, (_, i) => (i === count - 1 ? along : halfToEven(i * (along / (count - 1)))));
  return offsets.map((offset) => (isWide ? [offset, Math.floor(high / 2)] : [Math.floor(wide / 2), offset]));
}

function normalised(picture: Picture, corners: [number, number][], crop: [number, number], settings: Preprocess): Crops {
  const [width, height] = crop;
  const data = new Float32Array(corners.length * 3 * width * height);
  let out = 0;
  for (const [left, top] of corners) {
    for (let channel = 0; channel < 3; channel++) {
      const gain = Math.fround(1 / (255 * settings.std[channel]!));
      const shift = Math.fround(settings.mean[channel]! / settings.std[channel]!);
      for (let y = top; y < top + height; y++)
        for (let x = left; x < left + width; x++)
          data[out++] = Math.fround(picture.data[(y * picture.width + x) * 3 + channel]! * gain) - shift;
    }
  }
  return { count: corners.length, height, width, data };
}

/** Round half to even, as Python and NumPy do. */
function halfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}
