/**
 * The bytes of a MessagePack body, looked at before msgpackr makes values of them, because they come from strangers: nesting is
 * bounded, a declared length is believed only as far as there are bytes, extension types are refused, texts are UTF-8, keys are texts.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { VALUE_BYTES, type ValueBounds, ValueTally } from './body-bounds.js'
import { tallyJson } from './json.js'
import { INERT, LiftedArrays, mayBeVector, PLAIN, roleOf, roleOfElements } from './msgpack-vectors.js'

/** The result of a scan that found nothing to refuse. */
export interface MsgpackScan {
  /** Bytes that the values take, about. */
  valueBytes: number
  /** Vectors that are arrays of numbers; null where nothing looked like one. */
  lifted: LiftedArrays | null
  /** It holds 2^53, where numbers stop to be exact and msgpackr makes one. */
  hasOddInteger: boolean
  /**
   * Places of the heads of texts that msgpackr changes, or must not set as keys: texts with a byte order mark, `__proto__`,
   * and indices.
   */
  oddTexts: number[]
}

const SCALAR = 0
const LONG = 1
const TEXT = 2
const BIN = 3
const ARRAY = 4
const MAP = 5
const REFUSED = 6

/** By the first byte of a value: its kind, the bytes behind it that say how long it is, and how long it is where none do. */
const KINDS = new Uint8Array(256)
const LENGTH_BYTES = new Uint8Array(256)
const LENGTHS = new Uint8Array(256)
const SCALAR_VALUE_BYTES = new Uint8Array(256).fill(VALUE_BYTES.small)

function define(first: number, last: number, kind: number, { lengthBytes = 0, length = 0 } = {}): void {
  for (let byte = first; byte <= last; byte++) {
    KINDS[byte] = kind
    LENGTH_BYTES[byte] = lengthBytes
    LENGTHS[byte] = length
  }
}
define(0x80, 0x8f, MAP)
define(0x90, 0x9f, ARRAY)
define(0xa0, 0xbf, TEXT)
for (let byte = 0x80; byte < 0xc0; byte++) LENGTHS[byte] = byte & (byte < 0xa0 ? 0x0f : 0x1f)
define(0xc1, 0xc1, REFUSED)
define(0xc7, 0xc9, REFUSED)
define(0xd4, 0xd8, REFUSED)
for (let i = 0; i < 3; i++) {
  define(0xc4 + i, 0xc4 + i, BIN, { lengthBytes: 1 << i })
  define(0xd9 + i, 0xd9 + i, TEXT, { lengthBytes: 1 << i })
  define(0xcc + i, 0xcc + i, SCALAR, { length: 1 << i })
  define(0xd0 + i, 0xd0 + i, SCALAR, { length: 1 << i })
}
for (let i = 0; i < 2; i++) {
  define(0xca + i, 0xca + i, SCALAR, { length: 4 << i })
  define(0xdc + i, 0xdc + i, ARRAY, { lengthBytes: 2 << i })
  define(0xde + i, 0xde + i, MAP, { lengthBytes: 2 << i })
}
define(0xcf, 0xcf, LONG, { length: 8 })
define(0xd3, 0xd3, LONG, { length: 8 })
for (const byte of [0xca, 0xcb, 0xce, 0xd2]) SCALAR_VALUE_BYTES[byte] = VALUE_BYTES.number

/** Longer texts are looked at by Node, whose call takes as long as this many bytes. */
const MOST_BYTES_HERE = 96
const PROTO = Buffer.from('__proto__')

/** A text is JSON, and may be a payload, where it begins and ends with these. */
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Throws where msgpackr is not to see the bytes. `lifts`: a request, whose vectors may be arrays of numbers. */
export function scanMsgpack(bytes: Buffer, field: string, bounds: ValueBounds, lifts: boolean): MsgpackScan {
  return new Scanner(bytes, field, bounds, lifts).run()
}

class Scanner {
  readonly #bytes: Buffer
  readonly #field: string
  readonly #tally: ValueTally
  readonly #lifts: boolean
  #lifted: LiftedArrays | null = null
  #hasOddInteger = false
  readonly #oddTexts: number[] = []
  #at = 0

  constructor(bytes: Buffer, field: string, bounds: ValueBounds, lifts: boolean) {
    this.#bytes = bytes
    this.#field = field
    this.#tally = new ValueTally(bytes, field, bounds)
    this.#lifts = lifts
  }

  run(): MsgpackScan {
    this.#elements(1, false, 0, this.#lifts ? PLAIN : INERT)
    if (this.#at !== this.#bytes.length) throw this.#malformed('expected the end')
    const { valueBytes } = this.#tally
    return { valueBytes, lifted: this.#lifted, hasOddInteger: this.#hasOddInteger, oddTexts: this.#oddTexts }
  }

  /** So many values one after the other. In a map every other one is a key. */
  #elements(count: number, isMap: boolean, depth: number, role: number): void {
    const bytes = this.#bytes
    let next = role
    for (let i = 0; i < count; i++) {
      const start = this.#at
      const first = bytes[start]
      if (first === undefined) throw this.#malformed('it ends inside a value')
      const kind = KINDS[first] as number
      this.#at = start + 1
      if (isMap && (i & 1) === 0) {
        if (kind !== TEXT) throw this.#malformed('expected keys that are texts')
        next = this.#key(start, this.#length(first), role)
      } else if (kind === SCALAR) {
        this.#take(LENGTHS[first] as number)
        this.#tally.valueBytes += SCALAR_VALUE_BYTES[first] as number
      } else {
        this.#other(kind, start, { depth, role: next })
      }
    }
  }

  #other(kind: number, start: number, { depth, role }: { depth: number; role: number }): void {
    const length = this.#length(this.#bytes[start] as number)
    switch (kind) {
      case TEXT:
        this.#tally.object(VALUE_BYTES.text + this.#text(start, length))
        break
      case ARRAY:
        this.#array(start, length, depth, role)
        break
      case MAP:
        this.#enter(2 * length, depth)
        this.#tally.object(VALUE_BYTES.map)
        this.#tally.values(length)
        this.#elements(2 * length, true, depth + 1, role)
        break
      case BIN:
        this.#bin(length)
        break
      case LONG:
        this.#long(this.#take(length))
        break
      default:
        throw this.#malformed('expected no extension types')
    }
  }

  #array(start: number, length: number, depth: number, role: number): void {
    this.#enter(length, depth)
    if (mayBeVector(role, length)) {
      this.#lifted ??= new LiftedArrays(this.#bytes)
      const end = this.#lifted.take(start, this.#at, length)
      if (end > 0) {
        this.#at = end
        this.#tally.object(VALUE_BYTES.bin + length * Float32Array.BYTES_PER_ELEMENT)
        return
      }
    }
    this.#tally.object(VALUE_BYTES.array)
    this.#tally.values(length)
    this.#elements(length, false, depth + 1, roleOfElements(role))
  }

  /** A view of the body's bytes. */
  #bin(length: number): void {
    const bytes = this.#bytes
    const begin = this.#take(length)
    this.#tally.object(VALUE_BYTES.bin)
    if (bytes[begin] === OPEN_OBJECT && bytes[this.#at - 1] === CLOSE_OBJECT) {
      tallyJson(bytes.subarray(begin, this.#at), this.#tally)
    }
  }

  #enter(elements: number, depth: number): void {
    if (depth >= LIMITS.jsonDepth) throw invalid(this.#field, `expected at most ${LIMITS.jsonDepth} nested levels`)
    // Every element takes a byte at least.
    if (elements > this.#bytes.length - this.#at) throw this.#malformed('it ends inside a value')
  }

  /** The role of the value behind it. */
  #key(start: number, length: number, around: number): number {
    const bytes = this.#bytes
    this.#text(start, length)
    const end = this.#at
    const begin = end - length
    const isIndex = this.#tally.key(bytes, begin, end)
    if (isIndex || (length === PROTO.length && bytes[begin] === PROTO[0] && PROTO.compare(bytes, begin, end) === 0)) {
      this.#oddTexts.push(start)
    }
    return roleOf(around, bytes, begin, end)
  }

  /** Bytes that its letters take. */
  #text(start: number, length: number): number {
    const bytes = this.#bytes
    const begin = this.#take(length)
    const end = this.#at
    if (length <= MOST_BYTES_HERE) {
      let all = 0
      for (let at = begin; at < end; at++) all |= bytes[at] as number
      if (all < 0x80) return length
    } else if (isAscii(bytes.subarray(begin, end))) {
      return length
    }
    if (!isUtf8(bytes.subarray(begin, end))) throw this.#malformed('expected texts in UTF-8')
    if (bytes[begin] === 0xef && bytes[begin + 1] === 0xbb && bytes[begin + 2] === 0xbf) this.#oddTexts.push(start)
    return 2 * length
  }

  #long(begin: number): void {
    this.#tally.valueBytes += VALUE_BYTES.bigint
    const high = this.#bytes.readUInt32BE(begin)
    if (high === 0x20_0000 || high === 0xffe0_0000) this.#hasOddInteger ||= this.#bytes.readUInt32BE(begin + 4) === 0
  }

  #length(first: number): number {
    const size = LENGTH_BYTES[first] as 0 | 1 | 2 | 4
    return size === 0 ? (LENGTHS[first] as number) : this.#bytes.readUIntBE(this.#take(size), size)
  }

  #take(length: number): number {
    const start = this.#at
    if (length > this.#bytes.length - start) throw this.#malformed('it ends inside a value')
    this.#at = start + length
    return start
  }

  #malformed(what: string): Error {
    return invalid(this.#field, `malformed MessagePack at byte ${this.#at}: ${what}`)
  }
}
