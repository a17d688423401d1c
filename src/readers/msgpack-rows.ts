/** A sequence of MessagePack maps, one after the other: each a point as the API has it. */
import { VicinalError } from '../core/errors.js'
import { measureMsgpack } from '../wire/msgpack.js'
import { pointOf } from '../wire/points.js'
import { GrowingBytes, type Hold } from './growing-bytes.js'
import { type FrameBounds, type ReadRow, ROWS_AT_ONCE } from './rows.js'

const FIXED_MAP = 0x80
const FIXED_ARRAY = 0x90
const FIXED_TEXT = 0xa0
const NIL = 0xc0
const NEVER_USED = 0xc1
const BIN_8 = 0xc4
const EXTENSION_8 = 0xc7
const FLOAT_32 = 0xca
const UNSIGNED_8 = 0xcc
const SIGNED_8 = 0xd0
const FIXED_EXTENSION_1 = 0xd4
const TEXT_8 = 0xd9
const ARRAY_16 = 0xdc
const MAP_16 = 0xde
const NEGATIVE = 0xe0

export async function* readMsgpackRows(
  pieces: AsyncIterable<Buffer>,
  { frameBytes, hold }: FrameBounds,
): AsyncGenerator<ReadRow[]> {
  const values = new ValueSplitter(frameBytes, hold)
  for await (const piece of pieces) {
    const whole = values.push(piece)
    for (let at = 0; at < whole.length; at += ROWS_AT_ONCE) yield whole.slice(at, at + ROWS_AT_ONCE).map(rowOf)
  }
  values.finish()
}

function rowOf(value: Buffer): ReadRow {
  const bytes = value.length
  try {
    return { point: pointOf(measureMsgpack(value, 'row').make()), bytes }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { error, bytes }
  }
}

/** Finds where each value ends. It looks at no byte twice, however small the pieces are, and checks nothing else. */
class ValueSplitter {
  readonly #mostBytes: number
  readonly #bytes: GrowingBytes
  /** Where the value under way goes on; it may lie behind the bytes that have come. */
  #at = 0
  /** Values that are still to come before it ends. */
  #left = 1
  #count = 0

  constructor(mostBytes: number, hold: Hold) {
    this.#mostBytes = mostBytes
    this.#bytes = new GrowingBytes(hold)
  }

  /** The values that end with this piece. */
  push(piece: Buffer): Buffer[] {
    this.#bytes.add(piece)
    const ends = this.#ends()
    const [last] = ends.slice(-1)
    if (last === undefined) {
      if (Math.max(this.#at, this.#bytes.length) > this.#mostBytes) throw this.#tooLarge()
      return []
    }
    const whole = this.#bytes.take()
    this.#bytes.add(whole.subarray(last))
    this.#at -= last
    this.#count += ends.length
    return ends.map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end))
  }

  finish(): void {
    if (this.#bytes.length > 0) throw this.#broken('the stream ends inside a value')
  }

  #ends(): number[] {
    const { length } = this.#bytes
    const ends: number[] = []
    for (;;) {
      if (this.#left === 0) {
        if (this.#at > length) break
        ends.push(this.#at)
        this.#left = 1
      }
      if (this.#at >= length) break
      const head = headAt(this.#bytes.bytes, this.#at, length)
      if (head === null) break
      if (head.bytes < 0) throw this.#broken('a byte that begins no value')
      this.#at += head.bytes
      this.#left += head.values - 1
    }
    return ends
  }

  #broken(what: string): VicinalError {
    return new VicinalError('INVALID_ARGUMENT', `row ${this.#count}: ${what}`, { details: { field: 'body' } })
  }

  #tooLarge(): VicinalError {
    const details = { field: 'body', bound: this.#mostBytes }
    return new VicinalError('TOO_LARGE', `row ${this.#count}: expected at most ${this.#mostBytes} bytes`, { details })
  }
}

/** Bytes of the value at `at` without the values in it, and how many those are; null if its length has not come. */
function headAt(bytes: Buffer, at: number, end: number): { bytes: number; values: number } | null {
  const first = bytes[at] as number
  const sized = (lengthBytes: number, more = 0) => {
    if (at + 1 + lengthBytes > end) return null
    return { bytes: 1 + lengthBytes + more + bytes.readUIntBE(at + 1, lengthBytes), values: 0 }
  }
  const counted = (lengthBytes: number, each: number) => {
    if (at + 1 + lengthBytes > end) return null
    return { bytes: 1 + lengthBytes, values: each * bytes.readUIntBE(at + 1, lengthBytes) }
  }
  if (first < FIXED_MAP || first >= NEGATIVE) return { bytes: 1, values: 0 }
  if (first < FIXED_ARRAY) return { bytes: 1, values: 2 * (first & 0x0f) }
  if (first < FIXED_TEXT) return { bytes: 1, values: first & 0x0f }
  if (first < NIL) return { bytes: 1 + (first & 0x1f), values: 0 }
  if (first === NEVER_USED) return { bytes: -1, values: 0 }
  if (first < BIN_8) return { bytes: 1, values: 0 }
  if (first < EXTENSION_8) return sized(1 << (first - BIN_8))
  if (first < FLOAT_32) return sized(1 << (first - EXTENSION_8), 1)
  if (first < UNSIGNED_8) return { bytes: 1 + (4 << (first - FLOAT_32)), values: 0 }
  if (first < SIGNED_8) return { bytes: 1 + (1 << (first - UNSIGNED_8)), values: 0 }
  if (first < FIXED_EXTENSION_1) return { bytes: 1 + (1 << (first - SIGNED_8)), values: 0 }
  if (first < TEXT_8) return { bytes: 2 + (1 << (first - FIXED_EXTENSION_1)), values: 0 }
  if (first < ARRAY_16) return sized(1 << (first - TEXT_8))
  if (first < MAP_16) return counted(2 << (first - ARRAY_16), 1)
  return counted(2 << (first - MAP_16), 2)
}
