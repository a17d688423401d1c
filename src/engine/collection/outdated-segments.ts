/**
 * Which segments of a shard were built for an earlier configuration: all up to a number, since segments are numbered in
 * the order in which they were made.
 */
export class OutdatedSegments {
  #through = -1
  readonly #others = new Set<number>()

  /**
   * Marks all segments up to a number. The returned function takes that back, and marks those that were made since, up to `made`:
   * they were built for what was taken back.
   */
  mark(through: number): (made: number) => void {
    const before = this.#through
    this.#through = Math.max(before, through)
    return (made) => {
      this.#through = before
      for (let segment = through + 1; segment <= made; segment++) this.#others.add(segment)
    }
  }

  /** This one is to be emptied into another too, whatever it was built for. */
  markOne(segment: number): void {
    this.#others.add(segment)
  }

  has(segment: number): boolean {
    return segment <= this.#through || this.#others.has(segment)
  }
}
