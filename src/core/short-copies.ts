/** Shorter arrays are copied by a loop, which is faster than the engine's own copy. */
const SHORT = 64
/** At least this many copies share the memory of one slab. */
const SHARES = 8

/**
 * Copies of short arrays side by side in shared memory: allocating memory for each takes as long as a short search.
 * Memory is never reused; a slab lives as long as one of its copies.
 */
export class ShortCopies<Values extends Float32Array | Uint8Array> {
  readonly #make: (length: number) => Values
  readonly #length: number
  #memory: Values
  #taken = 0

  constructor(length: number, make: (length: number) => Values) {
    this.#make = make
    this.#length = length
    this.#memory = make(0)
  }

  /** Room for `length` values. A large request gets memory of its own. */
  take(length: number): Values {
    if (length > this.#length / SHARES) return this.#make(length)
    if (this.#taken + length > this.#memory.length) {
      this.#memory = this.#make(this.#length)
      this.#taken = 0
    }
    const place = this.#memory.subarray(this.#taken, this.#taken + length) as Values
    this.#taken += length
    return place
  }

  /** Copies the first `length` values. */
  copyOf(values: Values, length = values.length): Values {
    const copy = this.take(length)
    if (length > SHORT) copy.set(values.subarray(0, length))
    else for (let i = 0; i < length; i++) copy[i] = values[i] as number
    return copy
  }
}
