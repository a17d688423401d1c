import { Transform, type TransformCallback } from 'node:stream'

const NEWLINE = 0x0a

/** Passes lines on as they come. The last one passes as what `change` makes of it, once that is known. */
export class LastLineChanged extends Transform {
  readonly #change: (line: Buffer) => Promise<Buffer | string>
  #last = Buffer.alloc(0)

  constructor(change: (line: Buffer) => Promise<Buffer | string>) {
    super()
    this.#change = change
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const all = Buffer.concat([this.#last, chunk])
    // The last byte may be the end of the last line.
    const begins = all.length < 2 ? 0 : all.lastIndexOf(NEWLINE, all.length - 2) + 1
    this.#last = all.subarray(begins)
    if (begins > 0) this.push(all.subarray(0, begins))
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#change(this.#last).then(
      (line) => done(null, line),
      (error: Error) => done(error),
    )
  }
}
