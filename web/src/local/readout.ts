/** Turns outputs of a network into a Posterior: ports of whereshot.models.readout (memory: own photos; mixture: trained). */
import { NEAREST, TINY } from "../shared";
import { Posterior, type Support, heaviest, logSumExp } from "./posterior";
import type { Tables } from "./tables";

/** The network's outputs of one photo. */
export type Outputs = Record<string, Float32Array>;

export interface Readout {
  /** Log mass of the prior on the support's places; -Infinity where it has none. */
  readonly logPrior: Float64Array;
  posterior(outputs: Outputs): Posterior;
}

export interface MemoryDescription {
  kind: "memory";
  temperature: number;
  confidence: { center: number[]; scale: number[]; weights: number[][] } | null;
  cautious: { cosine: number; width: number; most: number };
}

export interface MixtureDescription {
  kind: "mixture";
  /** In the order in which they are mixed, over the prior. */
  parts: ("cells" | "gallery")[];
  gate: { offset: Record<string, number>; slope: Record<string, number> };
  cells?: { temperature: number; sizes: number[] };
  /** The number of most similar photos that vote; null for all. */
  gallery: { temperature: number; voters: number | null };
}

export type ReadoutDescription = MemoryDescription | MixtureDescription;

/** The readout that a site describes. */
export function readoutOf(description: ReadoutDescription, tables: Tables, support: Support): Readout {
  return description.kind === "memory"
    ? new Memory(description, tables, support)
    : new Mixture(description, tables, support);
}

function unit(values: Float32Array): Float32Array {
  let squared = 0;
  for (const value of values) squared += value * value;
  const length = Math.sqrt(squared);
  return length > 0 ? values.map((value) => value / length) : new Float32Array(values.length);
}

/** Cosines of a unit vector with each row of known ones (m, d). */
function cosines(vector: Float32Array, known: Float32Array): Float32Array {
  const width = vector.length;
  return Float32Array.from({ length: known.length / width }, (_, row) => {
    let sum = 0;
    for (let i = 0, at = row * width; i < width; i++, at++) sum += vector[i]! * known[at]!;
    return sum;
  });
}

function logSoftmax(scores: number[]): number[] {
  const total = logSumExp(scores);
  return scores.map((score) => score - total);
}

/** Sums of exp((cosine - best) / temperature) over the photos of each place. */
function votes(cosine: Float32Array, place: Int32Array, places: number, temperature: number, known?: Uint8Array): Float64Array {
  const best = cosine.reduce((a, b) => Math.max(a, b));
  const sums = new Float64Array(places);
  for (let i = 0; i < cosine.length; i++)
    if (!known || known[i]) sums[place[i]!]! += Math.exp((cosine[i]! - best) / temperature);
  return sums;
}

/** A library of known photos with its calibrated confidence, over the prior. The library's places come first. */
class Memory implements Readout {
  readonly logPrior: Float64Array;
  private readonly mean: Float32Array;
  private readonly factor: Float32Array;
  private readonly features: Float32Array;
  private readonly hubness: Float32Array;
  /** Number of the place of each photo. */
  private readonly place: Int32Array;
  /** Which places are within 25 km of one another: `near` from `nearStart[p]` to `nearStart[p + 1]`. */
  private readonly near: Int32Array;
  private readonly nearStart: Int32Array;
  private readonly counts: Int32Array;

  constructor(
    private readonly settings: MemoryDescription,
    tables: Tables,
    private readonly support: Support,
  ) {
    this.mean = tables.float32("mean");
    this.factor = tables.float32("factor");
    this.features = tables.float32("features");
    this.hubness = tables.float32("hubness");
    this.place = tables.int32("place");
    this.near = tables.int32("near");
    this.nearStart = tables.int32("near_start");
    this.counts = new Int32Array(this.places);
    for (const place of this.place) this.counts[place]! += 1;
    this.logPrior = new Float64Array(support.size).fill(-Infinity);
    this.logPrior.set(tables.float64("prior_log_mass"), this.places);
  }

  private get places(): number {
    return this.nearStart.length - 1;
  }

  private whitened(pooled: Float32Array): Float32Array {
    const centred = pooled.map((value, i) => Math.fround(Math.sign(value) * Math.sqrt(Math.abs(value))) - this.mean[i]!);
    const input = unit(centred);
    const width = input.length;
    const output = new Float64Array(width);
    for (let row = 0; row < width; row++)
      for (let column = 0, at = row * width; column < width; column++, at++) output[column]! += input[row]! * this.factor[at]!;
    return unit(Float32Array.from(output));
  }

  posterior(outputs: Outputs): Posterior {
    const { places } = this;
    const cosine = cosines(this.whitened(outputs.pooled!), this.features);
    const known = Uint8Array.from(cosine, (value) => (value > -0.999 ? 1 : 0));
    const sums = votes(cosine, this.place, places, this.settings.temperature, known);
    const total = sums.reduce((a, b) => a + b);
    const around = new Float64Array(places);
    for (let place = 0; place < places; place++)
      for (let at = this.nearStart[place]!; at < this.nearStart[place + 1]!; at++) around[this.near[at]!]! += sums[place]! / total;
    const chosen = around.reduce((best, value, place) => (value > around[best]! ? place : best), 0);
    const isNear = new Uint8Array(places);
    for (let at = this.nearStart[chosen]!; at < this.nearStart[chosen + 1]!; at++) isNear[this.near[at]!] = 1;
    const shares = this.logShares(cosine, known, sums, total, isNear);
    const logVotes = sums.map(Math.log);
    const thisTotal = logSumExp(logVotes.filter((_, place) => isNear[place]));
    const restTotal = logSumExp(logVotes.filter((_, place) => !isNear[place]));
    const alone = !Number.isFinite(restTotal);
    const logMass = new Float64Array(this.support.size);
    for (let place = 0; place < places; place++) {
      if (isNear[place]) logMass[place] = logVotes[place]! - thisTotal + shares[0]!;
      else logMass[place] = alone ? -Infinity : logVotes[place]! - restTotal + shares[1]!;
    }
    const none = alone ? logSumExp([shares[1]!, shares[2]!]) : shares[2]!;
    for (let place = places; place < logMass.length; place++) logMass[place] = none + this.logPrior[place]!;
    return new Posterior(this.support, logMass);
  }

  /** Log probabilities of the chosen place, of another known place, and of none. */
  private logShares(cosine: Float32Array, known: Uint8Array, sums: Float64Array, total: number, isNear: Uint8Array): number[] {
    const { confidence, cautious } = this.settings;
    let [best, ownMost, farMost] = [-1, -2, -1];
    let [number, one, sum] = [0, 0, 0];
    cosine.forEach((value, photo) => {
      if (!known[photo]) return;
      number++;
      sum += value;
      const scaled = Math.fround(value - Math.fround(0.5 * this.hubness[photo]!));
      if (isNear[this.place[photo]!]) {
        one++;
        if (best < 0 || value > cosine[best]!) best = photo;
        ownMost = Math.max(ownMost, scaled);
      } else farMost = Math.max(farMost, scaled);
    });
    best = Math.max(best, 0);
    if (confidence === null) {
      const own = cautious.most / (1 + Math.exp(-(cosine[best]! - cautious.cosine) / cautious.width));
      return [Math.log(own), Math.log(0.01 * own), Math.log(1 - 1.01 * own)];
    }
    const mean = sum / Math.max(number, 1);
    let squared = 0;
    cosine.forEach((value, photo) => (squared += known[photo] ? (value - mean) ** 2 : 0));
    const nearest = Int32Array.from(cosine.keys())
      .sort((a, b) => cosine[b]! - cosine[a]! || a - b)
      .subarray(0, NEAREST)
      .filter((photo) => known[photo]);
    const agreeing = nearest.filter((photo) => isNear[this.place[photo]!]).length;
    const place = this.place[best]!;
    const own = sums[place]! / total;
    const ofPlace = known.reduce((count, is, photo) => count + (is && this.place[photo] === place ? 1 : 0), 0);
    const measures = [
      ownMost - farMost,
      agreeing / Math.max(nearest.length, 1),
      this.hubness[best]!,
      Math.sqrt(squared / Math.max(number, 1)),
      Math.log(ofPlace),
      Math.log(one),
      Math.log((own + TINY) / (1 - own + TINY)),
    ];
    const standard = measures.map((value, i) =>
      Math.min(Math.max((value - confidence.center[i]!) / confidence.scale[i]!, -4), 4),
    );
    const inputs = [1, ...standard, ...standard.flatMap((a, i) => standard.slice(0, i + 1).map((b) => a * b))];
    const scores = confidence.weights.map((weights) => weights.reduce((score, weight, i) => score + weight * inputs[i]!, 0));
    return logSoftmax([...scores, 0]);
  }
}

/** Cells and a gallery of known photos, weighed by how familiar the photo looks, over the prior, which comes first. */
class Mixture implements Readout {
  readonly logPrior: Float64Array;
  private readonly priorLogMass: Float64Array;
  private readonly features: Float32Array;
  private readonly place: Int32Array;
  private readonly galleryPlaces: number;
  private readonly parents: Int32Array | null;

  constructor(
    private readonly settings: MixtureDescription,
    tables: Tables,
    private readonly support: Support,
  ) {
    this.priorLogMass = tables.float64("prior_log_mass");
    this.logPrior = new Float64Array(support.size).fill(-Infinity);
    this.logPrior.set(this.priorLogMass);
    this.features = tables.float32("features");
    this.place = tables.int32("place");
    this.galleryPlaces = this.place.reduce((a, b) => Math.max(a, b), -1) + 1;
    this.parents = settings.cells ? tables.int32("parents") : null;
  }

  posterior(outputs: Outputs): Posterior {
    const { gate, parts } = this.settings;
    const cosine = cosines(outputs.features!, this.features);
    const familiarity = cosine.reduce((a, b) => Math.max(a, b));
    const names = Object.keys(gate.offset);
    const scores = names.map((name) => gate.offset[name]! + gate.slope[name]! * familiarity);
    const shares = logSoftmax([...scores, 0]);
    const logMass = new Float64Array(this.support.size);
    this.priorLogMass.forEach((value, i) => (logMass[i] = value + shares[names.length]!));
    let at = this.priorLogMass.length;
    for (const name of parts) {
      const own = name === "cells" ? this.cells(outputs.logits!) : this.gallery(cosine);
      const total = logSumExp(own);
      const share = shares[names.indexOf(name)]!;
      own.forEach((value, i) => (logMass[at + i] = value - total + share));
      at += own.length;
    }
    return new Posterior(this.support, logMass);
  }

  private gallery(cosine: Float32Array): Float64Array {
    const { temperature, voters } = this.settings.gallery;
    const someVote = voters !== null && voters < cosine.length;
    const voting = new Uint8Array(cosine.length);
    if (someVote) for (const photo of heaviest(Float64Array.from(cosine), voters)) voting[photo] = 1;
    const sums = votes(cosine, this.place, this.galleryPlaces, temperature, someVote ? voting : undefined);
    return sums.map((value) => Math.log(someVote ? value : Math.max(value, 1e-300)));
  }

  /** Log masses of the finest cells: the product of each level's probabilities. */
  private cells(logits: Float32Array): Float64Array {
    const { temperature, sizes } = this.settings.cells!;
    const finest = sizes[sizes.length - 1]!;
    const total = new Float64Array(finest);
    let start = 0;
    sizes.forEach((size, level) => {
      const own = logits.subarray(start, start + size);
      const norm = logSumExp(own);
      for (let cell = 0; cell < finest; cell++) {
        const parent = this.parents![cell * sizes.length + level]!;
        total[cell]! += parent >= 0 ? own[parent]! - norm : -Math.log(size);
      }
      start += size;
    });
    return total.map((value) => value / temperature);
  }
}
