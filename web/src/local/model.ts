/** A model of a static site: it turns pictures into Predictions. The caller gives the function that runs the network. */
import type { Place, Prediction } from "../locator";
import { LEVEL, TOP } from "../shared";
import { answer, type AnswerParts } from "./answer";
import { cellsOf } from "./cells";
import { type Pooled, pool } from "./pooling";
import { NOTHING, isEmpty } from "./emptiness";
import { Posterior, Support } from "./posterior";
import { type Crops, type Preprocess, crops } from "./preprocess";
import { type Outputs, type Readout, type ReadoutDescription, readoutOf } from "./readout";
import type { Picture } from "./resample";
import type { Extents } from "./sureness";
import { type ArrayDescription, Tables } from "./tables";

/** The content of site.json, which `whereshot export --web` writes. */
export interface Site {
  mode: "browser";
  format: number;
  model: string;
  version: string;
  preprocess: Preprocess;
  readout: ReadoutDescription;
  radius_factor: number;
  /** The radius in km that doubles in answers that only the prior gives. */
  prior_doubling_km: number;
  /** Files beside site.json, and their sizes in bytes. */
  files: Record<"network" | "tables" | "names", { path: string; bytes: number }>;
  /** Bytes of the WebAssembly of ONNX Runtime. */
  engine_bytes: number;
  arrays: ArrayDescription[];
}

type NamedRow = [
  name: string | null,
  region: string | null,
  country: number,
  town: [latitude: number, longitude: number, radiusKm: number] | null,
  regionKm: number | null,
];

/** Names of the places, and how far their towns and regions reach: `of_place` are numbers in `names`. */
export interface Names {
  countries: [code: string, name: string][];
  names: NamedRow[];
  of_place: number[];
}

export interface Asked {
  top?: number | undefined;
  within_km?: number | undefined;
  level?: number | undefined;
}

export type RunNetwork = (input: Crops) => Promise<Outputs>;

/** An answer with its map, and evidence where the picture is empty. */
export type Answered = AnswerParts & { map: Prediction["map"]; evidence: Prediction["evidence"] };

export class Model {
  private readonly readout: Readout;
  private readonly support: Support;
  /** The posterior of pictures without content: the prior. */
  private readonly empty = new WeakSet<Posterior>();

  constructor(
    private readonly site: Site,
    tables: ArrayBuffer,
    private readonly names: Names,
    private readonly run: RunNetwork,
  ) {
    const found = new Tables(site.arrays, tables);
    this.support = new Support(
      found.float64("latitude"),
      found.float64("longitude"),
      found.float64("spread_km"),
      found.int16("country"),
      Int32Array.from(names.of_place),
    );
    this.readout = readoutOf(site.readout, found, this.support);
  }

  /** Return the posterior of a picture. */
  async posterior(picture: Picture): Promise<Posterior> {
    if (!isEmpty(picture)) return this.readout.posterior(await this.run(crops(picture, this.site.preprocess)));
    const prior = new Posterior(this.support, this.readout.logPrior);
    this.empty.add(prior);
    return prior;
  }

  /** Return one posterior for several photos of one place. */
  pool(posteriors: Posterior[]): Pooled {
    return pool(posteriors, this.readout.logPrior);
  }

  /** Return the answer that a posterior gives. */
  answer(posterior: Posterior, asked: Asked): Answered {
    const isNothing = this.empty.has(posterior);
    const found = answer(posterior, {
      withinKm: asked.within_km,
      level: asked.level ?? LEVEL,
      top: asked.top ?? TOP,
      widening: isNothing
        ? { factor: 1, doublingKm: this.site.prior_doubling_km }
        : { factor: this.site.radius_factor, doublingKm: Infinity },
      countryCodes: this.names.countries.map(([code]) => code),
      countryNames: this.names.countries.map(([, name]) => name),
      nameOf: (number) => this.nameOf(number),
      extentsOf: (number) => this.extentsOf(number),
    });
    return { ...found, map: cellsOf(posterior), evidence: isNothing ? [NOTHING] : [] };
  }

  private extentsOf(number: number): Extents {
    const [, , , town, regionKm] = this.names.names[number]!;
    return { town: town && { latitude: town[0], longitude: town[1], radiusKm: town[2] }, regionKm };
  }

  private nameOf(number: number): Place {
    const [name, region, country] = this.names.names[number]!;
    const [code, called] = this.names.countries[country] ?? [null, null];
    return { name, region, country: called, country_code: code };
  }
}
