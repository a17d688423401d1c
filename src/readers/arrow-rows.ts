/**
 * An Arrow stream: columns of ids and of vectors, and payload in the others. Columns of vectors are taken as they are where
 * each row has all of its vectors. Payloads, and all other rows, are decoded some at a time, so that no batch holds the thread.
 */
import { VicinalError } from '../core/errors.js'
import { UNNAMED_VECTOR } from '../core/point.js'
import { BatchRows } from './arrow/batch-rows.js'
import { type ArrowColumn, isThere, rangeOf, readColumns } from './arrow/columns.js'
import { broken, type FlatTable } from './arrow/flatbuffer.js'
import { type ArrowMessage, ArrowMessages, DICTIONARY_BATCH, RECORD_BATCH, SCHEMA } from './arrow/messages.js'
import type { VectorSizes } from './arrow/plain-columns.js'
import { type ArrowField, readSchema } from './arrow/schema.js'
import { JsonValues } from './arrow/values.js'
import type { Hold } from './growing-bytes.js'
import type { FrameBounds, ReadColumns, ReadRow, RowColumns, VectorShape } from './rows.js'

const ID_COLUMN = 'id'
const ID_KINDS: ReadonlySet<string> = new Set(['int', 'utf8', 'large_utf8'])
const UNNAMED_COLUMN = 'vector'
const PAYLOAD_COLUMN = 'payload'
const TEXT_KINDS: ReadonlySet<string> = new Set(['utf8', 'large_utf8'])
const DIGITS = /^(?:0|[1-9]\d{0,19})$/
const LISTS: ReadonlySet<string> = new Set(['list', 'large_list', 'fixed_size_list'])

/** A stream as the service takes it: columns have the names of the vectors, and `vector` is the unnamed one. */
export async function* readArrowRows(
  pieces: AsyncIterable<Buffer>,
  bounds: FrameBounds,
): AsyncGenerator<ReadRow[] | ReadColumns> {
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
      const chosen = { id: ID_COLUMN, vectors, payload }
      if (digits) for (const rows of batch.rows(chosen)) yield rows.map(withInteger)
      else yield* batch.parts(chosen, bounds.sizes ?? new Map())
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
    yield* new BatchRows(this.#columns, chosen).rows(0, this.count)
  }

  /** Rows as columns where each has all that it needs; the others one by one. */
  async *parts(chosen: RowColumns, sizes: VectorSizes): AsyncGenerator<ReadRow[] | ReadColumns> {
    const rows = new BatchRows(this.#columns, chosen)
    const plain = rows.plain(sizes)
    if (!plain) {
      yield* rows.rows(0, this.count)
      return
    }
    for (let start = 0; start < this.count; ) {
      const read = await rows.columns(plain, start)
      const { length } = read.columns.ids
      if (length > 0) yield read
      else yield* rows.rows(start, start + 1)
      start += Math.max(1, length)
    }
  }
}
