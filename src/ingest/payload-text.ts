import { parseBigJson } from '../core/big-json.js'
import { dateText } from '../core/date-text.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { type Payload, RawJson, type TextColumn } from '../core/point.js'
import { joinTextId, TEXT_ID_KEY, textIdOf } from '../core/text-ids.js'
import { writePayload } from '../filter/payload-json.js'
import { eachRow, type Flaws } from './flaws.js'

const encoder = new TextEncoder()
const FIRST_CAPACITY = 4096

/**
 * The JSON text in which a payload is stored. Refuses values that JSON would change silently: NaN, functions, deep
 * nesting.
 */
export function payloadText(payload: unknown, field: string): string {
  const value = payload instanceof RawJson ? parseText(payload.text, field) : payload
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(field, 'expected an object', value)
  }
  if (Object.hasOwn(value, TEXT_ID_KEY)) throw invalid(field, 'expected no key that is reserved for ids', TEXT_ID_KEY)
  const text = hasBigInt(value, field, 0) ? writePayload(value as Payload) : JSON.stringify(value)
  if (text.length > LIMITS.payloadBytes) {
    throw invalid(field, `expected at most ${LIMITS.payloadBytes} bytes of JSON`, text.length)
  }
  return text
}

function parseText(text: string, field: string): unknown {
  try {
    return parseBigJson(text)
  } catch (cause) {
    throw invalid(field, `expected JSON text (${(cause as Error).message})`)
  }
}

/** Walks a payload once. Returns true if it contains a bigint, which JSON.stringify refuses. */
function hasBigInt(value: unknown, field: string, depth: number): boolean {
  switch (typeof value) {
    case 'bigint':
      return true
    case 'number':
      if (!Number.isFinite(value)) throw invalid(field, 'expected finite numbers', value)
      return false
    case 'function':
    case 'symbol':
      throw invalid(field, 'expected JSON values', value)
    case 'object':
      break
    default:
      return false
  }
  if (value === null) return false
  if (value instanceof Date) return dateText(value, field) === ''
  if (depth >= LIMITS.jsonDepth) throw invalid(field, `expected at most ${LIMITS.jsonDepth} nested levels`)
  // JSON has no form for these: stringify would write {} or an object of positions.
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set)
    throw invalid(field, 'expected JSON values', value)
  let found = false
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    if (hasBigInt(child, field, depth + 1)) found = true
  }
  return found
}

/** Collects texts end to end in one buffer, encoding each once. */
export class TextColumnBuilder {
  readonly #offsets: Uint32Array
  #bytes = new Uint8Array(FIRST_CAPACITY)
  #length = 0
  #count = 0

  constructor(count: number) {
    this.#offsets = new Uint32Array(count + 1)
  }

  push(text: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(this.#length + text.length * 3)
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
    this.#offsets[++this.#count] = this.#length
  }

  finish(): TextColumn {
    return { bytes: this.#bytes.subarray(0, this.#length), offsets: this.#offsets }
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(bytes, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/**
 * Payloads as a text column; null if all of them are absent. `ids` of a collection whose ids are texts go into the
 * column.
 */
export function payloadColumn(
  payloads: readonly (Payload | RawJson | null | undefined)[],
  field: (row: number) => string,
  ids: readonly unknown[] | null = null,
  flaws: Flaws | null = null,
): TextColumn | null {
  if (ids === null && payloads.every((payload) => payload === null || payload === undefined)) return null
  const builder = new TextColumnBuilder(payloads.length)
  const push = (row: number) => {
    const payload = payloads[row]
    const text = payload === null || payload === undefined ? '' : payloadText(payload, field(row))
    builder.push(ids === null ? text : joinTextId(textIdOf(ids[row]), text))
  }
  eachRow(payloads.length, flaws, push, () => builder.push(''))
  return builder.finish()
}
