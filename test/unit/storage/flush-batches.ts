import type { FlushBatch } from '../../../src/native/addon.js'
import { crc32c } from '../../../src/native/checksum.js'
import type { LanceTable } from '../../../src/storage/lance-table.js'

export interface Row {
  id: string
  seq: number
  deleted?: boolean
  payload?: string
  /** One for each entry of the spec; null if missing. */
  vectors: (number[] | null)[]
}

/** Rows as the kernel delivers them; the checksum is any function of the row. */
export function flushBatch(rows: readonly Row[], dims: readonly number[]): FlushBatch {
  return {
    count: rows.length,
    throughSeq: Math.max(0, ...rows.map((row) => row.seq)),
    ids: texts(rows.map((row) => row.id)),
    seqs: BigInt64Array.from(rows, (row) => BigInt(row.seq)),
    deleted: Uint8Array.from(rows, (row) => (row.deleted ? 1 : 0)),
    crcs: Uint32Array.from(rows, rowCrc),
    payloads: texts(rows.map((row) => row.payload ?? '')),
    vectors: dims.map((dim, at) => ({
      data: Float32Array.from(rows.flatMap((row) => row.vectors[at] ?? new Array(dim).fill(0))),
      counts: Uint32Array.from(rows, (row) => (row.vectors[at] ? 1 : 0)),
    })),
  }
}

/** A row with one vector `[id, seq]`, or its tombstone. */
export const smallRow = (id: number, seq: number, deleted = false): Row => ({
  id: String(id),
  seq,
  deleted,
  payload: '',
  vectors: [deleted ? null : [id, seq]],
})

/** Commits small rows; the answer is the table's version. */
export async function put(table: LanceTable, ...rows: Row[]): Promise<number> {
  const version = await table.commit(flushBatch(rows, [2]))
  await table.syncNewFiles()
  return version
}

export function rowsOf(batch: FlushBatch): Row[] {
  return Array.from({ length: batch.count }, (_, row) => ({
    id: textAt(batch.ids, row),
    seq: Number(batch.seqs[row]),
    deleted: batch.deleted[row] === 1,
    payload: textAt(batch.payloads, row),
    vectors: batch.vectors.map(({ data, counts }) => {
      const dim = data.length / batch.count
      return counts[row] ? [...data.subarray(row * dim, (row + 1) * dim)] : null
    }),
  }))
}

/** True if the rows match their checksums. */
export function rowsMatchCrcs(batch: FlushBatch): boolean {
  return rowsOf(batch).every((row, i) => rowCrc(row) === batch.crcs[i])
}

function rowCrc(row: Row): number {
  const { id, seq, deleted = false, payload = '', vectors } = row
  return crc32c(
    Buffer.from(
      JSON.stringify([id, seq, deleted, payload, vectors.map((vector) => vector && [...Float32Array.from(vector)])]),
    ),
  )
}

function texts(values: readonly string[]): { bytes: Uint8Array; offsets: Int32Array } {
  const offsets = new Int32Array(values.length + 1)
  for (const [i, value] of values.entries()) offsets[i + 1] = (offsets[i] as number) + Buffer.byteLength(value)
  return { bytes: new Uint8Array(Buffer.from(values.join(''))), offsets }
}

function textAt(column: { bytes: Uint8Array; offsets: Int32Array }, row: number): string {
  return Buffer.from(column.bytes).toString('utf8', column.offsets[row], column.offsets[row + 1])
}
