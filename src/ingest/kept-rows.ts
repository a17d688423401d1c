/** Rows of a batch that stay: the last of each id, or the named rows. */
import {
  ID_KIND_NUMBER,
  ID_WORDS,
  idKey,
  type PointColumns,
  type TextColumn,
  type VectorColumn,
} from '../core/point.js'
import { SparseColumnBuilder, sparseAt } from './sparse-column.js'

/** Drops every point whose id occurs again later in the batch: the last one wins, as in Qdrant. */
export function keepLast(columns: PointColumns): PointColumns {
  if (ascends(columns.ids, columns.count)) return columns
  const kept = lastPositions(columns.ids, columns.count)
  return kept.length === columns.count ? columns : takeRows(columns, kept)
}

/**
 * Joins points of the same id into one row, as if they were written one after the other. Vectors of different names all
 * stay; for one name the last wins. Payloads are not joined.
 */
export function mergeRepeated(columns: PointColumns): PointColumns {
  const { ids, count } = columns
  if (ascends(ids, count)) return columns
  const kept = lastPositions(ids, count)
  if (kept.length === count) return columns
  const rowOf = new Map(Array.from(kept, (position, row) => [idKey(ids, position * ID_WORDS), row]))
  return regroup(
    columns,
    kept,
    Int32Array.from({ length: count }, (_, i) => rowOf.get(idKey(ids, i * ID_WORDS)) as number),
  )
}

function lastPositions(ids: Uint32Array, count: number): Uint32Array {
  const last = new Map<string, number>()
  for (let i = 0; i < count; i++) last.set(idKey(ids, i * ID_WORDS), i)
  return Uint32Array.from(last.values()).sort()
}

/** Whether the ids are ascending numbers, as in most batches. Such ids are distinct. */
function ascends(ids: Uint32Array, count: number): boolean {
  let before = -1
  for (let at = 0; at < count * ID_WORDS; at += ID_WORDS) {
    const number = (ids[at + 2] as number) * 4_294_967_296 + (ids[at + 1] as number)
    if (ids[at] !== ID_KIND_NUMBER || number <= before || number > Number.MAX_SAFE_INTEGER) return false
    before = number
  }
  return true
}

/** The rows at ascending positions `kept`. */
export function takeRows(columns: PointColumns, kept: Uint32Array): PointColumns {
  const runs = runsOf(kept)
  if (runs.length < kept.length / LEAST_RUN && columns.vectors.every(isPlain))
    return takeRuns(columns, kept.length, runs)
  const newRows = new Int32Array(columns.count).fill(DROPPED)
  for (let row = 0; row < kept.length; row++) newRows[kept[row] as number] = row
  return regroup(columns, kept, newRows)
}

/** Copying runs is faster than copying rows where a run has as many rows on average. */
const LEAST_RUN = 4

/** A vector of every row, one each. */
function isPlain({ rows, counts, sparse }: VectorColumn): boolean {
  return rows === null && !counts && !sparse
}

interface Run {
  from: number
  to: number
}

function runsOf(kept: Uint32Array): Run[] {
  const runs: Run[] = []
  for (const row of kept) {
    const last = runs.at(-1)
    if (last?.to === row) last.to = row + 1
    else runs.push({ from: row, to: row + 1 })
  }
  return runs
}

function takeRuns({ count, ids, vectors, payloads }: PointColumns, kept: number, runs: readonly Run[]): PointColumns {
  const take = <A extends Uint32Array | Float32Array>(from: A, into: A, width: number): A => {
    let at = 0
    for (const run of runs) {
      into.set(from.subarray(run.from * width, run.to * width), at)
      at += (run.to - run.from) * width
    }
    return into
  }
  return {
    count: kept,
    ids: take(ids, new Uint32Array(kept * ID_WORDS), ID_WORDS),
    vectors: vectors.map(({ name, data }) => {
      const dim = data.length / count
      return { name, data: take(data, new Float32Array(kept * dim), dim), rows: null }
    }),
    payloads: payloads && takeTextRuns(payloads, kept, runs),
  }
}

function takeTextRuns(texts: TextColumn, kept: number, runs: readonly Run[]): TextColumn {
  const offsets = new Uint32Array(kept + 1)
  let row = 0
  const pieces = runs.map(({ from, to }) => {
    const first = texts.offsets[from] as number
    const before = offsets[row] as number
    for (let at = from; at < to; at++) offsets[++row] = before + (texts.offsets[at + 1] as number) - first
    return texts.bytes.subarray(first, texts.offsets[to])
  })
  return { bytes: Buffer.concat(pieces), offsets }
}

/** Marks a dropped row in `newRows`. */
const DROPPED = -1

/**
 * Moves row `i` to `newRows[i]`. If several rows become one, each vector column keeps the last present vector. Row `r`
 * of the result takes id and payload of row `kept[r]`.
 */
function regroup(columns: PointColumns, kept: Uint32Array, newRows: Int32Array): PointColumns {
  const ids = new Uint32Array(kept.length * ID_WORDS)
  for (let row = 0; row < kept.length; row++) {
    const from = (kept[row] as number) * ID_WORDS
    ids.set(columns.ids.subarray(from, from + ID_WORDS), row * ID_WORDS)
  }
  const vectors = columns.vectors.flatMap((column) => {
    const positions = lastVectors(column, newRows, kept.length)
    if (positions.every((position) => position === DROPPED)) return []
    return [column.sparse ? takeSparse(column, positions) : takeDense(column, positions, columns.count)]
  })
  return { count: kept.length, ids, vectors, payloads: takeTexts(columns.payloads, kept) }
}

/** The column without the vectors at these positions; null if none is left. */
export function withoutVectors(column: VectorColumn, dropped: ReadonlySet<number>, count: number): VectorColumn | null {
  const positions = new Int32Array(count).fill(DROPPED)
  const given = column.rows?.length ?? count
  for (let position = 0; position < given; position++)
    if (!dropped.has(position)) positions[column.rows ? (column.rows[position] as number) : position] = position
  if (dropped.size === given) return null
  return column.sparse ? takeSparse(column, positions) : takeDense(column, positions, count)
}

/** For each new row the position of its vector in the column; `DROPPED` if it has none. */
function lastVectors(column: VectorColumn, newRows: Int32Array, newCount: number): Int32Array {
  const positions = new Int32Array(newCount).fill(DROPPED)
  const given = column.rows?.length ?? newRows.length
  for (let position = 0; position < given; position++) {
    const row = newRows[column.rows ? (column.rows[position] as number) : position] as number
    if (row !== DROPPED) positions[row] = position
  }
  return positions
}

function takeDense(column: VectorColumn, positions: Int32Array, count: number): VectorColumn {
  const given = column.rows?.length ?? count
  const counts = column.counts ?? new Uint32Array(given).fill(1)
  const dim = column.data.length / counts.reduce((sum, each) => sum + each, 0)
  const starts = new Float64Array(given + 1)
  for (let i = 0; i < given; i++) starts[i + 1] = (starts[i] as number) + (counts[i] as number) * dim
  const data = new Float32Array(column.data.length)
  const rows: number[] = []
  const keptCounts: number[] = []
  let length = 0
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row] as number
    if (position === DROPPED) continue
    const floats = column.data.subarray(starts[position], starts[position + 1])
    data.set(floats, length)
    length += floats.length
    rows.push(row)
    keptCounts.push(counts[position] as number)
  }
  return {
    name: column.name,
    data: data.subarray(0, length),
    rows: rows.length === positions.length ? null : Uint32Array.from(rows),
    ...(column.counts ? { counts: Uint32Array.from(keptCounts) } : {}),
  }
}

function takeSparse(column: VectorColumn, positions: Int32Array): VectorColumn {
  const builder = new SparseColumnBuilder(column.name)
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row] as number
    if (position !== DROPPED) builder.append(sparseAt(column, position), row)
  }
  return builder.finish(positions.length)
}

function takeTexts(texts: PointColumns['payloads'], kept: Uint32Array): PointColumns['payloads'] {
  if (!texts) return null
  const offsets = new Uint32Array(kept.length + 1)
  const pieces = Array.from(kept, (row, i) => {
    const piece = texts.bytes.subarray(texts.offsets[row], texts.offsets[row + 1])
    offsets[i + 1] = (offsets[i] as number) + piece.length
    return piece
  })
  return { bytes: Buffer.concat(pieces), offsets }
}
