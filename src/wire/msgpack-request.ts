/** Bodies of a client's requests. Payloads that MessagePack cannot say travel as JSON text; other such values fail. */
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { RawJson } from '../core/point.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { payloadText } from '../ingest/payload-text.js'
import { encodeMsgpack, Unencodable } from './msgpack-encoder.js'

const REQUEST = { rawJson: 'text', isStrict: true } as const
/** Properties of bodies whose values have payloads in them. */
const AROUND_PAYLOADS = new Set(['points', 'batch', 'operations', 'upsert', 'set_payload', 'overwrite_payload'])

export function encodeRequest(body: unknown): Buffer {
  try {
    return encodeMsgpack(body, REQUEST)
  } catch (error) {
    if (!(error instanceof Unencodable)) throw error
    return encodeSafely(withPayloadTexts(body, ''))
  }
}

function encodeSafely(body: unknown): Buffer {
  try {
    return encodeMsgpack(body, REQUEST)
  } catch (error) {
    if (!(error instanceof Unencodable)) throw error
    const odd = oddText(body, '', 0)
    if (odd) throw invalid(odd.field, 'expected well-formed Unicode', odd.text)
    throw invalid('body', `expected at most ${LIMITS.jsonDepth} nested levels`)
  }
}

/** The body with payloads as JSON text, in which lone surrogates are escaped. */
function withPayloadTexts(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((one, at) => withPayloadTexts(one, `${field}[${at}]`))
  if (!isPlain(value)) return value
  const told = Object.entries(value).map(([key, one]) => {
    const at = field === '' ? key : `${field}.${key}`
    if (key === 'payload') return [key, textOf(one, at)]
    if (key === 'payloads' && Array.isArray(one)) return [key, one.map((each, row) => textOf(each, `payloads[${row}]`))]
    return [key, AROUND_PAYLOADS.has(key) ? withPayloadTexts(one, at) : one]
  })
  return Object.fromEntries(told)
}

function textOf(payload: unknown, field: string): unknown {
  return isPlain(payload) && !(payload instanceof RawJson) ? new RawJson(payloadText(payload, field)) : payload
}

function oddText(value: unknown, field: string, depth: number): { field: string; text: string } | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : { field, text: value }
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || depth > LIMITS.jsonDepth) return null
  for (const [key, one] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`
    const odd = key.isWellFormed() ? oddText(one, at, depth + 1) : { field, text: key }
    if (odd) return odd
  }
  return null
}
