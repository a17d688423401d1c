import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { VicinalError } from '../core/errors.js'
import { damaged, FileBytes } from './source.js'

const PIECE_BYTES = 1024 * 1024
const GZIP = Buffer.from([0x1f, 0x8b])
/** The name that stands for standard input. */
export const STANDARD_INPUT = '-'

/**
 * The text of a file or of standard input from its beginning, in pieces. gzip is unpacked as it is read. Whether it is
 * gzip is told by its first two bytes.
 */
export interface StreamBytes {
  readonly path: string
  /** Bytes of the unpacked text from `from` on. */
  pieces(from?: number): AsyncGenerator<Buffer>
  /** Share of the file that was read, 0 to 1. */
  readonly share: number
  close(): Promise<void>
}

export async function openStream(path: string): Promise<StreamBytes> {
  return path === STANDARD_INPUT ? new InputBytes() : new FileStream(await FileBytes.open(path))
}

class FileStream implements StreamBytes {
  readonly path: string
  readonly #file: FileBytes
  #position = 0

  constructor(file: FileBytes) {
    this.path = file.path
    this.#file = file
  }

  get share(): number {
    return this.#file.size === 0 ? 1 : this.#position / this.#file.size
  }

  async *pieces(from = 0): AsyncGenerator<Buffer> {
    const isGzip = GZIP.equals(await this.#read(0, Math.min(GZIP.length, this.#file.size)))
    if (!isGzip) yield* this.#raw(from)
    else yield* unpacked(this.#raw(0), from, this.path)
  }

  async *#raw(from: number): AsyncGenerator<Buffer> {
    for (let at = from; at < this.#file.size; at += PIECE_BYTES) {
      const piece = await this.#read(at, Math.min(PIECE_BYTES, this.#file.size - at))
      this.#position = at + piece.length
      yield piece
    }
  }

  async #read(at: number, length: number): Promise<Buffer> {
    return Buffer.from((await this.#file.read(at, length)).buffer)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Standard input can be read once. Bytes that were read to tell its shape are kept until its rows are read. */
class InputBytes implements StreamBytes {
  readonly path = 'standard input'
  readonly share = 0
  readonly #pieces: AsyncIterator<Buffer> = process.stdin[Symbol.asyncIterator]()
  readonly #kept: Buffer[] = []
  #isKept = true

  async *pieces(from = 0): AsyncGenerator<Buffer> {
    const raw = this.#raw()
    const first = await raw.next()
    if (first.done) return
    const whole = (async function* () {
      yield first.value
      yield* raw
    })()
    if (first.value.subarray(0, GZIP.length).equals(GZIP)) yield* unpacked(whole, from, this.path)
    else yield* skipped(whole, from)
  }

  /** From here on pieces are read for the last time. */
  forget(): void {
    this.#isKept = false
  }

  async *#raw(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.#kept.length; at++) yield this.#kept[at] as Buffer
    if (!this.#isKept) this.#kept.length = 0
    for (;;) {
      const { done, value } = await this.#pieces.next()
      if (done) return
      if (this.#isKept) this.#kept.push(value)
      yield value
    }
  }

  async close(): Promise<void> {
    process.stdin.destroy()
  }
}

/** The rows of a stream are about to be read: pieces that were kept for its shape are dropped once they are read. */
export function readLast(stream: StreamBytes): void {
  if (stream instanceof InputBytes) stream.forget()
}

async function* unpacked(raw: AsyncIterable<Buffer>, from: number, path: string): AsyncGenerator<Buffer> {
  const source = Readable.from(raw)
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES })
  source.on('error', (error) => gunzip.destroy(error))
  try {
    yield* skipped(source.pipe(gunzip), from)
  } catch (cause) {
    if (cause instanceof VicinalError || !String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause
    throw damaged(path, `gzip: ${(cause as Error).message}`)
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

async function* skipped(pieces: AsyncIterable<Buffer>, from: number): AsyncGenerator<Buffer> {
  let left = from
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left)
    left = Math.max(0, left - piece.length)
  }
}
