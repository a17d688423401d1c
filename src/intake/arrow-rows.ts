/**
 * An Arrow stream: a column `id`, one column for each vector by its name (`vector` for the unnamed one), and payload in the
 * others. Batches are decoded row by row, so that no batch holds the thread, however large it is.
 */
import { VicinalError } from '../core/errors.js'
import { type NamedVector, type Payload, type Point, UNNAMED_VECTOR } from '../core/point.js'
import { pointBytes } from '../core/point-bytes.js'
import { type ArrowColumn, isThere, readColumns } from './arrow/columns.js'
import { broken } from './arrow/flatbuffer.js'
import { type ArrowMessage, ArrowMessages, DICTIONARY_BATCH, RECORD_BATCH, SCHEMA } from './arrow/messages.js'
import { type ArrowField, readSchema } from './arrow/schema.js'
import { JsonValues, vectorAt } from './arrow/values.js'
import { type FrameBounds, type ReadRow, ROWS_AT_ONCE } from './rows.js'

const ID_COLUMN = 'id'
const ID_KINDS: ReadonlySet<string> = new Set(['int', 'utf8', 'large_utf8'])
const UNNAMED_COLUMN = 'vector'

export async function* readArrowRows(pieces: AsyncIterable<Buffer>, bounds: FrameBounds): AsyncGenerator<ReadRow[]> {
  const messages = new ArrowMessages(bounds.frameBytes, bounds.hold)
  const stream = new ArrowRows(bounds)
  for await (const piece of pieces) for (const message of messages.push(piece)) yield* stream.read(message)
  messages.finish()
}

class ArrowRows {
  readonly #bounds: FrameBounds
  #fields: readonly ArrowField[] | null = null
  readonly #dictionaries = new Map<number, ArrowColumn>()
  #dictionaryBytes = new Map<number, number>()

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds
  }

  async *read(message: ArrowMessage): AsyncGenerator<ReadRow[]> {
    if (message.type === SCHEMA) this.#readSchema(message)
    else if (this.#fields === null) throw broken('expected its schema first')
    else if (message.type === DICTIONARY_BATCH) await this.#readDictionary(message, this.#fields)
    else if (message.type === RECORD_BATCH) yield* this.#readBatch(message, this.#fields)
    else throw broken(`a message of type ${message.type}`)
  }

  #readSchema({ header }: ArrowMessage): void {
    if (this.#fields) throw broken('a second schema')
    this.#fields = readSchema(header)
    const id = this.#fields.find(({ name }) => name === ID_COLUMN)
    if (!id) throw broken(`expected a column named ${ID_COLUMN}`)
    if (!ID_KINDS.has(id.kind)) throw broken(`column ${ID_COLUMN}: expected integers or texts, got type ${id.kind}`)
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

  async *#readBatch({ header, body }: ArrowMessage, fields: readonly ArrowField[]): AsyncGenerator<ReadRow[]> {
    const { rows, columns } = await readColumns(fields, header, body, this.#dictionaries)
    const batch = new BatchRows(columns, this.#bounds.vectors)
    this.#bounds.hold(body.length)
    for (let start = 0; start < rows; start += ROWS_AT_ONCE) {
      const end = Math.min(rows, start + ROWS_AT_ONCE)
      yield Array.from({ length: end - start }, (_, i) => batch.row(start + i))
    }
    this.#bounds.hold(-body.length)
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

class BatchRows {
  readonly #id: ArrowColumn
  readonly #vectors: readonly [name: string, column: ArrowColumn][]
  readonly #payload: readonly ArrowColumn[]

  constructor(columns: readonly ArrowColumn[], names: readonly string[]) {
    const named = (name: string) => columns.find(({ field }) => field.name === name)
    this.#id = named(ID_COLUMN) as ArrowColumn
    this.#vectors = names.flatMap((name): [string, ArrowColumn][] => {
      const column = named(name === UNNAMED_VECTOR ? UNNAMED_COLUMN : name)
      return column && column !== this.#id ? [[name, column]] : []
    })
    const taken = new Set([this.#id, ...this.#vectors.map(([, column]) => column)])
    this.#payload = columns.filter((column) => !taken.has(column))
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
    const id = new JsonValues().at(this.#id, row) as Point['id']
    const vectors: [string, NamedVector][] = []
    for (const [name, column] of this.#vectors) {
      const vector = vectorAt(column, row)
      if (vector !== undefined) vectors.push([name, vector])
    }
    return { id, vector: Object.fromEntries(vectors), payload: this.#payloadAt(row) }
  }

  /** Values that are null are left out. */
  #payloadAt(row: number): Payload | null {
    if (this.#payload.length === 0) return null
    const values = new JsonValues()
    const entries: [string, unknown][] = []
    for (const column of this.#payload) {
      if (isThere(column, row)) entries.push([column.field.name, values.at(column, row)])
    }
    return Object.fromEntries(entries)
  }
}
