/** Damages valid encodings for structure-aware fuzzing: most results are nearly valid. */
import { randomNumbers } from '../unit/native/shard-data.js'

/** Bytes that end loops, flip signs, or are markers of JSON and MessagePack. */
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0x90, 0xc0, 0xc4, 0xc6, 0xca, 0xcf, 0xd9, 0xdf, 0xfe, 0xff, 0x22, 0x2c, 0x5b, 0x5d, 0x7b,
]
const LENGTHS = [0, 1, 2, 0x7f, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

export class Mutations {
  readonly seed: number
  readonly #random: () => number

  /** The seed is printed, and VICINAL_TEST_SEED sets it. */
  constructor(what: string) {
    this.seed = Number(process.env.VICINAL_TEST_SEED ?? Date.now() % 1_000_000_007)
    process.stderr.write(`${what}: VICINAL_TEST_SEED=${this.seed}\n`)
    this.#random = randomNumbers(this.seed)
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** One of the valid encodings with one to four changes: bits, bytes, cuts, doubled and foreign pieces, lengths. */
  bytes(valid: readonly Buffer[]): Buffer {
    let bytes = Buffer.from(this.pick(valid))
    for (let changes = 1 + this.below(4); changes > 0 && bytes.length > 0; changes--) {
      bytes = this.#changed(bytes, this.pick(valid))
    }
    return bytes
  }

  #changed(bytes: Buffer<ArrayBuffer>, other: Buffer): Buffer<ArrayBuffer> {
    const at = this.below(bytes.length)
    const end = Math.min(bytes.length, at + 1 + this.below(16))
    switch (this.below(8)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << this.below(8))
        return bytes
      case 1:
        bytes[at] = this.pick(EDGES)
        return bytes
      case 2:
        return bytes.subarray(0, at)
      case 3:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      case 4:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
      case 5: {
        const from = this.below(other.length)
        const piece = other.subarray(from, from + 1 + this.below(32))
        return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
      }
      case 6: {
        if (at + 4 > bytes.length) return bytes
        const length = this.pick(LENGTHS)
        if (this.below(2) === 0) bytes.writeUInt32LE(length, at)
        else bytes.writeUInt32BE(length, at)
        return bytes
      }
      default:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([this.pick(EDGES)]), bytes.subarray(at)])
    }
  }

  /** A value with some of its parts replaced: by edge values, by other parts of it, or by nothing. */
  value(valid: unknown, depth = 0): unknown {
    if (this.below(depth === 0 ? 50 : 12) === 0) return this.#edge()
    if (Array.isArray(valid)) {
      const changed = valid.map((one) => this.value(one, depth + 1))
      if (changed.length > 0 && this.below(10) === 0) changed.splice(this.below(changed.length), 1)
      if (changed.length > 0 && this.below(10) === 0) changed.push(this.pick(changed))
      return changed
    }
    if (valid === null || typeof valid !== 'object' || ArrayBuffer.isView(valid)) return valid
    const entries = Object.entries(valid).map(([key, one]) => [key, this.value(one, depth + 1)] as [string, unknown])
    if (entries.length > 0 && this.below(10) === 0) entries.splice(this.below(entries.length), 1)
    if (entries.length > 1 && this.below(12) === 0) {
      const [a, b] = [this.pick(entries), this.pick(entries)]
      ;[a[1], b[1]] = [b[1], a[1]]
    }
    if (this.below(20) === 0) entries.push([this.pick(['', '__proto__', 'constructor', 'x', '0']), this.#edge()])
    const made: Record<string, unknown> = {}
    for (const [key, one] of entries) Object.defineProperty(made, key, { value: one, enumerable: true, writable: true })
    return made
  }

  #edge(): unknown {
    return this.pick<unknown>([
      null,
      undefined,
      true,
      false,
      0,
      -0,
      -1,
      1,
      0.5,
      1e308,
      2 ** 32,
      2 ** 53,
      -(2 ** 63),
      Number.NaN,
      Infinity,
      10n ** 20n,
      '',
      'x',
      '\ud800',
      'a'.repeat(5_000),
      [],
      [null],
      [[]],
      [[1], [1, 2]],
      {},
      { '': null },
      new Float32Array(2),
      new Array(5_000).fill(0),
      Symbol.iterator,
    ])
  }
}
