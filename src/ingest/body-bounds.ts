/**
 * Bounds on the values that a body may hold, looked at before any of them is made. A byte of a body can become an object of sixty
 * times its size, so bytes alone bound nothing.
 *
 * Measured with Node 20: an object (map, array, bin, text) takes 40 to 110 bytes and 150 to 450 ns to be made, a number 8 to 24 bytes
 * and 30 to 100 ns. A key that no other map has takes 4 µs, since V8 describes each new shape of an object anew.
 */
import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

/** How many of each kind, at most. */
export interface ValueBounds {
  /** Arrays, maps, bins and texts; keys are no values. */
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
  /** A view; its bytes are those of the body. */
  bin: 112,
  array: 56,
  map: 64,
  key: 16,
  /** The same of one that no other map had before. */
  newKey: 160,
} as const

/** What a body holds, known before its values are made. */
export interface Measured {
  /** Bytes that its values take, about. */
  readonly valueBytes: number
  /** Makes the values. */
  make(): unknown
}

export function tooMany(field: string, what: string, bound: number, seen: number): VicinalError {
  return new VicinalError('TOO_LARGE', `${field}: expected at most ${bound} ${what}, got at least ${seen}`, {
    details: { field, bound, seen },
  })
}

export function checkObjects(objects: number, { objects: bound }: ValueBounds, field: string): void {
  if (objects > bound) throw tooMany(field, 'arrays, maps, texts and bins', bound, objects)
}

export function checkValues(values: number, { values: bound }: ValueBounds, field: string): void {
  if (values > bound) throw tooMany(field, 'values', bound, values)
}

/** A body with fewer bytes has too few keys for them to be counted. */
const LEAST_COUNTED_BYTES = 64 * 1024
const BITS_LOG2 = 18
/** Nobody who does not know it can choose keys that are taken for the same. */
const SEED = (Math.random() * 0x1_0000_0000) | 0

/** Counts different keys, about: two that are taken for the same count as one, which is rare. */
export class KeyCount {
  readonly #bits = new Uint32Array(2 ** (BITS_LOG2 - 5))
  readonly #bound: number
  readonly #field: string
  #count = 0

  private constructor(bound: number, field: string) {
    this.#bound = bound
    this.#field = field
  }

  /** null where there is no need to count. */
  static of(bytes: Uint8Array, { keys }: ValueBounds, field: string): KeyCount | null {
    return bytes.length > LEAST_COUNTED_BYTES && keys < Number.POSITIVE_INFINITY ? new KeyCount(keys, field) : null
  }

  /** Whether the key is new, as its bytes are. Throws where it is one too many. */
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
    if (++this.#count > this.#bound) throw tooMany(this.#field, 'different keys', this.#bound, this.#count)
    return true
  }
}
