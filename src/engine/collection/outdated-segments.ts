/**
 * The segments of a shard that were built for an earlier configuration: all up to a number. Segments are numbered in
 * the order in which they were made.
 */
export class OutdatedSegments {
  #through = -1
  readonly #others = new Set<number>()

  /**
   * Marks all segments up to a number. The returned function takes the mark back. It then marks the segments made
   * since, up to `made`, because they were built for the configuration that was taken back.
   */
  mark(through: number): (made: number) => void {
    const before = this.#through
    this.#through = Math.max(before, through)
    return (made) => {
      this.#through = before
      this.markBetween(through, made)
    }
  }

  /** Marks the segments above one number, up to another. */
  markBetween(after: number, through: number): void {
    for (let segment = after + 1; segment <= through; segment++) this.#others.add(segment)
  }

  /** Marks one segment for merging into another, regardless of its configuration. */
  markOne(segment: number): void {
    this.#others.add(segment)
  }

  has(segment: number): boolean {
    return segment <= this.#through || this.#others.has(segment)
  }
}
