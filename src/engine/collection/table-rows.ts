import { VicinalError } from '../../core/errors.js'
import type { FlushBatch } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'

/** Rejects with CORRUPT if a row of the table does not match its checksum. */
export async function checkRows(checker: Shard, table: LanceTable, batch: FlushBatch): Promise<void> {
  const damaged = await checker.verifyRows(batch)
  if (damaged < 0) return
  throw new VicinalError('CORRUPT', `${table.describe()}: the checksum of a row does not match`, {
    details: { row: damaged },
  })
}
