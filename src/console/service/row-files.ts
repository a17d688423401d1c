/** Rows of a file that a browser holds, read piece by piece. */

/** A row: as text where the file has it as JSON, so that no number loses digits, and as a value to look at. */
export interface Row {
  text?: string
  value: Record<string, unknown>
}

/** Rows of one piece. */
export type Pieces = AsyncIterable<Row[]>

const PARQUET_ROWS = 2_000
const CSV_PIECE_BYTES = 1024 * 1024
/** A JSON array is read whole: it has no lines at which it could be cut. */
const MOST_ARRAY_BYTES = 256 * 1024 * 1024

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

async function* lines(file: File): Pieces {
  let rest = ''
  let at = 0
  const rowOf = (text: string): Row => {
    at++
    return { text, value: objectOf(JSON.parse(text), file.name, at) }
  }
  const isRow = (text: string) => text.trim() !== ''
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader()
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const parts = (rest + piece.value).split('\n')
    rest = parts.pop() ?? ''
    yield parts.filter(isRow).map(rowOf)
  }
  if (isRow(rest)) yield [rowOf(rest)]
}

async function* array(file: File): Pieces {
  if (file.size > MOST_ARRAY_BYTES) throw new Error(`${file.name}: too large for a JSON array; use JSON lines`)
  const values: unknown = JSON.parse(await file.text())
  if (!Array.isArray(values)) throw new Error(`${file.name}: expected an array of rows`)
  yield values.map((value, at) => ({ value: objectOf(value, file.name, at + 1) }))
}

function objectOf(value: unknown, name: string, row: number): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error(`${name}, row ${row}: expected an object`)
}

/** Texts that are JSON (numbers, lists, true) are taken as such. The next piece is read once this one was taken. */
async function* csv(file: File): Pieces {
  const { default: Papa } = await import('papaparse')
  let resume = () => {}
  const pieces = new ReadableStream<Row[]>({
    start(stream) {
      Papa.parse<Record<string, string>>(file, {
        header: true,
        skipEmptyLines: true,
        chunkSize: CSV_PIECE_BYTES,
        chunk({ data }, parser) {
          stream.enqueue(data.map(cellsOf))
          if ((stream.desiredSize ?? 0) > 0) return
          parser.pause()
          resume = () => parser.resume()
        },
        complete: () => stream.close(),
        error: (error) => stream.error(error),
      })
    },
    pull: () => resume(),
  })
  const reader = pieces.getReader()
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
}

function cellsOf(cells: Record<string, string>): Row {
  return { value: Object.fromEntries(Object.entries(cells).map(([name, text]) => [name, cellOf(text)])) }
}

function cellOf(text: string | undefined): unknown {
  if (text === undefined) return null
  if (!/^(-?\d|\[|\{|true$|false$|null$)/.test(text)) return text === '' ? null : text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

async function* parquet(file: File): Pieces {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('./parquet')
  const bytes = await asyncBufferFromFile(file)
  const metadata = await parquetMetadataAsync(bytes)
  const rows = Number(metadata.num_rows)
  for (let rowStart = 0; rowStart < rows; rowStart += PARQUET_ROWS) {
    const found = await parquetReadObjects({ file: bytes, metadata, rowStart, rowEnd: rowStart + PARQUET_ROWS })
    yield found.map((value) => ({ value }))
  }
}
