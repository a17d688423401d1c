/** Counts by name within one minute, which begins with the first count. The table is bounded, and empty while idle. */
const MINUTE_MS = 60_000

export interface MinuteCountsParts {
  /** Most names at once. Past it, the least recently counted name is reported and removed. */
  mostNames: number
  /** Called for each name at the end of the minute, or when the name is removed. */
  onOver(name: string, count: number): void
  windowMs?: number
}

export class MinuteCounts {
  readonly #parts: MinuteCountsParts
  readonly #windowMs: number
  /** In the order in which they were counted last. */
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #overMs = 0

  constructor(parts: MinuteCountsParts) {
    this.#parts = parts
    this.#windowMs = parts.windowMs ?? MINUTE_MS
  }

  /** Counts the name once more and returns its count. */
  add(name: string): number {
    if (!this.#timer) {
      this.#overMs = performance.now() + this.#windowMs
      this.#timer = setTimeout(() => this.end(), this.#windowMs).unref()
    }
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.delete(name)
    this.#counts.set(name, count)
    if (this.#counts.size > this.#parts.mostNames) this.#forgetOldest()
    return count
  }

  /** Milliseconds until the counts begin anew. */
  get msLeft(): number {
    return Math.max(0, this.#overMs - performance.now())
  }

  end(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const counted = [...this.#counts]
    this.#counts.clear()
    for (const [name, count] of counted) this.#parts.onOver(name, count)
  }

  #forgetOldest(): void {
    const [oldest] = this.#counts
    if (!oldest) return
    this.#counts.delete(oldest[0])
    this.#parts.onOver(...oldest)
  }
}
