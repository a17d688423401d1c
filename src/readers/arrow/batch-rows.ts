/** Rows of a record batch as points: one by one, or as columns. */
import { rowsOf } from '../../core/column-rows.js'
import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { type NamedVector, type Payload, type Point, RawJson } from '../../core/point.js'
import { payloadBytes, pointBytes } from '../../core/point-bytes.js'
import { nextTurn } from '../../core/turn-budget.js'
import { type ReadColumns, type ReadRow, ROWS_AT_ONCE, type RowColumns } from '../rows.js'
import { type ArrowColumn, isThere } from './columns.js'
import { type PlainColumns, plainColumnsOf, type VectorSizes } from './plain-columns.js'
import { BINARY_KINDS } from './schema.js'
import { JsonValues, vectorAt } from './values.js'

/** How long payloads may be read in one go. */
const MOST_MS = 2

/** The rows of a record batch: its columns of ids, of vectors and of payload. */
export class BatchRows {
  readonly #id: ArrowColumn | null
  readonly #vectors: readonly (readonly [name: string, column: ArrowColumn])[]
  readonly #texts: ArrowColumn | null
  readonly #payload: readonly ArrowColumn[]

  constructor(columns: readonly ArrowColumn[], chosen: RowColumns) {
    const named = (name: string | null | undefined) => columns.find(({ field }) => field.name === name) ?? null
    this.#id = named(chosen.id)
    this.#texts = named(chosen.payload)
    this.#vectors = chosen.vectors.flatMap(([name, of]) => {
      const column = named(of)
      return column && column !== this.#id ? [[name, column] as const] : []
    })
    const taken = new Set([this.#id, this.#texts, ...this.#vectors.map(([, column]) => column)])
    this.#payload = columns.filter((column) => !taken.has(column) && !BINARY_KINDS.has(column.field.kind))
  }

  *rows(from: number, to: number): Generator<ReadRow[]> {
    for (let start = from; start < to; start += ROWS_AT_ONCE) {
      const length = Math.min(to - start, ROWS_AT_ONCE)
      yield Array.from({ length }, (_, i) => this.#row(start + i))
    }
  }

  /** Null where rows may differ in form, and have to be read one by one. */
  plain(sizes: VectorSizes): PlainColumns | null {
    return plainColumnsOf(this.#id, this.#vectors, sizes)
  }

  /** As many rows as a batch of a stream may have; none where the first one is no point. */
  async columns({ ids, vectors }: PlainColumns, from: number): Promise<ReadColumns> {
    const { length } = ids
    const sizes = Object.values(vectors).map((column) => column.byteLength / length)
    const rowBytes = sizes.reduce((sum, each) => sum + each, 0)
    const payloads: (Payload | RawJson | null)[] = []
    let bytes = 0
    let end = from
    let startedMs = performance.now()
    // A few rows at the end are no batch of their own.
    const isFull = () => bytes >= LIMITS.ingestBatchBytes && (length - end) * rowBytes > LIMITS.ingestBatchBytes / 4
    while (end < length && end - from < LIMITS.ingestBatchRows && !isFull()) {
      const payload = this.#hasPayload ? this.#payloadIfAny(end) : null
      if (payload === undefined) break
      if (this.#hasPayload) payloads.push(payload)
      bytes += rowBytes + (payload === null ? 0 : payloadBytes(payload, 'row.payload'))
      end++
      if (end % ROWS_AT_ONCE > 0 || performance.now() - startedMs < MOST_MS) continue
      await nextTurn()
      startedMs = performance.now()
    }
    const columns = rowsOf({ ids, vectors }, from, end)
    return { columns: this.#hasPayload ? { ...columns, payloads } : columns, bytes }
  }

  get #hasPayload(): boolean {
    return this.#texts !== null || this.#payload.length > 0
  }

  /** undefined: the row is no point. */
  #payloadIfAny(row: number): Payload | RawJson | null | undefined {
    try {
      return this.#payloadAt(row)
    } catch (error) {
      if (isOfBatch(error)) throw error
      return undefined
    }
  }

  /** A row that is no point is told; columns that contradict themselves end the stream. */
  #row(row: number): ReadRow {
    try {
      const point = this.#pointAt(row)
      return { point, bytes: pointBytes(point, 'row') }
    } catch (error) {
      if (isOfBatch(error)) throw error
      return { error: error as VicinalError, bytes: 0 }
    }
  }

  #pointAt(row: number): Point<unknown> {
    const id = (this.#id ? new JsonValues().at(this.#id, row) : undefined) as Point['id']
    const vectors: [string, NamedVector][] = []
    for (const [name, column] of this.#vectors) {
      const vector = vectorAt(column, row)
      if (vector !== undefined) vectors.push([name, vector])
    }
    return { id, vector: Object.fromEntries(vectors), payload: this.#payloadAt(row) }
  }

  /** Values that are null are left out. */
  #payloadAt(row: number): Payload | RawJson | null {
    if (this.#texts) {
      const text = new JsonValues().at(this.#texts, row)
      return text === null ? null : new RawJson(String(text))
    }
    if (this.#payload.length === 0) return null
    const values = new JsonValues()
    const entries: [string, unknown][] = []
    for (const column of this.#payload) {
      if (isThere(column, row)) entries.push([column.field.name, values.at(column, row)])
    }
    return Object.fromEntries(entries)
  }
}

/** Whether the batch contradicts itself; else it is the row that is no point. */
function isOfBatch(error: unknown): boolean {
  return !(error instanceof VicinalError) || error.details.field === 'body'
}
