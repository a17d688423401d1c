/** Brings rows of a file to the stream of a collection, piece by piece, so that a broken one can go on. */
import type { Pieces, Row } from './row-files'
import { addressOf, keyOfTab, Refused } from './session'

/** What becomes of the columns of a file. */
export interface Mapping {
  /** The column of ids; null numbers the rows. */
  id: string | null
  /** Columns of vectors, by the vector's name. */
  vectors: Record<string, string>
}

export interface Rejected {
  row: number
  code: string
  error: string
  field?: string
  rule?: string
  action?: string
}

export interface Brought {
  accepted: number
  rejected: number
  quarantined?: number
  fixed?: number
  flagged?: number
  by_rule?: Record<string, number>
  position: number
  errors: Rejected[]
}

const PIECE_CHARS = 4 * 1024 * 1024
const MOST_ERRORS = 1_000

/** Rows that are points as the API has them are sent as they are. */
export function isPoint({ value }: Row): boolean {
  return 'id' in value && ('vector' in value || 'payload' in value)
}

/** The first guess: a column called id, and each vector's own name; the unnamed one is called vector. */
export function guess(columns: readonly string[], rows: readonly Row[], vectors: readonly string[]): Mapping {
  const isList = (column: string) => rows.some(({ value }) => isNumbers(value[column]))
  const lists = columns.filter(isList)
  const taken: Record<string, string> = {}
  for (const vector of vectors) {
    const column = lists.find((name) => name === (vector || 'vector')) ?? (vectors.length === 1 ? lists[0] : undefined)
    if (column !== undefined) taken[vector] = column
  }
  return { id: columns.find((name) => name.toLowerCase() === 'id') ?? null, vectors: taken }
}

export function isNumbers(value: unknown): boolean {
  return ArrayBuffer.isView(value) || (Array.isArray(value) && typeof value[0] === 'number')
}

/** The line of a row, as the stream takes it. */
export function lineOf(row: Row, at: number, { id, vectors }: Mapping): string {
  if (isPoint(row)) return row.text ?? JSON.stringify(row.value, plain)
  const used = new Set(Object.values(vectors))
  const payload: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row.value)) {
    if (column !== id && !used.has(column) && value !== null && value !== undefined) payload[column] = value
  }
  const named = Object.entries(vectors).filter(([, column]) => (row.value[column] ?? null) !== null)
  const vector = Object.fromEntries(named.map(([name, column]) => [name, row.value[column]]))
  const point = { id: id === null ? at : row.value[id], vector: '' in vectors ? (vector[''] ?? {}) : vector, payload }
  return JSON.stringify(point, plain)
}

/** Columns of files have types that JSON lacks. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>)
  return value
}

interface Parts {
  path: string
  pieces: Pieces
  mapping: Mapping
  /** Names the file, so that rows which are stored already are left out. */
  source: string
  signal: AbortSignal
  onProgress(brought: Brought): void
}

export async function bring({ path, pieces, mapping, source, signal, onProgress }: Parts): Promise<Brought> {
  const sum: Brought = { accepted: 0, rejected: 0, position: 0, errors: [] }
  let body: string[] = []
  let chars = 0
  let at = 0
  let from = 0
  const send = async () => {
    if (body.length === 0) return
    addTo(sum, await sendPiece(`${path}/ingest?from=${from}`, `${body.join('\n')}\n`, source, signal))
    body = []
    chars = 0
    from = at
    onProgress({ ...sum })
  }
  for await (const rows of pieces) {
    for (const row of rows) {
      const line = lineOf(row, at++, mapping)
      body.push(line)
      chars += line.length
      if (chars >= PIECE_CHARS) await send()
    }
    signal.throwIfAborted()
  }
  await send()
  return sum
}

function addTo(sum: Brought, piece: Brought): void {
  sum.accepted += piece.accepted
  sum.rejected += piece.rejected
  sum.position = piece.position
  sum.errors.push(...piece.errors.slice(0, MOST_ERRORS - sum.errors.length))
  for (const field of ['quarantined', 'fixed', 'flagged'] as const) {
    if (piece[field] !== undefined) sum[field] = (sum[field] ?? 0) + piece[field]
  }
  for (const [rule, count] of Object.entries(piece.by_rule ?? {})) {
    sum.by_rule ??= {}
    sum.by_rule[rule] = (sum.by_rule[rule] ?? 0) + count
  }
}

/** The last line of the answer has the result, and the error if the stream ended with one. */
async function sendPiece(path: string, body: string, source: string, signal: AbortSignal): Promise<Brought> {
  const key = keyOfTab()
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': source }
  const answer = await fetch(addressOf(path), {
    method: 'POST',
    headers: key === null ? headers : { ...headers, 'api-key': key },
    body,
    signal,
  })
  const last = (await answer.text()).trimEnd().split('\n').at(-1) ?? ''
  const { result, status } = JSON.parse(last)
  if (status !== 'ok') throw new Refused(status.error, answer.status, status.code)
  return result
}
