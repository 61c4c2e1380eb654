/** Finds pictures without content (tiny, of one colour, or noise): a port of whereshot.photos.emptiness. */
import type { Evidence } from "../locator";
import {
  COARSE_CELLS,
  EVEN_RANGE,
  LEAST_SIDE,
  NOISE_CORRELATION,
  NOISE_KURTOSIS,
  NOTHING_TO_SEE,
} from "../shared";
import type { Picture } from "./resample";

/** The evidence of an empty picture. */
export const NOTHING: Evidence = {
  kind: "picture",
  what: "",
  means: NOTHING_TO_SEE,
  nats: 0,
  box: null,
};

/** Return whether a picture has no content. */
export function isEmpty(picture: Picture): boolean {
  if (Math.min(picture.width, picture.height) < LEAST_SIDE) return true;
  const { columns, rows, cells } = coarse(picture);
  const count = columns * rows;
  const range = (channel: number) => {
    let [low, high] = [255, 0];
    for (let i = 0; i < count; i++) {
      low = Math.min(low, cells[3 * i + channel]!);
      high = Math.max(high, cells[3 * i + channel]!);
    }
    return high - low;
  };
  if (Math.max(range(0), range(1), range(2)) <= EVEN_RANGE) return true;
  const grey = Float64Array.from(
    { length: count },
    (_, i) => 0.299 * cells[3 * i]! + 0.587 * cells[3 * i + 1]! + 0.114 * cells[3 * i + 2]!,
  );
  const mean = grey.reduce((a, b) => a + b) / count;
  let [squared, fourth, across, down] = [0, 0, 0, 0];
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, i++) {
      const own = grey[i]! - mean;
      squared += own ** 2 / count;
      fourth += own ** 4 / count;
      if (x > 0) across += (own * (grey[i - 1]! - mean)) / (rows * (columns - 1));
      if (y > 0) down += (own * (grey[i - columns]! - mean)) / (columns * (rows - 1));
    }
  if (squared < 1e-9) return true;
  return Math.max(across, down) / squared < NOISE_CORRELATION && fourth / squared ** 2 < NOISE_KURTOSIS;
}

/** The picture as the means of equal blocks of pixels, 0 to 255; pixels that fill no block are left out. */
function coarse({ width, height, data }: Picture): { columns: number; rows: number; cells: Float64Array } {
  const [wide, high] = [width, height].map((length) => Math.max(1, Math.floor(length / COARSE_CELLS))) as [number, number];
  const [columns, rows] = [Math.floor(width / wide), Math.floor(height / high)];
  const cells = new Float64Array(3 * columns * rows);
  for (let y = 0; y < rows * high; y++)
    for (let x = 0; x < columns * wide; x++) {
      const cell = 3 * (Math.floor(y / high) * columns + Math.floor(x / wide));
      const pixel = 3 * (y * width + x);
      for (let channel = 0; channel < 3; channel++) cells[cell + channel]! += data[pixel + channel]!;
    }
  return { columns, rows, cells: cells.map((sum) => Math.round(sum / (wide * high))) };
}
