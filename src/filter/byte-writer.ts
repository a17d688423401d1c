import { ID_WORDS } from '../core/point.js'

const FIRST_CAPACITY = 256

/** Bytes for the kernel, little-endian, nothing aligned. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY)
  #length = 0

  u8(value: number): void {
    this.#reserve(1)
    this.#length = this.#bytes.writeUInt8(value, this.#length)
  }
  u32(value: number): void {
    this.#reserve(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }
  i64(value: bigint): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeBigInt64LE(value, this.#length)
  }
  f64(value: number): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }
  f64s(values: Float64Array): void {
    this.#append(Buffer.from(values.buffer, values.byteOffset, values.byteLength))
  }
  text(value: string): void {
    const bytes = Buffer.from(value, 'utf8')
    this.u32(bytes.length)
    this.#append(bytes)
  }
  /** Ids: how many, then their words. */
  words(ids: Uint32Array): void {
    this.u32(ids.length / ID_WORDS)
    this.#append(Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength))
  }

  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }

  #append(bytes: Buffer): void {
    this.#reserve(bytes.length)
    this.#length += bytes.copy(this.#bytes, this.#length)
  }

  /** Before `#bytes` is looked at, for it may be replaced. */
  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#length + bytes, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
