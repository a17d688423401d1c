/** Up to this many chunks are kept as they are. Later small chunks are copied together. */
const FEW = 64
const PAGE_BYTES = 16 * 1024

/**
 * Gathers the pieces of one body. A client chooses their size: a list of single bytes would take a hundred times the
 * memory of those bytes.
 */
export class GatheredBytes {
  length = 0
  #chunks: Buffer[] = []
  #page: Buffer | null = null
  #used = 0

  add(chunk: Buffer): void {
    this.length += chunk.length
    if (this.#chunks.length < FEW || chunk.length >= PAGE_BYTES) {
      this.#endPage()
      this.#chunks.push(chunk)
      return
    }
    if (this.#used + chunk.length > PAGE_BYTES) this.#endPage()
    this.#page ??= Buffer.allocUnsafe(PAGE_BYTES)
    this.#used += chunk.copy(this.#page, this.#used)
  }

  /** All bytes, copied into a buffer of their own. */
  take(): Buffer {
    this.#endPage()
    const whole = Buffer.concat(this.#chunks, this.length)
    this.#chunks = []
    return whole
  }

  clear(): void {
    this.#chunks = []
    this.#page = null
    this.#used = 0
  }

  #endPage(): void {
    if (this.#page === null || this.#used === 0) return
    this.#chunks.push(Buffer.from(this.#page.subarray(0, this.#used)))
    this.#used = 0
  }
}
