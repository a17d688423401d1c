/**
 * Values of the wire as MessagePack: a Float32Array is one bin of little-endian floats, a BigUint64Array one
 * bin of words, a bigint a 64-bit integer. Properties that are undefined are left out.
 */
import { dateText } from '../core/date-text.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { RawJson } from '../core/point.js'
import { UNBOUNDED } from './body-bounds.js'
import { parseJson } from './json.js'
import type { PieceWriter } from './pieces.js'

const NOTHING = new Uint8Array(0)
const FIRST_CAPACITY = 64 * 1024
/** A buffer that grew beyond this is not kept for the next message. */
const KEPT_CAPACITY = 4 * 1024 * 1024
/** Texts up to here are written by the loop; the native call costs more than it saves on them. */
const SHORT_TEXT = 24
const TWO_32 = 4_294_967_296
/** Payloads, and the values around them. A value that holds itself is deeper than any bound. */
const MOST_DEPTH = 2 * LIMITS.jsonDepth

export interface MsgpackOptions {
  /** `value`: stored JSON text becomes maps. `text`: it travels as it is, in a bin. */
  rawJson: 'value' | 'text'
  /** Whether a text with lone surrogates is refused. Otherwise U+FFFD stands for each, as in every UTF-8. */
  isStrict?: boolean
}

/** A value that MessagePack has no form for: a text with lone surrogates, or a value nested too deep. */
export class Unencodable extends Error {}

let kept: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY)

export function encodeMsgpack(value: unknown, options: MsgpackOptions = { rawJson: 'value' }): Buffer {
  const writer = new Writer(kept, options)
  writer.value(value)
  const { buffer, length } = writer
  if (buffer.length > KEPT_CAPACITY) return buffer.subarray(0, length)
  kept = buffer
  return Buffer.from(buffer.subarray(0, length))
}

/** Writes the same bytes in pieces. */
export class MsgpackPieces implements PieceWriter {
  readonly #writer: Writer

  constructor(options: MsgpackOptions) {
    this.#writer = new Writer(Buffer.allocUnsafeSlow(FIRST_CAPACITY), options)
  }

  get length(): number {
    return this.#writer.length
  }
  beginArray(count: number): void {
    this.#writer.beginArray(count)
  }
  beginMap(count: number): void {
    this.#writer.beginMap(count)
  }
  next(_at: number, key?: string): void {
    if (key !== undefined) this.#writer.text(key)
  }
  whole(value: unknown): void {
    this.#writer.value(value)
  }
  endArray(): void {}
  endMap(): void {}
  take(): Buffer {
    const bytes = Buffer.from(this.#writer.buffer.subarray(0, this.#writer.length))
    this.#writer.length = 0
    return bytes
  }
}

class Writer {
  buffer: Buffer
  length = 0
  readonly #options: MsgpackOptions
  #depth = 0

  constructor(buffer: Buffer, options: MsgpackOptions) {
    this.buffer = buffer
    this.#options = options
  }

  value(value: unknown): void {
    if (typeof value === 'string') this.text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#bigint(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2)
    else if (value === null || value === undefined) this.#byte(0xc0)
    else if (typeof value === 'object') this.#object(value)
    else throw invalid('body', 'expected values that MessagePack has', value)
  }

  beginArray(count: number): void {
    this.#head(count, 0x90, 16, 0xdc)
  }

  beginMap(count: number): void {
    this.#head(count, 0x80, 16, 0xde)
  }

  text(text: string): void {
    const { length } = text
    if (length <= SHORT_TEXT && this.#shortText(text, length)) return
    if (this.#options.isStrict && !text.isWellFormed()) throw new Unencodable('a text with lone surrogates')
    const size = Buffer.byteLength(text)
    if (size < 32) this.#byte(0xa0 | size)
    else if (size < 0x100) this.#tagged8(0xd9, size)
    else if (size < 0x1_0000) this.#tagged16(0xda, size)
    else this.#tagged32(0xdb, size)
    this.#reserve(size)
    this.buffer.write(text, this.length, size, 'utf8')
    this.length += size
  }

  #object(value: object): void {
    if (Array.isArray(value)) {
      this.beginArray(value.length)
      this.#descend()
      for (const element of value) this.value(element)
      this.#depth--
    } else if (value instanceof Float64Array) {
      // Numbers of vectors, which are float32.
      this.#bin(new Uint8Array(Float32Array.from(value).buffer))
    } else if (isBin(value)) {
      // An array whose buffer was transferred is empty.
      if (value.byteLength === 0) this.#bin(NOTHING)
      else this.#bin(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    } else if (ArrayBuffer.isView(value)) {
      this.value(Array.from(value as Int32Array))
    } else if (value instanceof RawJson) {
      const text = Buffer.from(value.text)
      if (this.#options.rawJson === 'text') this.#bin(text)
      else this.value(parseJson(text, 'payload', UNBOUNDED))
    } else if (value instanceof Date) {
      this.text(dateText(value, 'body'))
    } else if (value instanceof Map || value instanceof Set) {
      throw invalid('body', 'expected an object or an array', value)
    } else {
      this.#map(value as Record<string, unknown>)
    }
  }

  #map(map: Record<string, unknown>): void {
    const keys = Object.keys(map)
    let count = keys.length
    for (const key of keys) if (map[key] === undefined) count--
    this.beginMap(count)
    this.#descend()
    for (const key of keys) {
      const value = map[key]
      if (value === undefined) continue
      this.text(key)
      this.value(value)
    }
    this.#depth--
  }

  #descend(): void {
    if (++this.#depth > MOST_DEPTH) throw new Unencodable(`more than ${MOST_DEPTH} nested levels`)
  }

  /** Length of an array or map: in the tag itself, or in 16 or 32 bits behind it. */
  #head(count: number, small: number, bound: number, tag16: number): void {
    if (count < bound) this.#byte(small | count)
    else if (count < 0x1_0000) this.#tagged16(tag16, count)
    else this.#tagged32(tag16 + 1, count)
  }

  /** Writes a text that is ASCII throughout; false, with nothing written, for any other. */
  #shortText(text: string, length: number): boolean {
    this.#reserve(length + 1)
    const at = this.length + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return false
      this.buffer[at + i] = code
    }
    this.buffer[this.length] = 0xa0 | length
    this.length = at + length
    return true
  }

  #bin(bytes: Uint8Array): void {
    const size = bytes.length
    if (size < 0x100) this.#tagged8(0xc4, size)
    else if (size < 0x1_0000) this.#tagged16(0xc5, size)
    else this.#tagged32(0xc6, size)
    this.#reserve(size)
    this.buffer.set(bytes, this.length)
    this.length += size
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#float(value)
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value)
      else if (value < 0x100) this.#tagged8(0xcc, value)
      else if (value < 0x1_0000) this.#tagged16(0xcd, value)
      else if (value < TWO_32) this.#tagged32(0xce, value)
      else this.#bigint(BigInt(value))
    } else if (value >= -32) {
      this.#byte(value & 0xff)
    } else if (value >= -0x8000_0000) {
      this.#tagged32(0xd2, value >>> 0)
    } else {
      this.#bigint(BigInt(value))
    }
  }

  #float(value: number): void {
    this.#reserve(9)
    if (Math.fround(value) === value || Number.isNaN(value)) {
      this.buffer[this.length] = 0xca
      this.length = this.buffer.writeFloatBE(value, this.length + 1)
    } else {
      this.buffer[this.length] = 0xcb
      this.length = this.buffer.writeDoubleBE(value, this.length + 1)
    }
  }

  #bigint(value: bigint): void {
    this.#reserve(9)
    this.buffer[this.length] = value < 0n ? 0xd3 : 0xcf
    const bits = BigInt.asUintN(64, value)
    if (value > 0xffff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) {
      throw invalid('body', 'expected integers of at most 64 bits', value)
    }
    this.length = this.buffer.writeBigUInt64BE(bits, this.length + 1)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.buffer[this.length++] = byte
  }

  #tagged8(tag: number, value: number): void {
    this.#reserve(2)
    this.buffer[this.length] = tag
    this.length = this.buffer.writeUInt8(value, this.length + 1)
  }

  #tagged16(tag: number, value: number): void {
    this.#reserve(3)
    this.buffer[this.length] = tag
    this.length = this.buffer.writeUInt16BE(value, this.length + 1)
  }

  #tagged32(tag: number, value: number): void {
    this.#reserve(5)
    this.buffer[this.length] = tag
    this.length = this.buffer.writeUInt32BE(value, this.length + 1)
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
  }
}

/** Bytes, float32 numbers, and words of ids and indices travel as they are in memory; other arrays as their numbers. */
function isBin(value: object): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    value instanceof Float32Array ||
    value instanceof Uint32Array ||
    value instanceof BigUint64Array
  )
}
