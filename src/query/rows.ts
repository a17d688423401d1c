import type { Hit, ReadOptions, StoredPoint, WithPayload, WithVector } from '../core/database.js'
import { noSuchVector, VicinalError } from '../core/errors.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import {
  decodeId,
  ID_WORDS,
  type Payload,
  RawJson,
  type StoredSparseVector,
  type StoredVector,
  UNNAMED_VECTOR,
} from '../core/point.js'
import type { Schema, SchemaVector } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import { splitTextId } from '../core/text-ids.js'
import { selectPayload } from '../filter/payload.js'
import { parsePayload, writePayload } from '../filter/payload-json.js'
import type { OrderedBlock, RowBlock, RowFields, SearchResult, SparseBuffers } from '../native/addon.js'
import type { BytesRead } from './explain.js'
import type { QueryScope } from './source.js'
import { encodedIds, listOf, type Steps, Turns } from './turns.js'

const NO_VECTORS = new Uint32Array(0)
/** Hits that are built without pauses for other work. */
const MOST_AT_ONCE = 1000

/** The fields of a point that a reader asked for, checked: for the kernel (fields) and for building points. */
export interface Projection {
  fields: RowFields
  /** Names of the vectors in `fields`, in that order, with their dimensions, and whether rows have several. */
  vectorNames: string[]
  sizes: number[]
  isMulti: boolean[]
  payload: { include?: readonly string[]; exclude?: readonly string[] } | null
  rawPayload: boolean
  /** Ids are told as their texts, which are in the payload texts. */
  textIds: boolean
}

/** A read with a bound on its memory. */
export interface BoundedRead {
  mostBytes?: number | undefined
}

/** Adds the bytes taken earlier to the error of a read that needs more memory than it may take. */
export function wantingMore(error: unknown, takenBytes: number): unknown {
  if (!(error instanceof VicinalError) || typeof error.details.wantedBytes !== 'number') return error
  const details = { wantedBytes: error.details.wantedBytes + takenBytes }
  return new VicinalError(error.code, error.message, { cause: error, details })
}

/** `textIds: false` is for hits whose ids are looked up again. */
export function projectionOf(
  options: ReadOptions & BoundedRead,
  schema: Schema,
  textIds = schema.textIds ?? false,
): Projection {
  const { mostBytes } = options
  const payload = payloadSelection(options.withPayload ?? true)
  const vectorNames = vectorSelection(options.withVector ?? false, schema)
  const rawPayload = options.rawPayload ?? false
  if (vectorNames.length === 0) {
    const fields = fieldsOf(textIds || payload !== null, NO_VECTORS, mostBytes)
    return { fields, vectorNames, sizes: [], isMulti: [], payload, rawPayload, textIds }
  }
  const vectors = Uint32Array.from(vectorNames, (name) => schema.findIndex((vector) => vector.name === name))
  const chosen = Array.from(vectors, (vector) => schema[vector] as SchemaVector)
  return {
    fields: fieldsOf(textIds || payload !== null, vectors, mostBytes),
    vectorNames,
    sizes: chosen.map(({ size }) => size),
    isMulti: chosen.map(({ multivectorConfig }) => multivectorConfig !== undefined),
    payload,
    rawPayload,
    textIds,
  }
}

/** The row data that the kernel reads, and the bound on its bytes. */
export function fieldsOf(payload: boolean, vectors: Uint32Array, mostBytes: number | undefined): RowFields {
  return mostBytes === undefined ? { payload, vectors } : { payload, vectors, mostBytes }
}

function payloadSelection(selector: WithPayload): Projection['payload'] {
  if (typeof selector === 'boolean') return selector ? {} : null
  return Array.isArray(selector) ? { include: selector } : (selector as { include: readonly string[] })
}

function vectorSelection(selector: WithVector, schema: Schema): string[] {
  if (typeof selector === 'boolean') return selector ? schema.map((vector) => vector.name) : []
  const unknown = selector.find((name) => !schema.some((vector) => vector.name === name))
  if (unknown !== undefined) throw noSuchVector('withVector', unknown)
  return [...new Set(selector)]
}

/** Turns the kernel's columns into points. `at` is the row of the block. */
export class RowReader {
  readonly #block: RowBlock
  readonly #projection: Projection
  readonly #texts: Buffer | null
  /** For each vector asked for, where each row's vectors begin; null if every row has one. */
  readonly #starts: (Uint32Array | null)[]

  constructor(block: RowBlock, projection: Projection) {
    this.#block = block
    this.#projection = projection
    const bytes = block.payloads?.bytes
    this.#starts = block.vectors.map(({ counts }, i) => (projection.isMulti[i] ? startsOf(counts) : null))
    this.#texts = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : null
  }

  point<P>(at: number): StoredPoint<P> {
    const told = this.#projection.textIds ? splitTextId(this.#textAt(at)) : null
    const point: StoredPoint<P> = { id: told?.textId ?? decodeId(this.#block.ids, at * ID_WORDS) }
    if (this.#projection.payload) point.payload = this.#payload(told ? told.payload : this.#textAt(at)) as P
    const vector = this.#vector(at)
    if (vector) point.vector = vector
    return point
  }

  /** All rows of the block. */
  points<P>(): Steps<StoredPoint<P>[]> {
    return listOf(this.#block.count, (at) => this.point<P>(at))
  }

  /** The object is made at once, because properties added later are stored separately. */
  hit<P>(at: number, score: number): Hit<P> {
    const told = this.#projection.textIds ? splitTextId(this.#textAt(at)) : null
    const id = told?.textId ?? decodeId(this.#block.ids, at * ID_WORDS)
    const version = this.#block.seqs[at] as number
    const hit: Hit<P> = this.#projection.payload
      ? { id, version, score, payload: this.#payload(told ? told.payload : this.#textAt(at)) as P }
      : { id, version, score }
    const vector = this.#vector(at)
    if (vector !== undefined) hit.vector = vector
    return hit
  }

  /** The stored text of a payload; '' if it is empty. */
  #textAt(at: number): string {
    const { offsets } = this.#block.payloads as { offsets: Uint32Array }
    const start = offsets[at] as number
    const end = offsets[at + 1] as number
    return end > start ? (this.#texts as Buffer).toString('utf8', start, end) : ''
  }

  #payload(stored: string): Payload | RawJson {
    const text = stored === '' ? '{}' : stored
    const { include, exclude } = this.#projection.payload as NonNullable<Projection['payload']>
    if (include || exclude) {
      const selected = selectPayload(
        parsePayload(text),
        include ? { include } : { exclude: exclude as readonly string[] },
      )
      return this.#projection.rawPayload ? new RawJson(writePayload(selected)) : selected
    }
    return this.#projection.rawPayload ? new RawJson(text) : parsePayload(text)
  }

  /** The unnamed vector as it is; named vectors as a record of the present ones. */
  #vector(at: number): StoredPoint['vector'] {
    const { vectorNames } = this.#projection
    if (vectorNames.length === 0) return undefined
    const named: Record<string, StoredVector> = Object.create(null) as Record<string, StoredVector>
    for (let i = 0; i < vectorNames.length; i++) {
      const column = this.#block.vectors[i] as RowBlock['vectors'][number]
      const { data, counts } = column
      if (!counts[at]) continue
      if (column.sparse) {
        named[vectorNames[i] as string] = sparseOfRow(column, at)
        continue
      }
      const vector = this.#vectorAt(i, at, data, counts[at] as number)
      named[vectorNames[i] as string] = vector
    }
    const unnamed = named[UNNAMED_VECTOR]
    return unnamed && Object.keys(named).length === 1 ? unnamed : { ...named }
  }

  #vectorAt(vector: number, at: number, data: Float32Array, count: number): StoredVector {
    const size = this.#projection.sizes[vector] as number
    const starts = this.#starts[vector]
    if (!starts) return data.slice(at * size, (at + 1) * size)
    const first = starts[at] as number
    return Array.from({ length: count }, (_, i) => data.slice((first + i) * size, (first + i + 1) * size))
  }
}

/** Where the vectors of each row begin, and where the last ones end. */
export function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1)
  for (let row = 0; row < counts.length; row++) starts[row + 1] = (starts[row] as number) + (counts[row] as number)
  return starts
}

/** The sparse vector of a row. */
export function sparseOfRow({ data, sparse }: RowBlock['vectors'][number], row: number): StoredSparseVector {
  const { indices, offsets } = sparse as SparseBuffers
  const from = offsets[row] as number
  const to = offsets[row + 1] as number
  return { indices: indices.slice(from, to), values: data.slice(from, to) }
}

/** The value by which row `row` was ordered. */
export function orderValueAt({ values }: OrderedBlock, row: number): number | bigint {
  const value = values[row] as number | bigint
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** The kernel's rows as hits. */
export function hitsOf<P>(
  result: SearchResult,
  projection: Projection,
  call: Stoppable | undefined,
): MaybePromise<Hit<P>[]> {
  const { count } = result
  const hitAt = hitReader<P>(result, projection)
  if (count > MOST_AT_ONCE) return new Turns(call).take(listOf(count, hitAt))
  const hits: Hit<P>[] = new Array(count)
  for (let at = 0; at < count; at++) hits[at] = hitAt(at)
  return hits
}

function hitReader<P>(result: SearchResult, projection: Projection): (at: number) => Hit<P> {
  const { ids, seqs, scores } = result
  if (projection.payload || projection.textIds || projection.vectorNames.length > 0) {
    const reader = new RowReader(result, projection)
    return (at) => reader.hit<P>(at, scores[at] as number)
  }
  return (at) => ({ id: decodeId(ids, at * ID_WORDS), version: seqs[at] as number, score: scores[at] as number })
}

/** The hits with the fields that the caller asked for. Points deleted meanwhile are left out. */
export function withFields(
  { source, call }: Pick<QueryScope, 'source' | 'call'>,
  hits: readonly Hit[],
  projection: Projection,
  read?: BytesRead,
): MaybePromise<Hit[]> {
  const { fields } = projection
  if (hits.length === 0 || (!fields.payload && fields.vectors.length === 0)) return [...hits]
  const ids = new Turns(call).take(encodedIds(hits.length, (at) => (hits[at] as Hit).id))
  return andThen(
    andThen(ids, (asked) => source.shard.retrieve(asked, fields, call)),
    (block) => {
      read?.add(block)
      return new Turns(call).take(filled(block, hits, projection))
    },
  )
}

function filled(
  block: RowBlock & { positions: Uint32Array },
  hits: readonly Hit[],
  projection: Projection,
): Steps<Hit[]> {
  const reader = new RowReader(block, projection)
  return listOf(block.count, (row) => {
    const { version, score, orderValue } = hits[block.positions[row] as number] as Hit
    const { id, payload, vector } = reader.point<Payload>(row)
    return {
      id,
      version,
      score,
      ...(payload === undefined ? {} : { payload }),
      ...(vector === undefined ? {} : { vector }),
      ...(orderValue === undefined ? {} : { orderValue }),
    }
  })
}
