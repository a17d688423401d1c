/**
 * Random numbers of 32 bits by a seed (Mulberry32, T. Ettinger, 2017). Reports say their seed, so that they can be made
 * again.
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }

  /** Puts values into random order (Fisher and Yates). */
  shuffle(values: Uint8Array): void {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const held = values[last] as number
      values[last] = values[other] as number
      values[other] = held
    }
  }
}
