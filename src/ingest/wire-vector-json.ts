/** Requests in JSON whose vectors are taken out before they are parsed: as bins of MessagePack, they come as Float32Arrays. */
import type { LiftedVectors } from '../native/addon.js'
import { liftVectors, liftVectorsAside, VECTOR_MARK } from '../native/vector-json.js'
import { parseJson } from './wire-json.js'

/** Shorter ones hold no vector that would be worth it. */
const LEAST_BYTES = 128
/** Longer ones take more than a millisecond: not of the thread that has other requests to read. */
const MOST_BYTES_HERE = 512 * 1024

/** A value, or the promise of it where the body is large. */
export function parseVectorJson(bytes: Buffer): unknown {
  if (bytes.length < LEAST_BYTES) return parseJson(bytes)
  if (bytes.length > MOST_BYTES_HERE) return liftVectorsAside(bytes).then((lifted) => parseLifted(bytes, lifted))
  return parseLifted(bytes, liftVectors(bytes))
}

function parseLifted(bytes: Buffer, lifted: LiftedVectors | null): unknown {
  if (lifted === null) return parseJson(bytes)
  const { text } = lifted
  let value: unknown
  try {
    value = parseJson(Buffer.from(text.buffer, text.byteOffset, text.byteLength))
  } catch {
    // What is said of it names places in the text as it came.
    return parseJson(bytes)
  }
  return restored(value, lifted)
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
