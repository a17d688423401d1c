/** Shorter ones are copied by a loop; the way to the engine's own copy takes longer. */
const SHORT = 64
/** So many copies share the memory of one slab at least. */
const SHARES = 8

/**
 * Copies of short arrays, side by side in memory that they share: to make memory for each takes as long as a short
 * search. No place is given out twice; a slab lives as long as one of its copies.
 */
export class Slab<Values extends Float32Array | Uint8Array> {
  readonly #make: (length: number) => Values
  readonly #length: number
  #memory: Values
  #taken = 0

  constructor(length: number, make: (length: number) => Values) {
    this.#make = make
    this.#length = length
    this.#memory = make(0)
  }

  /** Room for so many values. Many have memory of their own. */
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

  /** Of the first `length` values. */
  copyOf(values: Values, length = values.length): Values {
    const copy = this.take(length)
    if (length > SHORT) copy.set(values.subarray(0, length))
    else for (let i = 0; i < length; i++) copy[i] = values[i] as number
    return copy
  }
}
