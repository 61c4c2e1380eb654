/** The arrays of a static site: one binary file, gzipped, whose parts site.json names. */

export interface ArrayDescription {
  name: string;
  dtype: "float64" | "float32" | "float16" | "int32" | "int16";
  /** Bytes from the start, and how many numbers. */
  offset: number;
  length: number;
}

export class Tables {
  private readonly described: Map<string, ArrayDescription>;

  constructor(
    arrays: ArrayDescription[],
    private readonly bytes: ArrayBuffer,
  ) {
    this.described = new Map(arrays.map((one) => [one.name, one]));
  }

  private find(name: string): ArrayDescription {
    const found = this.described.get(name);
    if (!found) throw new Error(`the site has no table ${name}`);
    return found;
  }

  float64(name: string): Float64Array {
    const { offset, length } = this.find(name);
    return new Float64Array(this.bytes, offset, length);
  }

  /** Numbers in half precision become single precision. */
  float32(name: string): Float32Array {
    const { dtype, offset, length } = this.find(name);
    if (dtype !== "float16") return new Float32Array(this.bytes, offset, length);
    const half = halves();
    return Float32Array.from(new Uint16Array(this.bytes, offset, length), (bits) => half[bits]!);
  }

  int32(name: string): Int32Array {
    const { offset, length } = this.find(name);
    return new Int32Array(this.bytes, offset, length);
  }

  int16(name: string): Int16Array {
    const { offset, length } = this.find(name);
    return new Int16Array(this.bytes, offset, length);
  }
}

/** The value of each of the 65,536 half-precision numbers. */
function halves(): Float32Array {
  return Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits >> 15 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
  });
}
