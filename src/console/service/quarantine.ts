/** Rules of a collection, and the records that they sent to its quarantine; docs/ingest.md explains each field. */
import type { PointId } from './types'

export interface Rule {
  name?: string
  check: string
  vector?: string
  key?: string
  action: string
  fix?: string
  [setting: string]: unknown
}

export interface Ingestion {
  rules: Rule[]
  quarantine?: string
  whole_batches?: boolean
}

/** A row that was kept back. */
export interface QuarantinedRecord {
  id: PointId
  payload: {
    collection: string
    source: string | null
    position: number | null
    rule: string
    check: string
    reason: string
    field?: string
    /** `text`: the beginning of a row that is too long or too deep for a payload, in place of its parts. */
    record: { id: unknown; vector?: unknown; payload?: unknown; text?: string }
    quarantined_at: string
  }
}

export interface RepairResult {
  repaired: number
  kept: number
  absent: number
  errors: { id: string; error: string; field?: string; rule?: string }[]
}

export const FIXES = ['normalise', 'clamp', 'drop'] as const

/** Components shown of a vector. */
const SHOWN = 8

/** The vectors of a record, by name, as people read them. */
export function vectorTexts(vector: unknown): [name: string, text: string][] {
  if (!isObject(vector) || 'base64' in vector) return vector === undefined ? [] : [['unnamed', textOf(vector)]]
  return Object.entries(vector).map(([name, one]) => [name || 'unnamed', textOf(one)])
}

/** Vectors that can be changed by hand: those that JSON can hold. */
export function plainVectors(vector: unknown): unknown {
  if (Array.isArray(vector)) return numbersOf(vector) ?? undefined
  if (!isObject(vector) || 'base64' in vector) return undefined
  const plain = Object.entries(vector).filter(([, one]) => plainVectors(one) !== undefined)
  return plain.length === 0 ? undefined : Object.fromEntries(plain)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(vector: unknown): string {
  if (isObject(vector) && typeof vector.base64 === 'string') return textOfNumbers(floatsOf(vector.base64))
  if (isObject(vector) && Array.isArray(vector.indices) && Array.isArray(vector.values)) {
    return `sparse, ${vector.indices.length} indices: ${short(vector.indices)} with ${short(vector.values)}`
  }
  if (!Array.isArray(vector)) return JSON.stringify(vector) ?? 'missing'
  const numbers = numbersOf(vector)
  return numbers ? textOfNumbers(numbers) : `${vector.length} vectors`
}

/** Components are floats: one beyond 2^53 was read as an integer. Null for lists of vectors. */
function numbersOf(vector: readonly unknown[]): number[] | null {
  const numbers = vector.map((part) => (typeof part === 'bigint' ? Number(part) : part))
  return numbers.every((part) => typeof part === 'number') ? numbers : null
}

function textOfNumbers(numbers: readonly number[]): string {
  const wrong = numbers.flatMap((value, at) => (Number.isFinite(value) ? [] : [`${value} at ${at}`]))
  const norm = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0))
  const about = wrong.length > 0 ? `not finite: ${short(wrong)}` : `norm ${Number(norm.toPrecision(4))}`
  return `${numbers.length} dimensions, ${about}; ${short(numbers)}`
}

function short(values: readonly unknown[]): string {
  const shown = values
    .slice(0, SHOWN)
    .map((value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value))
  return `${shown.join(', ')}${values.length > SHOWN ? ', …' : ''}`
}

/** Little-endian float32, as the service writes vectors that JSON cannot hold. */
function floatsOf(base64: string): number[] {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => view.getFloat32(4 * at, true))
}
