/** Requests in JSON whose vectors are taken out before they are parsed: as bins of MessagePack, they come as Float32Arrays. */

import type { VicinalError } from '../core/errors.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import type { LiftedVectors } from '../native/addon.js'
import { liftVectors, liftVectorsAside, VECTOR_MARK } from '../native/vectors.js'
import { type Measured, VALUE_BYTES } from './body-bounds.js'
import { formatError, measureJson, parseJson } from './json.js'

/** Shorter ones hold no vector that would be worth it. */
const LEAST_BYTES = 128
/** Longer ones take more than a millisecond: not of the thread that has other requests to read. */
const MOST_BYTES_HERE = 512 * 1024

export function parseVectorJson(bytes: Buffer): unknown {
  return andThen(measureVectorJson(bytes), ({ make }) => make())
}

/** The measure of a request, or the promise of it where the body is large. Vectors take memory outside of V8's heap. */
export function measureVectorJson(bytes: Buffer, field = 'body'): MaybePromise<Measured> {
  if (bytes.length < LEAST_BYTES) return measureJson(bytes, field)
  if (bytes.length > MOST_BYTES_HERE)
    return liftVectorsAside(bytes).then((lifted) => measureLifted(bytes, lifted, field))
  return measureLifted(bytes, liftVectors(bytes), field)
}

function measureLifted(bytes: Buffer, lifted: LiftedVectors | null, field: string): Measured {
  if (lifted === null) return measureJson(bytes, field)
  const { text } = lifted
  const { valueBytes, make } = measureJson(Buffer.from(text.buffer, text.byteOffset, text.byteLength), field)
  return {
    valueBytes: valueBytes + lifted.ends.length * VALUE_BYTES.bin,
    make() {
      let value: unknown
      try {
        value = make()
      } catch (error) {
        throw saidOf(bytes, error, field)
      }
      return restored(value, lifted)
    },
  }
}

/** Errors name places in the text as it came, unless it has too many values for a search. */
function saidOf(bytes: Buffer, error: unknown, field: string): unknown {
  try {
    parseJson(bytes, field)
  } catch (said) {
    return (said as VicinalError).code === 'TOO_LARGE' ? formatError(field) : said
  }
  return error
}

/** Puts the vectors into their places. The parse has bounded the depth of this recursion. */
function restored(value: unknown, lifted: LiftedVectors): unknown {
  if (typeof value === 'string') return value.startsWith(VECTOR_MARK) ? vectorOf(value, lifted) : value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] !== 'number') value[i] = restored(value[i], lifted)
  } else if (value !== null && typeof value === 'object') {
    // JSON.parse made `__proto__` an own property, so this assignment reaches no prototype.
    const record = value as Record<string, unknown>
    for (const key of Object.keys(record)) if (key !== 'payload') record[key] = restored(record[key], lifted)
  }
  return value
}

function vectorOf(placed: string, { floats, ends }: LiftedVectors): Float32Array {
  const at = Number(placed.slice(VECTOR_MARK.length))
  return floats.subarray(at === 0 ? 0 : ends[at - 1], ends[at])
}
