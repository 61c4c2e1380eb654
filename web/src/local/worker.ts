/** The worker in which the model runs, so that the page stays responsive: messages in, progress and answers out. */
import { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";
import wasmAddress from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { type Answered, type Asked, Model, type Names, type RunNetwork, type Site } from "./model";
import { PictureError, decoded } from "./picture";
import type { Posterior } from "./posterior";
import { leastSide } from "./preprocess";
import { unzipped } from "../unzipped";

export type ToWorker =
  | { kind: "load"; site: Site; base: string }
  | { kind: "locate"; request: number; files: File[]; asked: Asked }
  | { kind: "cancel"; request: number };

export type FromWorker =
  | { kind: "progress"; loaded: number; total: number }
  | { kind: "ready" }
  | { kind: "broken"; words: string }
  | { kind: "photo"; request: number; number: number; photo: Answered | { error: string } }
  | { kind: "answer"; request: number; photos: (Answered | { error: string })[]; album: Album | null }
  | { kind: "failed"; request: number; words: string };

export type Album = Answered & { photos: number; agreement_nats: number };

let loading: Promise<[Model, Site]> | undefined;
const cancelled = new Set<number>();
let queue = Promise.resolve();

function send(message: FromWorker): void {
  postMessage(message);
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "cancel") cancelled.add(data.request);
  else if (data.kind === "load") {
    loading = load(data.site, data.base);
    loading.then(
      () => send({ kind: "ready" }),
      (error: unknown) => send({ kind: "broken", words: words(error) }),
    );
  } else {
    const { request, files, asked } = data;
    queue = queue.then(() => locate(request, files, asked)).catch((error: unknown) => send({ kind: "failed", request, words: words(error) }));
  }
});

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Fetch all files at once, send the progress, and start the network. */
async function load(site: Site, base: string): Promise<[Model, Site]> {
  const total = site.files.network.bytes + site.files.tables.bytes + site.files.names.bytes + site.engine_bytes;
  let loaded = 0;
  const fetched = async (address: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    const response = await fetch(address).catch(() => null);
    if (!response?.ok || !response.body)
      throw new Error(`${address} cannot be fetched (${response ? response.status : "no connection"}); the site is incomplete`);
    let own = 0;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      own += value.length;
      loaded += value.length;
      send({ kind: "progress", loaded: Math.min(loaded, total), total });
    }
    // there may be more bytes, where the server has decompressed the file
    if (own < bytes) throw new Error(`${address} has ${own} of ${bytes} bytes; the site is incomplete`);
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };
  const file = (name: "network" | "tables" | "names") => fetched(new URL(site.files[name].path, base).href, site.files[name].bytes);
  const [engine, network, tables, names] = await Promise.all([
    fetched(new URL(wasmAddress, import.meta.url).href, site.engine_bytes),
    file("network"),
    file("tables").then(unzipped),
    file("names").then(unzipped),
  ]);
  env.wasm.numThreads = 1; // more threads would need a cross-origin isolated page
  env.wasm.wasmBinary = engine.buffer;
  env.logLevel = "error";
  const session = await InferenceSession.create(network, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const run: RunNetwork = async ({ count, height, width, data }) => {
    const found = await session.run({ pixels: new Tensor("float32", data, [1, count, 3, height, width]) });
    return Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, tensor.data as Float32Array]));
  };
  const called = JSON.parse(new TextDecoder().decode(names)) as Names;
  return [new Model(site, tables, called, run), site];
}

async function locate(request: number, files: File[], asked: Asked): Promise<void> {
  const [model, site] = await loading!;
  const good: Posterior[] = [];
  const photos: (Answered | { error: string })[] = [];
  for (const file of files) {
    if (cancelled.delete(request)) return;
    let photo: Answered | { error: string };
    try {
      const found = await model.posterior(await decoded(file, file.name, leastSide(site.preprocess)));
      good.push(found);
      photo = model.answer(found, asked);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      photo = { error: error.message };
    }
    send({ kind: "photo", request, number: photos.length, photo });
    photos.push(photo);
  }
  const pooled = good.length > 1 ? model.pool(good) : null;
  const album = pooled && {
    ...model.answer(pooled.posterior, asked),
    photos: good.length,
    agreement_nats: Math.round(pooled.agreementNats * 100) / 100,
  };
  send({ kind: "answer", request, photos, album });
}

