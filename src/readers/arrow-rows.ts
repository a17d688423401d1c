/**
 * An Arrow stream: columns of ids and of vectors, and payload in the others. Batches are decoded row by row, so that no
 * batch holds the thread, however large it is.
 */
import { VicinalError } from '../core/errors.js'
import { type NamedVector, type Payload, type Point, RawJson, UNNAMED_VECTOR } from '../core/point.js'
import { pointBytes } from '../core/point-bytes.js'
import { type ArrowColumn, isThere, rangeOf, readColumns } from './arrow/columns.js'
import { broken, type FlatTable } from './arrow/flatbuffer.js'
import { type ArrowMessage, ArrowMessages, DICTIONARY_BATCH, RECORD_BATCH, SCHEMA } from './arrow/messages.js'
import { type ArrowField, BINARY_KINDS, readSchema } from './arrow/schema.js'
import { JsonValues, vectorAt } from './arrow/values.js'
import type { Hold } from './growing-bytes.js'
import { type FrameBounds, type ReadRow, ROWS_AT_ONCE, type RowColumns, type VectorShape } from './rows.js'

const ID_COLUMN = 'id'
const ID_KINDS: ReadonlySet<string> = new Set(['int', 'utf8', 'large_utf8'])
const UNNAMED_COLUMN = 'vector'
const PAYLOAD_COLUMN = 'payload'
const TEXT_KINDS: ReadonlySet<string> = new Set(['utf8', 'large_utf8'])
const DIGITS = /^(?:0|[1-9]\d{0,19})$/
const LISTS: ReadonlySet<string> = new Set(['list', 'large_list', 'fixed_size_list'])

/** A stream as the service takes it: columns have the names of the vectors, and `vector` is the unnamed one. */
export async function* readArrowRows(pieces: AsyncIterable<Buffer>, bounds: FrameBounds): AsyncGenerator<ReadRow[]> {
  const messages = new ArrowMessages(bounds.frameBytes, bounds.hold)
  const vectors = bounds.vectors.map((name) => [name, name === UNNAMED_VECTOR ? UNNAMED_COLUMN : name] as const)
  const stream = new ArrowBatches(bounds)
  let payload: string | null = null
  for await (const piece of pieces) {
    for (const message of messages.push(piece)) {
      const batch = await stream.read(message)
      if (message.type === SCHEMA) {
        checkIdColumn(stream.fields)
        payload = payloadColumnOf(stream.fields, vectors)
      }
      if (!batch) continue
      bounds.hold(batch.bytes)
      const digits = payload !== null && !bounds.textIds
      for (const rows of batch.rows({ id: ID_COLUMN, vectors, payload })) yield digits ? rows.map(withInteger) : rows
      bounds.hold(-batch.bytes)
    }
  }
  messages.finish()
}

/** A table of an export: its column `payload` has whole payloads as JSON texts, and nothing else is beside the vectors. */
function payloadColumnOf(
  fields: readonly ArrowField[],
  vectors: readonly (readonly [name: string, column: string])[],
): string | null {
  const taken = new Set([ID_COLUMN, ...vectors.map(([, column]) => column)])
  const [other, ...more] = fields.filter(({ name }) => !taken.has(name))
  const isWhole = other?.name === PAYLOAD_COLUMN && TEXT_KINDS.has(other.kind) && more.length === 0
  return isWhole ? PAYLOAD_COLUMN : null
}

/** An export has integers as digits where other ids are UUIDs. */
function withInteger(row: ReadRow): ReadRow {
  if (!('point' in row) || typeof row.point.id !== 'string' || !DIGITS.test(row.point.id)) return row
  const id = BigInt(row.point.id)
  const isSafe = id <= BigInt(Number.MAX_SAFE_INTEGER)
  return { ...row, point: { ...row.point, id: isSafe ? Number(id) : id } }
}

function checkIdColumn(fields: readonly ArrowField[]): void {
  const id = fields.find(({ name }) => name === ID_COLUMN)
  if (!id) throw broken(`expected a column named ${ID_COLUMN}`)
  if (!ID_KINDS.has(id.kind)) throw broken(`column ${ID_COLUMN}: expected integers or texts, got type ${id.kind}`)
}

interface BatchBounds {
  frameBytes: number
  hold: Hold
  /** Columns of bytes are left out; else they are refused. */
  withBinary?: boolean
}

/** Reads the messages of a stream one after the other. */
export class ArrowBatches {
  readonly #bounds: BatchBounds
  #fields: readonly ArrowField[] | null = null
  readonly #dictionaries = new Map<number, ArrowColumn>()
  readonly #dictionaryBytes = new Map<number, number>()

  constructor(bounds: BatchBounds) {
    this.#bounds = bounds
  }

  get fields(): readonly ArrowField[] {
    return this.#fields ?? []
  }

  /** The batch that the message holds; null of other messages. */
  async read(message: ArrowMessage): Promise<ArrowBatch | null> {
    if (message.type === SCHEMA) {
      if (this.#fields) throw broken('a second schema')
      this.useSchema(message.header)
      return null
    }
    if (this.#fields === null) throw broken('expected its schema first')
    if (message.type === DICTIONARY_BATCH) {
      await this.#readDictionary(message, this.#fields)
      return null
    }
    if (message.type !== RECORD_BATCH) throw broken(`a message of type ${message.type}`)
    const { rows, columns } = await readColumns(this.#fields, message.header, message.body, this.#dictionaries)
    return new ArrowBatch(rows, columns, message.body.length)
  }

  /** The schema of a stream, or of a file's footer. */
  useSchema(header: FlatTable): void {
    this.#fields = readSchema(header, this.#bounds.withBinary)
  }

  async #readDictionary({ header, body }: ArrowMessage, fields: readonly ArrowField[]): Promise<void> {
    const id = header.count(0)
    const field = fieldOfDictionary(fields, id)
    const data = header.table(1)
    if (!field || data === null) throw broken(`dictionary ${id}: no column has it`)
    if (header.int8(2) !== 0) throw broken(`dictionary ${id}: additions to a dictionary are not supported`)
    this.#bounds.hold(body.length - (this.#dictionaryBytes.get(id) ?? 0))
    this.#dictionaryBytes.set(id, body.length)
    const bytes = [...this.#dictionaryBytes.values()].reduce((sum, each) => sum + each, 0)
    if (bytes > this.#bounds.frameBytes) {
      throw new VicinalError(
        'TOO_LARGE',
        `Arrow stream: expected dictionaries of at most ${this.#bounds.frameBytes} bytes`,
      )
    }
    const { columns } = await readColumns([{ ...field, dictionary: null }], data, body, this.#dictionaries)
    this.#dictionaries.set(id, columns[0] as ArrowColumn)
  }
}

function fieldOfDictionary(fields: readonly ArrowField[], id: number): ArrowField | null {
  for (const field of fields) {
    if (field.dictionary?.id === id) return field
    const found = fieldOfDictionary(field.children, id)
    if (found) return found
  }
  return null
}

/** The form of the vectors that a column may hold; null: it holds none. Lists of integers are none by default. */
export function vectorKindOf({ kind, children, dictionary }: ArrowField): VectorShape['kind'] | null {
  if (dictionary) return null
  const [item] = children
  if (kind === 'struct') {
    const isSparse = children.length === 2 && children.every(({ kind: of }) => LISTS.has(of))
    return isSparse && children.some(({ name }) => name === 'indices') ? 'sparse' : null
  }
  if (!LISTS.has(kind) || !item || item.dictionary) return null
  if (item.kind === 'float') return 'dense'
  return LISTS.has(item.kind) && item.children[0]?.kind === 'float' ? 'multi' : null
}

export class ArrowBatch {
  readonly count: number
  readonly bytes: number
  readonly #columns: readonly ArrowColumn[]

  constructor(count: number, columns: readonly ArrowColumn[], bytes: number) {
    this.count = count
    this.bytes = bytes
    this.#columns = columns
  }

  /** Columns that hold vectors, with the dimensions of the first vector of each. */
  vectorShapes(): Map<string, VectorShape> {
    const shapes = new Map<string, VectorShape>()
    for (const column of this.#columns) {
      const kind = vectorKindOf(column.field)
      if (kind) shapes.set(column.field.name, { kind, size: kind === 'sparse' ? 0 : this.#sizeOf(column, kind) })
    }
    return shapes
  }

  #sizeOf(column: ArrowColumn, kind: 'dense' | 'multi'): number {
    for (let row = 0; row < this.count; row++) {
      if (!isThere(column, row)) continue
      const [start, end] = rangeOf(column, row)
      if (start === end) continue
      if (kind === 'dense') return end - start
      const [from, to] = rangeOf(column.children[0] as ArrowColumn, start)
      return to - from
    }
    return column.field.kind === 'fixed_size_list' && kind === 'dense' ? column.field.size : 0
  }

  /** Texts of whole payloads in a column that is nothing else; null if it has others. */
  textAt(name: string, row: number): string | null {
    const column = this.#columns.find(({ field }) => field.name === name)
    if (!column || !isThere(column, row)) return null
    const value = new JsonValues().at(column, row)
    return typeof value === 'string' ? value : null
  }

  *rows(chosen: RowColumns): Generator<ReadRow[]> {
    const rows = new BatchRows(this.#columns, chosen)
    for (let start = 0; start < this.count; start += ROWS_AT_ONCE) {
      const length = Math.min(this.count - start, ROWS_AT_ONCE)
      yield Array.from({ length }, (_, i) => rows.row(start + i))
    }
  }
}

class BatchRows {
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

  /** A row that is no point is told; columns that contradict themselves end the stream. */
  row(row: number): ReadRow {
    try {
      const point = this.#pointAt(row)
      return { point, bytes: pointBytes(point, 'row') }
    } catch (error) {
      if (!(error instanceof VicinalError) || error.details.field === 'body') throw error
      return { error, bytes: 0 }
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
