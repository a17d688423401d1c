import { ID_WORDS } from '../core/point.js'
import { ShortCopies } from '../core/short-copies.js'

const FIRST_CAPACITY = 256
/** Memory that grew beyond this is not kept. */
const KEPT_CAPACITY = 64 * 1024
/** ASCII texts up to this length are written by a loop, since a call of the encoder takes longer. */
const SHORT_TEXT = 32
const ASCII_CODES = 0x80
const MOST_BYTES_A_UNIT = 3

/** Finished programs share slabs: for a small array of its own the kernel would first have to allocate memory. */
const programs = new ShortCopies<Uint8Array>(16 * 1024, (length) => new Uint8Array(length))

/** The memory of the writer that finished last, for the next one. */
let spare: Memory | null = null

/** Writes bytes for the kernel: little-endian, not aligned. */
export class ByteWriter {
  #memory = spare ?? new Memory(FIRST_CAPACITY)
  #length = 0

  constructor() {
    spare = null
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#memory.bytes[this.#length++] = value
  }
  u32(value: number): void {
    this.#reserve(4)
    this.#memory.view.setUint32(this.#length, value, true)
    this.#length += 4
  }
  i64(value: bigint): void {
    this.#reserve(8)
    this.#memory.view.setBigInt64(this.#length, value, true)
    this.#length += 8
  }
  f64(value: number): void {
    this.#reserve(8)
    this.#memory.view.setFloat64(this.#length, value, true)
    this.#length += 8
  }
  f64s(values: Float64Array): void {
    this.#append(values)
  }
  text(value: string): void {
    const head = this.#length
    this.u32(0)
    this.#reserve(value.length * MOST_BYTES_A_UNIT)
    if (!this.#ascii(value)) this.#length += this.#memory.buffer.write(value, this.#length, 'utf8')
    this.#memory.view.setUint32(head, this.#length - head - 4, true)
  }
  /** Appends the result of another writer. */
  bytes(values: Uint8Array): void {
    this.#append(values)
  }
  /** Writes ids: their number, then their words. */
  words(ids: Uint32Array): void {
    this.u32(ids.length / ID_WORDS)
    this.#append(ids)
  }

  /** Returns the bytes. The writer must not be used again. */
  finish(): Uint8Array {
    const { bytes } = this.#memory
    if (bytes.length <= KEPT_CAPACITY) spare = this.#memory
    return programs.copyOf(bytes, this.#length)
  }

  #append(values: Float64Array | Uint32Array | Uint8Array): void {
    this.#reserve(values.byteLength)
    this.#memory.bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.#length)
    this.#length += values.byteLength
  }

  /** Writes a short ASCII text and returns true. For any other text returns false and writes nothing. */
  #ascii(value: string): boolean {
    if (value.length > SHORT_TEXT) return false
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code >= ASCII_CODES) return false
      this.#memory.bytes[this.#length + i] = code
    }
    this.#length += value.length
    return true
  }

  /** Call it before each write, because it may replace the memory. */
  #reserve(bytes: number): void {
    const { bytes: full } = this.#memory
    if (this.#length + bytes <= full.length) return
    this.#memory = new Memory(Math.max(this.#length + bytes, full.length * 2))
    this.#memory.bytes.set(full.subarray(0, this.#length))
  }
}

class Memory {
  readonly buffer: Buffer
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
    this.bytes = new Uint8Array(this.buffer.buffer)
    this.view = new DataView(this.buffer.buffer)
  }
}
