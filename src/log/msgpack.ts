/**
 * Log records as MessagePack. msgpackr reads them. The writer is our own, since a large binary is to be written to the
 * disk from its own buffer, without a copy.
 */
import { Unpackr } from 'msgpackr/unpack'
import { VicinalError } from '../core/errors.js'

/** Binaries up to this size are copied between their neighbours. Larger ones stay in their own buffers. */
const COPIED_BYTES = 4096
const FIRST_CAPACITY = 512
const NIL = 0xc0
const BIN_32 = 0xc6

/** Nulls, texts, binaries, and arrays and objects of these. Properties that are undefined are left out. */
export function pack(value: unknown): { chunks: Uint8Array[]; bytes: number } {
  const writer = new Writer()
  writer.value(value)
  return writer.finish()
}

class Writer {
  readonly #chunks: Uint8Array[] = []
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
  /** Start of the part of the buffer that is not in the chunks yet. */
  #start = 0
  #end = 0
  #bytes = 0

  value(value: unknown): void {
    if (value === null) this.#byte(NIL)
    else if (typeof value === 'string') this.#text(value)
    else if (ArrayBuffer.isView(value)) this.#binary(value)
    else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 16, 0xdd)
      for (const one of value) this.value(one)
    } else {
      const map = value as Record<string, unknown>
      const keys = Object.keys(map).filter((key) => map[key] !== undefined)
      this.#head(keys.length, 0x80, 16, 0xdf)
      for (const key of keys) {
        this.#text(key)
        this.value(map[key])
      }
    }
  }

  finish(): { chunks: Uint8Array[]; bytes: number } {
    this.#flush()
    return { chunks: this.#chunks, bytes: this.#bytes }
  }

  #text(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#head(bytes, 0xa0, 32, 0xdb)
    this.#reserve(bytes)
    this.#end += this.#buffer.write(text, this.#end, 'utf8')
  }

  #binary(data: ArrayBufferView): void {
    this.#head(data.byteLength, BIN_32, 0, BIN_32)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    if (bytes.byteLength > COPIED_BYTES) {
      this.#flush()
      this.#chunks.push(bytes)
      this.#bytes += bytes.byteLength
      return
    }
    this.#reserve(bytes.byteLength)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.byteLength
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#end++] = value
  }

  /** A length: in the type byte itself below the bound, else in 32 bits behind another one. */
  #head(length: number, short: number, bound: number, long: number): void {
    if (length < bound) {
      this.#byte(short | length)
      return
    }
    this.#reserve(5)
    this.#buffer[this.#end] = long
    this.#end = this.#buffer.writeUInt32BE(length, this.#end + 1)
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    this.#flush()
    this.#buffer = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, bytes))
    this.#start = 0
    this.#end = 0
  }

  #flush(): void {
    if (this.#end === this.#start) return
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#end))
    this.#bytes += this.#end - this.#start
    this.#start = this.#end
  }
}

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as never })
const NOTHING = Buffer.of(NIL)

/** The one value in the bytes. Binaries are views into them. Throws CORRUPT at any other input. */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes)
  } catch (cause) {
    throw malformed((cause as Error).message, cause)
  } finally {
    // It keeps a view of the last bytes that it read, which may be many.
    unpackr.unpack(NOTHING)
  }
}

export function malformed(what: string, cause?: unknown): VicinalError {
  return new VicinalError('CORRUPT', `malformed record: ${what}`, { cause })
}
