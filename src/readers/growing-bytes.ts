const FIRST_BYTES = 64 * 1024
/** Fewer copies than by doubling, and no room behind the last byte. */
const EXPECTED_GROWTH = 4

/** Is told how many bytes more, or fewer, a stream holds in memory. */
export type Hold = (bytes: number) => void

/** Bytes that arrive in pieces of any size, copied end to end. */
export class GrowingBytes {
  readonly #hold: Hold
  #bytes = Buffer.alloc(0)
  length = 0

  constructor(hold: Hold) {
    this.#hold = hold
  }

  /** With room behind them. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** `expected`: how many there are to be, where that is known. Memory grows with the bytes that come all the same. */
  add(piece: Uint8Array, expected = 0): void {
    const length = this.length + piece.length
    if (length > this.#bytes.length) {
      const before = this.#bytes.length
      const more = expected > 0 ? Math.min(expected, before * EXPECTED_GROWTH) : before * 2
      const grown = Buffer.allocUnsafeSlow(Math.max(length, more, Math.min(FIRST_BYTES, expected || FIRST_BYTES)))
      grown.set(this.#bytes.subarray(0, this.length))
      this.#bytes = grown
      this.#hold(grown.length - before)
    }
    this.#bytes.set(piece, this.length)
    this.length = length
  }

  /** All of them. Later ones are written elsewhere. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length)
    this.clear()
    return taken
  }

  clear(): void {
    this.#hold(-this.#bytes.length)
    this.#bytes = Buffer.alloc(0)
    this.length = 0
  }
}
