/**
 * The writer of JSON answers. Payloads are spliced in as stored text, and 64-bit ids are written as integers. Float32
 * values get the digits that give the same float32 back.
 */
import { RawJson } from '../core/point.js'
import { numbersJson } from '../native/vectors.js'
import type { PieceWriter } from './pieces.js'

/** Keys of nearly every answer, quoted once. */
const QUOTED_KEYS = new Map(
  ['id', 'version', 'score', 'payload', 'vector', 'points', 'result', 'status', 'time'].map((key) => [
    key,
    `"${key}":`,
  ]),
)
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      return value === null ? 'null' : objectText(value)
    default:
      return 'null'
  }
}

function objectText(value: object): string {
  if (Array.isArray(value)) return arrayText(value)
  if (value instanceof RawJson) return value.text
  if (value instanceof Float32Array) return `[${numbersJson(value)}]`
  // Indices of sparse vectors.
  if (value instanceof Uint32Array) return `[${value.join()}]`
  if (value instanceof Date) return JSON.stringify(value)
  let text = ''
  for (const key of Object.keys(value)) {
    const property = (value as Record<string, unknown>)[key]
    if (property === undefined) continue
    text += `${text === '' ? '' : ','}${quoted(key)}${propertyText(key, property)}`
  }
  return `{${text}}`
}

function quoted(key: string): string {
  return QUOTED_KEYS.get(key) ?? `${JSON.stringify(key)}:`
}

/** Of all numbers in answers only scores, like vectors, are float32; a payload's are doubles. */
function propertyText(key: string, property: unknown): string {
  return key === 'score' && typeof property === 'number' ? float32Text(property) : jsonText(property)
}

function arrayText(values: readonly unknown[]): string {
  let text = ''
  for (let i = 0; i < values.length; i++) text += (i === 0 ? '' : ',') + jsonText(values[i])
  return `[${text}]`
}

const single = new Float32Array(1)

/** The digits that tell a float32 from its neighbours: 0.1, not 0.10000000149011612. */
export function float32Text(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  // Fused and computed scores are doubles.
  if (Number.isInteger(value) || Math.fround(value) !== value) return String(value)
  single[0] = value
  return numbersJson(single)
}

/** Writes the same text in pieces. */
export class JsonPieces implements PieceWriter {
  #text = ''

  get length(): number {
    return this.#text.length
  }
  beginArray(): void {
    this.#text += '['
  }
  beginMap(): void {
    this.#text += '{'
  }
  next(at: number, key?: string): void {
    if (at > 0) this.#text += ','
    if (key !== undefined) this.#text += quoted(key)
  }
  whole(value: unknown, key = ''): void {
    this.#text += propertyText(key, value)
  }
  endArray(): void {
    this.#text += ']'
  }
  endMap(): void {
    this.#text += '}'
  }
  take(): Buffer {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    return bytes
  }
}
