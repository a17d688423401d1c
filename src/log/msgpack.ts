import { VicinalError } from '../core/errors.js'

/**
 * The part of MessagePack that log records need. This is our own code for two reasons. A large binary is written to the
 * disk from its own buffer, without a copy. And the reader trusts no length and no depth.
 */
export type PackedValue = null | boolean | number | string | Uint8Array | PackedValue[] | Map<string, PackedValue>

/** Binaries up to this size are copied between their neighbours. Larger ones stay in their own buffers. */
const COPIED_BYTES = 4096
const FIRST_CAPACITY = 512
const MAX_DEPTH = 8
const TWO_32 = 4_294_967_296

/** Writes values one after the other. The result is a list of buffers to write end to end. */
export class PackWriter {
  readonly #chunks: Uint8Array[] = []
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
  /** Start of the part of the buffer that is not in the chunks yet. */
  #start = 0
  #end = 0
  #bytes = 0

  /** Writes the head of a map; its keys and values follow. */
  map(entries: number): void {
    if (entries > 15) throw new RangeError('a log record has no map of more than 15 entries')
    this.#byte(0x80 | entries)
  }

  array(length: number): void {
    if (length < 16) this.#byte(0x90 | length)
    else this.#head(0xdd, length)
  }

  nil(): void {
    this.#byte(0xc0)
  }

  uint(value: number): void {
    if (value < 0x80) this.#byte(value)
    else this.#head(0xce, value)
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text)
    if (bytes < 32) this.#byte(0xa0 | bytes)
    else this.#head(0xdb, bytes)
    this.#reserve(bytes)
    this.#end += this.#buffer.write(text, this.#end, 'utf8')
  }

  binary(data: ArrayBufferView): void {
    this.#head(0xc6, data.byteLength)
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

  finish(): { chunks: Uint8Array[]; bytes: number } {
    this.#flush()
    return { chunks: this.#chunks, bytes: this.#bytes }
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#end++] = value
  }

  #head(type: number, value: number): void {
    this.#reserve(5)
    this.#buffer[this.#end] = type
    this.#buffer.writeUInt32BE(value, this.#end + 1)
    this.#end += 5
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

/** The one value in the bytes. Binaries are views into them. Throws CORRUPT at any other input. */
export function unpack(bytes: Uint8Array): PackedValue {
  const reader = new PackReader(bytes)
  const value = reader.value(0)
  if (reader.left !== 0) throw malformed(`${reader.left} bytes behind the value`)
  return value
}

class PackReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#buffer.length - this.#at
  }

  value(depth: number): PackedValue {
    if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH}`)
    const type = this.#uint(1)
    if (type < 0x80) return type
    if (type < 0x90) return this.#map(type & 0x0f, depth)
    if (type < 0xa0) return this.#array(type & 0x0f, depth)
    if (type < 0xc0) return this.#string(type & 0x1f)
    switch (type) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#uint(1 << (type - 0xc4)))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (type - 0xcc))
      case 0xcf:
        return this.#uint64()
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#uint(1 << (type - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (type - 0xdc)), depth)
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (type - 0xde)), depth)
      default:
        throw malformed(`type byte 0x${type.toString(16)}`)
    }
  }

  #map(entries: number, depth: number): Map<string, PackedValue> {
    const map = new Map<string, PackedValue>()
    for (let i = 0; i < entries; i++) {
      const key = this.value(depth + 1)
      if (typeof key !== 'string') throw malformed('a map key that is no text')
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  /** Grows with the values read: a declared length alone allocates nothing. */
  #array(length: number, depth: number): PackedValue[] {
    const values: PackedValue[] = []
    for (let i = 0; i < length; i++) values.push(this.value(depth + 1))
    return values
  }

  #string(bytes: number): string {
    const at = this.#take(bytes)
    return this.#buffer.toString('utf8', at, at + bytes)
  }

  #binary(bytes: number): Uint8Array {
    const at = this.#take(bytes)
    return this.#buffer.subarray(at, at + bytes)
  }

  #uint(bytes: number): number {
    return this.#buffer.readUIntBE(this.#take(bytes), bytes)
  }

  #uint64(): number {
    const value = this.#uint(4) * TWO_32 + this.#uint(4)
    if (!Number.isSafeInteger(value)) throw malformed('an integer above 2^53')
    return value
  }

  #take(bytes: number): number {
    if (bytes > this.left) throw malformed(`a length of ${bytes} with ${this.left} bytes left`)
    const at = this.#at
    this.#at += bytes
    return at
  }
}

function malformed(what: string): VicinalError {
  return new VicinalError('CORRUPT', `malformed record: ${what}`)
}
