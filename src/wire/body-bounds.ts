/**
 * Bounds on the values that a body may hold, looked at before any of them is made. A byte of a body can become an
 * object of sixty times its size, so bytes alone bound nothing.
 *
 * Measured with Node 20: an object (map, array, bin, text) takes 40 to 110 bytes, and 150 to 450 ns to be made. A
 * number takes 8 to 24 bytes and 30 to 100 ns. A key that no other map has takes 4 µs, since V8 describes each new
 * shape of an object anew.
 */
import { randomBytes } from 'node:crypto'
import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

/** How many of each kind, at most. */
export interface ValueBounds {
  /** Arrays, maps, bins and texts, and integers of JSON that are longer than numbers are exact; keys are no values. */
  objects: number
  /** All values. */
  values: number
  /** Different keys. */
  keys: number
}

export const BODY_BOUNDS: ValueBounds = {
  objects: LIMITS.bodyObjects,
  values: LIMITS.bodyValues,
  keys: LIMITS.bodyKeys,
}
/** Of answers that a client has asked for. */
export const UNBOUNDED: ValueBounds = {
  objects: Number.POSITIVE_INFINITY,
  values: Number.POSITIVE_INFINITY,
  keys: Number.POSITIVE_INFINITY,
}

/** Bytes of V8's heap, with the slot that holds the value. */
export const VALUE_BYTES = {
  /** Small integers, booleans, null. */
  small: 8,
  /** Numbers outside 31 bits and floats, where an array holds other values too. */
  number: 24,
  bigint: 32,
  /** And a byte for each of its letters, or two where one is beyond ASCII. */
  text: 32,
  /** A view of the body's bytes. */
  bin: 112,
  array: 56,
  map: 64,
  key: 16,
  /** A key that no other map had before. */
  newKey: 160,
  /** A key that is an index: V8 keeps a map's indices in a table of their own. */
  indexKey: 144,
} as const

/** The contents of a body, counted before its values are made. */
export interface Measured {
  /** Bytes that its values take, about. */
  readonly valueBytes: number
  /** Makes the values. */
  make(): unknown
}

const OBJECTS = 'arrays, maps, texts, bins and long integers'

/** Counts the values of a body. Throws TOO_LARGE past a bound. */
export class ValueTally {
  valueBytes = 0
  readonly #field: string
  readonly #bounds: ValueBounds
  readonly #keys: KeyCount | null
  #objects = 0
  #values = 1

  constructor(bytes: Uint8Array, field: string, bounds: ValueBounds) {
    this.#field = field
    this.#bounds = bounds
    this.#keys = bytes.length > LEAST_COUNTED_BYTES && bounds.keys < Number.POSITIVE_INFINITY ? new KeyCount() : null
  }

  object(valueBytes: number): void {
    this.valueBytes += valueBytes
    const bound = this.#bounds.objects
    if (++this.#objects > bound) throw this.#tooMany(OBJECTS, bound, this.#objects)
  }

  /** Values that are in an array or map. */
  values(count: number): void {
    this.#values += count
    const bound = this.#bounds.values
    if (this.#values > bound) throw this.#tooMany('values', bound, this.#values)
  }

  /** The text between `start` and `end`. Answers whether it is an index, such as `1023`. */
  key(bytes: Uint8Array, start: number, end: number): boolean {
    const isIndex = isIndexKey(bytes, start, end)
    if (isIndex) this.valueBytes += VALUE_BYTES.indexKey
    if (this.#keys?.isNew(bytes, start, end) !== true) {
      this.valueBytes += VALUE_BYTES.key
      return isIndex
    }
    this.valueBytes += VALUE_BYTES.newKey
    const bound = this.#bounds.keys
    if (this.#keys.count > bound) throw this.#tooMany('different keys', bound, this.#keys.count)
    return isIndex
  }

  #tooMany(what: string, bound: number, seen: number): VicinalError {
    return new VicinalError('TOO_LARGE', `${this.#field}: expected at most ${bound} ${what}, got at least ${seen}`, {
      details: { field: this.#field, bound, seen },
    })
  }
}

/** The digits of 2^32. */
const MOST_INDEX_DIGITS = 10
const ZERO = 0x30
const NINE = 0x39

/** A superset of the keys that V8 takes for indices of an array. */
function isIndexKey(bytes: Uint8Array, start: number, end: number): boolean {
  if (end === start || end - start > MOST_INDEX_DIGITS) return false
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte < ZERO || byte > NINE) return false
  }
  return true
}

/** A body with fewer bytes has too few keys for them to be counted. */
const LEAST_COUNTED_BYTES = 64 * 1024
const BITS_LOG2 = 18
/** Secret, so that no sender can choose keys that are taken for the same. */
const SEED = randomBytes(4).readInt32LE()

/** Counts different keys, about: two that are taken for the same count as one, which is rare. */
class KeyCount {
  count = 0
  readonly #bits = new Uint32Array(2 ** (BITS_LOG2 - 5))

  /** Whether the key, as its bytes are, is new. */
  isNew(bytes: Uint8Array, start: number, end: number): boolean {
    let hash = SEED
    for (let at = start; at < end; at++) {
      hash = Math.imul(hash ^ (bytes[at] as number), 0x0100_0193)
      hash ^= hash >>> 15
    }
    const bit = Math.imul(hash, 0x9e37_79b1) >>> (32 - BITS_LOG2)
    const word = this.#bits[bit >>> 5] as number
    const mask = 1 << (bit & 31)
    if ((word & mask) !== 0) return false
    this.#bits[bit >>> 5] = word | mask
    this.count++
    return true
  }
}
