/** How many rows a read may want: any number, of which no more than there are points is asked of the kernel. */
import type { Shard } from '../native/shard.js'

export const DEFAULT_LIMIT = 10
/** Limits up to here are asked of the kernel as they are, without a look at the number of points. */
const SMALL = 65_536
/** Limits up to here count as they are, even if there are fewer points. */
const FEW = 256
/** The largest number of rows that the kernel can count. */
const MOST_ROWS = 2 ** 32 - 1

export class Amounts {
  readonly #shard: Shard
  #points: number | undefined

  constructor(shard: Shard) {
    this.#shard = shard
  }

  get points(): number {
    this.#points ??= this.#shard.stats().points
    return this.#points
  }

  /** A limit, or an offset: above the number of points it has the effect of that number. */
  bounded(wanted: number): number {
    return wanted <= SMALL ? wanted : Math.max(SMALL, Math.min(wanted, this.points))
  }

  /** How many points a search with this limit finds at most. */
  found(limit: number): number {
    return limit <= FEW ? limit : Math.min(limit, this.points)
  }

  /** Whether no point is left behind the offset. It is only asked of large ones. */
  isPastAll(offset: number): boolean {
    return offset > SMALL && offset >= this.points
  }
}

/** A limit on values of a field, or on rows of an order that repeats points: both may be more than the points. */
export function boundedRows(wanted: number): number {
  return Math.min(wanted, MOST_ROWS)
}
