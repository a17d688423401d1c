import { Transform, type TransformCallback } from 'node:stream'

const NEWLINE = 0x0a
/** How lines begin that only tell the progress. Any other line is the stream's last. */
const PROGRESS = Buffer.from('{"progress":')

interface LinesParts {
  /** The new last line. */
  last(line: Buffer): Promise<Buffer | string>
  /** The last line of a stream that was cut off, with the last line before it; empty if there was none. */
  cut(before: Buffer): string
}

/**
 * The lines of a stream's answer. Lines of progress pass on as they come. `end` ends an answer that was cut off, too:
 * it has a last line in any case.
 */
export class ForwardedLines extends Transform {
  readonly #parts: LinesParts
  #rest = Buffer.alloc(0)
  #before = Buffer.alloc(0)
  #last: Buffer | null = null

  constructor(parts: LinesParts) {
    super()
    this.#parts = parts
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let end = this.#rest.indexOf(NEWLINE); end >= 0; end = this.#rest.indexOf(NEWLINE)) {
      const line = this.#rest.subarray(0, end + 1)
      this.#rest = this.#rest.subarray(end + 1)
      if (line.subarray(0, PROGRESS.length).equals(PROGRESS)) {
        this.#before = line
        this.push(line)
      } else this.#last = line
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#last === null) {
      done(null, this.#parts.cut(this.#before))
      return
    }
    this.#parts.last(this.#last).then(
      (line) => done(null, line),
      (error: Error) => done(error),
    )
  }
}
