/**
 * Which segments of a shard were built for an earlier configuration: all up to a number, since segments are numbered in
 * the order in which they were made.
 */
export class OutdatedSegments {
  #through = -1
  readonly #others = new Set<number>()

  /**
   * Segments up to this number are outdated; until the returned function says that they are not, but those made since are, up to
   * the number that it gets.
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
