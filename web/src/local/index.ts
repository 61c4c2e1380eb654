/** A Locator that runs the model in the browser: no photo leaves the machine. Text in pictures is not read here. */
import { type Answer, LocateError, type LocateOptions, type Locator, type PageInfo, type Prediction } from "../locator";
import { SITE_FORMAT } from "../shared";
import { showLoading } from "./loading";
import type { Answered, Site } from "./model";
import type { FromWorker, ToWorker } from "./worker";

const NEEDED = ["WebAssembly", "Worker", "OffscreenCanvas", "createImageBitmap", "DecompressionStream"] as const;

/** Read site.json and begin to load the model. Rejects with a LocateError whose message is for the visitor. */
export async function createLocator(): Promise<Locator> {
  const missing = NEEDED.find((name) => !(name in globalThis));
  if (missing)
    throw new LocateError(
      `This browser has no ${missing}, or it is switched off. The model runs inside the browser and needs it: use a newer browser, or whereshot serve.`,
    );
  const base = document.baseURI;
  const site = (await fetch(new URL("site.json", base)).then((response) => response.json())) as Site;
  if (site.format !== SITE_FORMAT)
    throw new LocateError(`site.json has format ${site.format}, and this page reads ${SITE_FORMAT}: export the site again.`);
  return new BrowserLocator(site, base);
}

type Waiting = { photo(number: number, photo: AnsweredPhoto): void; resolve(answer: FromWorker & { kind: "answer" }): void; reject(error: Error): void };

type AnsweredPhoto = Answered | { error: string };

class BrowserLocator implements Locator {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private readonly showing = showLoading();
  private requests = 0;
  /** The error where the model cannot be used. */
  private broken: string | null = null;

  constructor(
    private readonly site: Site,
    base: string,
  ) {
    this.worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.receive(data));
    this.worker.addEventListener("error", () => this.fail("The model cannot be started in this browser."));
    this.send({ kind: "load", site, base });
  }

  async page(): Promise<PageInfo> {
    return {
      model: this.site.model,
      tiles: null,
      geocoder: null,
      gallery: false,
      coarse_km: null,
      limits: {},
      runs_here: true,
    };
  }

  async locate(files: File[], options: LocateOptions = {}): Promise<Answer> {
    if (this.broken !== null) throw new LocateError(this.broken);
    if (options.region) throw new LocateError("Restricting the answer to an area needs the server: whereshot serve.");
    if (options.use_exif) throw new LocateError("Using a recorded position needs the server: whereshot serve.");
    const { signal, onPhoto, top, within_km, level } = options;
    const photo = (number: number, read: AnsweredPhoto) => onPhoto?.(number, prediction(files[number]!.name, read));
    signal?.throwIfAborted();
    const request = this.requests++;
    const answered = new Promise<FromWorker & { kind: "answer" }>((resolve, reject) => {
      this.waiting.set(request, { photo, resolve, reject });
      signal?.addEventListener("abort", () => {
        this.waiting.delete(request);
        this.send({ kind: "cancel", request });
        reject(signal.reason as Error);
      });
    });
    this.send({ kind: "locate", request, files, asked: { top, within_km, level } });
    const { photos, album } = await answered;
    return {
      model: this.site.model,
      predictions: photos.map((photo, i) => prediction(files[i]!.name, photo)),
      album: album && prediction("album", album),
    };
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.kind === "progress") this.showing.update(message.loaded, message.total);
    else if (message.kind === "ready") this.showing.done();
    else if (message.kind === "broken") this.fail(`The model cannot be loaded: ${message.words}.`);
    else if (message.kind === "photo") this.waiting.get(message.request)?.photo(message.number, message.photo);
    else {
      const waiting = this.waiting.get(message.request);
      this.waiting.delete(message.request);
      if (message.kind === "answer") waiting?.resolve(message);
      else waiting?.reject(new LocateError(this.broken ?? `The model failed: ${message.words}.`));
    }
  }

  private fail(words: string): void {
    this.broken = words;
    this.showing.fail(words);
    for (const { reject } of this.waiting.values()) reject(new LocateError(words));
    this.waiting.clear();
  }
}

/** The position that a camera wrote is read by the page itself. */
function prediction(id: string, read: AnsweredPhoto): Prediction {
  if (!("error" in read)) return { id, ...read, evidence: [], recorded: null, error: null };
  return {
    id,
    latitude: null,
    longitude: null,
    radius_km: null,
    level: null,
    within: {},
    confident_to: null,
    sure_of: null,
    place: null,
    countries: [],
    candidates: [],
    evidence: [],
    recorded: null,
    error: read.error,
  };
}
