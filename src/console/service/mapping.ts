/** The mapping of a file's columns, and the line that each row is sent as. */
import { writeJson } from './exact-json'
import type { Row, Value } from './row'

export interface Mapping {
  /** Rows that are points as the API has them are sent as they are. */
  asPoints: boolean
  /** The column of ids; null numbers the rows. */
  id: string | null
  /** Columns of vectors, by the vector's name. */
  vectors: Record<string, string>
}

const KEYS_OF_POINTS = new Set(['id', 'vector', 'vectors', 'payload'])

/** The service takes no other keys: a row that has more would lose them. */
function isPoint(value: Value): boolean {
  const { payload = null } = value
  const isObject = typeof payload === 'object' && !Array.isArray(payload)
  const keys = Object.keys(value)
  return 'id' in value && keys.length > 1 && isObject && keys.every((key) => KEYS_OF_POINTS.has(key))
}

/** The first guess: a column called id, and each vector's own name; the unnamed one is called vector. */
export function guess(columns: readonly string[], rows: readonly Row[], vectors: readonly string[]): Mapping {
  const values = rows.map(({ value }) => value).filter((value) => value !== null)
  const lists = columns.filter((column) => values.some((value) => isNumbers(value[column])))
  const taken: Record<string, string> = {}
  for (const vector of vectors) {
    const column = lists.find((name) => name === (vector || 'vector')) ?? (vectors.length === 1 ? lists[0] : undefined)
    if (column !== undefined) taken[vector] = column
  }
  // A list beside the id is a vector of the API only where the collection has an unnamed one.
  const isVector = (value: Value) => vectors.includes('') || !isNumbers(value.vector ?? value.vectors)
  const asPoints = values.length > 0 && values.every((value) => isPoint(value) && isVector(value))
  return { asPoints, id: columns.find((name) => name.toLowerCase() === 'id') ?? null, vectors: taken }
}

function isNumbers(value: unknown): boolean {
  return ArrayBuffer.isView(value) || (Array.isArray(value) && typeof value[0] === 'number')
}

/** The line of a row, as the stream takes it. A row that is broken is sent too: the service counts it and tells why. */
export function lineOf({ text, value, fault }: Row, at: number, { asPoints, id, vectors }: Mapping): string {
  if (fault !== undefined) return 'null'
  if (value === null) return text ?? 'null'
  if (asPoints && isPoint(value)) return text ?? writeJson(value, plain)
  const used = new Set(Object.values(vectors))
  const payload: Value = {}
  for (const [column, cell] of Object.entries(value)) {
    if (column !== id && !used.has(column) && cell !== null && cell !== undefined) payload[column] = cell
  }
  const named = Object.entries(vectors).filter(([, column]) => (value[column] ?? null) !== null)
  const vector = Object.fromEntries(named.map(([name, column]) => [name, value[column]]))
  const point = { id: id === null ? at : value[id], vector: '' in vectors ? (vector[''] ?? {}) : vector, payload }
  return writeJson(point, plain)
}

/** Columns of files have types that JSON lacks. */
export function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>)
  return value
}
