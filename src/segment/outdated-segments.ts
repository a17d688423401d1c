/**
 * Which segments of a shard were built for an earlier configuration: all up to a number, since segments are numbered in
 * the order in which they were made.
 */
export class OutdatedSegments {
  #through = -1

  /** Segments up to this number are outdated. */
  mark(through: number): void {
    this.#through = Math.max(this.#through, through)
  }

  has(segment: number): boolean {
    return segment <= this.#through
  }
}
