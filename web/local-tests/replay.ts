/**
 * The local pipeline in Node, for tests/server/test_static_site.py: `node replay.mjs SITE WASM TASKS.json`. A task is a JPEG, or a
 * picture as raw RGB where it need not be reduced; what was made of it is written beside: the pixels (.pixels), the
 * network's input (.crops), the log masses (.mass), the answer (.json).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";
import { Model, type Names, type Site } from "../src/local/model";
import { JpegError } from "../src/local/coefficients";
import { readJpeg } from "../src/local/jpeg";
import { eighthsOf, upright } from "../src/local/picture";
import { crops, leastSide } from "../src/local/preprocess";
import type { Picture } from "../src/local/resample";
import { scaledJpeg } from "../src/local/scaled_jpeg";
import { unzipped } from "../src/unzipped";

interface Task {
  path: string;
  /** Of raw RGB, upright; absent for a JPEG. */
  width?: number;
  height?: number;
  /** Whether it can be decoded is all that is asked. */
  only_decode?: boolean;
}

const [folder, wasm, tasks] = process.argv.slice(2) as [string, string, string];
const read = (path: string) => new Uint8Array(readFileSync(path));
const json = (bytes: ArrayBuffer | Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown;
const site = json(read(`${folder}/site.json`)) as Site;
const file = (name: "network" | "tables" | "names") => read(`${folder}/${site.files[name].path}`);

env.wasm.numThreads = 1;
env.wasm.wasmBinary = read(wasm).buffer;
const session = await InferenceSession.create(file("network"), { executionProviders: ["wasm"] });
const model = new Model(site, await unzipped(file("tables")), json(await unzipped(file("names"))) as Names, async (input) => {
  const shape = [1, input.count, 3, input.height, input.width];
  const found = await session.run({ pixels: new Tensor("float32", input.data, shape) });
  return Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, tensor.data as Float32Array]));
});

function pictureOf({ path, width, height }: Task): Picture {
  const bytes = read(path);
  if (width && height) return { width, height, data: bytes };
  const header = readJpeg(bytes)!;
  return upright(scaledJpeg(bytes, eighthsOf(header, leastSide(site.preprocess))), header.orientation);
}

/** What comes of a JPEG that may be damaged. */
function fateOf({ path }: Task): string {
  if (!readJpeg(read(path))) return "no JPEG";
  try {
    scaledJpeg(read(path), 4);
    return "a picture";
  } catch (error) {
    if (error instanceof JpegError) return "JpegError";
    throw error;
  }
}

const posteriors = [];
for (const task of json(read(tasks)) as Task[]) {
  if (task.only_decode) {
    writeFileSync(`${task.path}.json`, JSON.stringify({ decoded: fateOf(task) }));
    continue;
  }
  const opened = performance.now();
  const picture = pictureOf(task);
  writeFileSync(`${task.path}.pixels`, picture.data);
  writeFileSync(`${task.path}.crops`, crops(picture, site.preprocess).data);
  const started = performance.now();
  const posterior = await model.posterior(picture);
  const looked = performance.now();
  const answer = model.answer(posterior, {});
  const seconds = { picture: (started - opened) / 1000, posterior: (looked - started) / 1000, answer: (performance.now() - looked) / 1000 };
  writeFileSync(`${task.path}.mass`, posterior.logMass);
  writeFileSync(`${task.path}.json`, JSON.stringify({ answer, seconds }));
  posteriors.push(posterior);
}
if (posteriors.length > 1) {
  const { posterior, agreementNats } = model.pool(posteriors);
  writeFileSync(`${tasks}.album`, JSON.stringify({ answer: model.answer(posterior, {}), agreementNats }));
}
