/** Rows of a file that a browser holds, read piece by piece. */
import { bytes as bytesText } from '../parts/words'
import { readJson, writeJson } from './exact-json'
import { causeOf } from './json-fault'
import type { Row, Value } from './row'

export interface Piece {
  rows: Row[]
  /** Of the file that is read, 0 to 1. */
  share: number
  /** Rows of the whole file, where it tells. */
  all?: number
}

export type Pieces = AsyncIterable<Piece>

const PIECE_ROWS = 2_000
/** Of a line. The service refuses longer rows in any case. */
const MOST_LINE_CHARS = 64 * 1024 * 1024
/** A JSON array is read whole: it has no lines at which it could be cut. */
const MOST_ARRAY_BYTES = 256 * 1024 * 1024
/** Unpacked. A row group of Parquet is read whole: its columns lie one after the other. */
const MOST_GROUP_BYTES = 128 * 1024 * 1024

export const ACCEPTED = '.ndjson,.jsonl,.json,.csv,.parquet'

/** Throws where no reader knows the file by its name. */
export function readRows(file: File): Pieces {
  const kind = file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase()
  if (kind === 'ndjson' || kind === 'jsonl') return lines(file)
  if (kind === 'json') return array(file)
  if (kind === 'csv') return csv(file)
  if (kind === 'parquet') return parquet(file)
  throw new Error(`${file.name}: expected a name that ends with one of ${ACCEPTED.replaceAll(',', ' ')}`)
}

/** The text of the file, with the share that is read. */
async function* texts(file: File): AsyncGenerator<{ text: string; share: number }> {
  const decoder = new TextDecoder()
  const reader = file.stream().getReader()
  let read = 0
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    read += piece.value.byteLength
    yield { text: decoder.decode(piece.value, { stream: true }), share: read / file.size }
  }
  yield { text: decoder.decode(), share: 1 }
}

async function* lines(file: File): Pieces {
  /** Parts of the line that has no end yet. */
  let open: string[] = []
  let openChars = 0
  let line = 0
  const rowsOf = (texts: string[]) =>
    texts.flatMap((text) => {
      line++
      return text.trim() === '' ? [] : [lineRow(text, line)]
    })
  for await (const { text, share } of texts(file)) {
    const cut = text.lastIndexOf('\n')
    if (cut >= 0) {
      const rows = rowsOf((open.join('') + text.slice(0, cut)).split('\n'))
      open = []
      openChars = 0
      yield { rows, share }
    }
    open.push(text.slice(cut + 1))
    openChars += text.length - cut - 1
    if (openChars > MOST_LINE_CHARS)
      throw new Error(`${file.name}, line ${line + 1}: expected a line of at most ${bytesText(MOST_LINE_CHARS)}`)
  }
  yield { rows: rowsOf([open.join('')]), share: 1 }
}

function lineRow(text: string, line: number): Row {
  try {
    return { text, value: objectOf(readJson(text)), line }
  } catch {
    return { text, value: null, line }
  }
}

function objectOf(value: unknown): Value | null {
  return typeof value === 'object' && !Array.isArray(value) ? (value as Value | null) : null
}

async function* array(file: File): Pieces {
  if (file.size > MOST_ARRAY_BYTES) throw new Error(`${file.name}: too large for a JSON array; use JSON lines`)
  const values = valueIn(file.name, await file.text())
  if (!Array.isArray(values)) throw new Error(`${file.name}: expected an array of rows`)
  const rowOf = (value: unknown): Row => {
    const object = objectOf(value)
    return object ? { value: object } : { value: null, text: writeJson(value) }
  }
  for (const { found, share } of slices(values, values.length, 0))
    yield { rows: found.map(rowOf), share, all: values.length }
}

function valueIn(name: string, text: string): unknown {
  try {
    return readJson(text)
  } catch (failure) {
    throw new Error(`${name}: ${causeOf(text) ?? (failure as Error).message}`)
  }
}

/** A few rows at a time. The values begin at a row of all. */
function* slices<T>(values: readonly T[], all: number, begin: number): Generator<{ found: T[]; share: number }> {
  for (let at = 0; at < values.length; at += PIECE_ROWS) {
    const found = values.slice(at, at + PIECE_ROWS)
    yield { found, share: (begin + at + found.length) / all }
  }
}

async function* csv(file: File): Pieces {
  const { CsvRows } = await import('./csv')
  const reader = new CsvRows(file.name)
  for await (const { text, share } of texts(file)) {
    const rows = reader.take(text)
    if (rows.length > 0) yield { rows, share }
  }
  yield { rows: reader.end(), share: 1 }
}

/** Each row group is read once. */
async function* parquet(file: File): Pieces {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('./parquet')
  const source = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(source)
  const all = Number(metadata.num_rows)
  let rowStart = 0
  for (const [group, { num_rows, total_byte_size }] of metadata.row_groups.entries()) {
    const size = Number(total_byte_size)
    if (size > MOST_GROUP_BYTES) {
      const sizes = `expected at most ${bytesText(MOST_GROUP_BYTES)}, got ${bytesText(size)}`
      throw new Error(`${file.name}, row group ${group}: ${sizes}. The command vicinal import reads such files.`)
    }
    const rowEnd = rowStart + Number(num_rows)
    const values = await parquetReadObjects({ file: source, metadata, rowStart, rowEnd })
    for (const { found, share } of slices(values, all, rowStart)) {
      yield { rows: found.map((value) => ({ value })), share, all }
    }
    rowStart = rowEnd
  }
}
