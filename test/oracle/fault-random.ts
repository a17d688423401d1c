/** Seeded random numbers (mulberry32): the same seed gives the same run on every machine. */
export class Random {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  /** `count` distinct integers in [0, below), or all if there are fewer. */
  distinct(count: number, below: number): number[] {
    const found = new Set<number>()
    while (found.size < Math.min(count, below)) found.add(this.below(below))
    return [...found]
  }
}

/** The seed of a run: from the environment for a repetition, else from the clock. It is printed. */
export function runSeed(what: string): number {
  const given = process.env.VICINAL_TEST_SEED
  const seed = given ? Number(given) : Date.now() % 1_000_000_007
  process.stderr.write(`${what}: VICINAL_TEST_SEED=${seed}\n`)
  return seed
}
