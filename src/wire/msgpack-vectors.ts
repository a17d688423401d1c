/**
 * Vectors of a request in MessagePack that come as arrays of numbers: found by the scan, and handed on as bins of float32. Where vectors
 * may be is told by the keys, as in native/text/vector_json.hpp.
 */

/** The meaning of a value, by the keys that lead to it. */
export const PLAIN = 0
/** Nothing in it is looked at: payloads, filters, metadata. */
export const INERT = 1
/** A vector, vectors, or vectors by name. */
export const VECTORS = 2
/** One for each point, or that by name; no vector itself. */
export const COLUMNS = 3
/** A vector or vectors. A map here holds other things than vectors. */
export const QUERY = 4
/** Each of its elements may be a vector; numbers are ids. */
export const EXAMPLES = 5

/** Fewer numbers are as quickly made where they are. */
const LEAST_LIFTED = 8
/** Of one body: as many as come in 64 MiB as floats. More are counted as values. */
const MOST_NUMBERS = 16_777_216
const FLOAT_BYTES = 4
const BIN_32 = 0xc6
const BIN_HEAD_BYTES = 5

const ROLES: Readonly<Record<number, readonly string[]>> = {
  [INERT]: ['payload', 'payloads', 'filter', 'metadata', 'indices', 'values', 'options', 'text', 'delete_vectors'],
  [VECTORS]: ['vector'],
  [COLUMNS]: ['vectors'],
  [QUERY]: ['query', 'nearest'],
  [EXAMPLES]: ['positive', 'negative'],
}

/** By length and first letter, which no two of them share but for the few that are compared one after the other. */
const KNOWN_KEYS = new Map<number, { key: Buffer; role: number }[]>()
for (const [role, keys] of Object.entries(ROLES)) {
  for (const key of keys) {
    const bytes = Buffer.from(key)
    const place = placeOf(bytes.length, bytes[0] as number)
    KNOWN_KEYS.set(place, [...(KNOWN_KEYS.get(place) ?? []), { key: bytes, role: Number(role) }])
  }
}

function placeOf(length: number, first: number): number {
  return length * 256 + first
}

/** Of the value behind a key of a map of this role. */
export function roleOf(around: number, bytes: Buffer, start: number, end: number): number {
  if (around === INERT) return INERT
  const known = knownRole(bytes, start, end)
  if (known === INERT) return INERT
  if (around === COLUMNS || known === COLUMNS) return COLUMNS
  return around === VECTORS ? VECTORS : known
}

function knownRole(bytes: Buffer, start: number, end: number): number {
  const candidates = KNOWN_KEYS.get(placeOf(end - start, bytes[start] as number))
  if (candidates === undefined) return PLAIN
  for (const { key, role } of candidates) if (key.compare(bytes, start, end) === 0) return role
  return PLAIN
}

/** Of an element of an array of this role. */
export function roleOfElements(array: number): number {
  if (array === EXAMPLES) return QUERY
  return array === COLUMNS ? VECTORS : array
}

/** Whether an array of this role and length may be a vector. */
export function mayBeVector(role: number, length: number): boolean {
  return (role === VECTORS || role === QUERY) && length >= LEAST_LIFTED
}

/** Arrays of numbers in a body, and the bins that stand for them in a copy of it. */
export class LiftedArrays {
  readonly #bytes: Buffer
  readonly #view: DataView
  /** Of each: where its head begins, where its numbers do, where they end, and how many they are. */
  readonly #spans: number[] = []
  #saved = 0
  #numbers = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0
  }

  /**
   * Takes an array of so many elements, of which each is a number that a float32 holds. Returns where it ends, or -1 where it is
   * anything else.
   */
  take(head: number, begin: number, count: number): number {
    if (this.#numbers + count > MOST_NUMBERS) return -1
    let at = begin
    for (let i = 0; i < count; i++) {
      at = this.#behindNumber(at)
      if (at < 0) return -1
    }
    this.#numbers += count
    this.#spans.push(head, begin, at, count)
    this.#saved += at - head - BIN_HEAD_BYTES - count * FLOAT_BYTES
    return at
  }

  #behindNumber(at: number): number {
    const size = sizeOfNumber(this.#bytes[at])
    if (size === 0 || at + size > this.#bytes.length) return -1
    return size < 5 || Number.isFinite(Math.fround(this.#number(at))) ? at + size : -1
  }

  #number(at: number): number {
    const first = this.#bytes[at] as number
    const view = this.#view
    switch (first) {
      case 0xca:
        return view.getFloat32(at + 1)
      case 0xcb:
        return view.getFloat64(at + 1)
      case 0xcc:
        return view.getUint8(at + 1)
      case 0xcd:
        return view.getUint16(at + 1)
      case 0xce:
        return view.getUint32(at + 1)
      case 0xd0:
        return view.getInt8(at + 1)
      case 0xd1:
        return view.getInt16(at + 1)
      case 0xd2:
        return view.getInt32(at + 1)
      default:
        return first < 0x80 ? first : first - 0x100
    }
  }

  /** Where these places of the body, which are in order and in none of the arrays, are in the one that is rewritten. */
  placesOf(places: readonly number[]): number[] {
    let span = 0
    let shift = 0
    return places.map((place) => {
      for (; (this.#spans[span] ?? place) < place; span += 4) {
        const [head, , end, count] = this.#spans.slice(span, span + 4) as [number, number, number, number]
        shift += end - head - BIN_HEAD_BYTES - count * FLOAT_BYTES
      }
      return place - shift
    })
  }

  /** The body with a bin in the place of each array. */
  rewritten(): Buffer {
    const bytes = this.#bytes
    const out = Buffer.allocUnsafeSlow(bytes.length - this.#saved)
    const view = new DataView(out.buffer)
    let written = 0
    let copied = 0
    for (let i = 0; i < this.#spans.length; i += 4) {
      const [head, begin, end, count] = this.#spans.slice(i, i + 4) as [number, number, number, number]
      written += bytes.copy(out, written, copied, head)
      out[written] = BIN_32
      view.setUint32(written + 1, count * FLOAT_BYTES)
      written += BIN_HEAD_BYTES
      for (let at = begin; at < end; at += sizeOfNumber(bytes[at]), written += FLOAT_BYTES) {
        view.setFloat32(written, this.#number(at), true)
      }
      copied = end
    }
    bytes.copy(out, written, copied)
    return out
  }
}

/** Bytes of a number, with the first one that tells it from others; 0 of anything else, and of integers of 64 bits. */
function sizeOfNumber(first: number | undefined): number {
  if (first === undefined) return 0
  if (first < 0x80 || first >= 0xe0) return 1
  if (first === 0xca || first === 0xce || first === 0xd2) return 5
  if (first === 0xcb) return 9
  if (first === 0xcc || first === 0xd0) return 2
  return first === 0xcd || first === 0xd1 ? 3 : 0
}
