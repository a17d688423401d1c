const CONTROL = 0x08
const FINAL = 0x80
const MASKED = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127
const MASK_BYTES = 4

/** Follows the frames of a WebSocket (RFC 6455, section 5.2) as their bytes come: whether a message has begun, and not ended. */
export class FrameProgress {
  /** Of messages, with the heads of their frames; control frames may come in between and count as nothing. */
  bytes = 0
  /** Messages that have ended. */
  ended = 0
  readonly #head: number[] = []
  /** Of the frame's payload, still to come. */
  #left = 0
  #isFragmented = false

  get isInMessage(): boolean {
    return this.#isFragmented || (this.#head.length > 0 && !this.#isControl)
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const taken = this.#left > 0 ? Math.min(this.#left, chunk.length - at) : 1
      if (this.#left > 0) this.#left -= taken
      else this.#head.push(chunk[at] as number)
      at += taken
      if (!this.#isControl) this.bytes += taken
      this.#endFrame()
    }
  }

  /** Where its last byte has come. */
  #endFrame(): void {
    const head = this.#head
    const [kind = 0, length = 0] = head
    const short = length & ~MASKED
    const lengthBytes = short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0
    const headBytes = 2 + lengthBytes + (length & MASKED ? MASK_BYTES : 0)
    if (head.length < headBytes) return
    if (head.length === headBytes) {
      this.#left = lengthBytes === 0 ? short : head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0)
      // Told apart from a head whose payload is on its way.
      head.push(0)
    }
    if (this.#left > 0) return
    if (!this.#isControl) {
      this.#isFragmented = (kind & FINAL) === 0
      if (!this.#isFragmented) this.ended++
    }
    head.length = 0
  }

  get #isControl(): boolean {
    return ((this.#head[0] ?? 0) & CONTROL) !== 0
  }
}
