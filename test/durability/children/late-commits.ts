/**
 * Commits of an owner that was paused, on a table that its successor writes. Prints what the version that the successor
 * names in the end has, each row as `id@seq`, once for each of three pauses.
 *
 *     late-commits <folder>
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LanceTable } from '../../../src/storage/lance-table.js'
import { storeTable, type TableHome } from '../../../src/storage/table-home.js'
import { flushBatch, put, rowsOf, smallRow } from '../../unit/storage/flush-batches.js'
import { holding } from '../../unit/storage/held-lance.js'

const [root = ''] = process.argv.slice(2)
const CONTENTS = { collection: 'photos', vectors: [{ name: 'a', size: 2 }] }
/** A paused owner with three rows, its successor, and what the successor's last version has. */
async function scenario(
  name: string,
  work: (late: LanceTable, next: (home?: TableHome) => Promise<LanceTable>, home: TableHome) => Promise<number>,
): Promise<string> {
  const home = storeTable(pathToFileURL(join(root, name)).href, {}, 'tables/photos', Number.MAX_SAFE_INTEGER)
  const late = await LanceTable.at({ ...home, restores: false }, CONTENTS, 0)
  const named = await put(late, smallRow(1, 1), smallRow(2, 2), smallRow(3, 3))
  const version = await work(late, (at = home) => LanceTable.at(at, CONTENTS, named), home)
  const found: string[] = []
  for await (const part of (await LanceTable.at(home, CONTENTS, version, { readOnly: true })).scan(0))
    for (const { id, seq, deleted } of rowsOf(part)) found.push(`${deleted ? '-' : ''}${id}@${seq}`)
  return found.sort().join(' ')
}

const outcome = {
  single: await scenario('single', async (late, next) => {
    const table = await next()
    await put(table, smallRow(4, 4))
    await put(late, smallRow(5, 5)).catch(() => undefined)
    return await put(table, smallRow(6, 6))
  }),
  purged: await scenario('purged', async (late, next) => {
    const table = await next()
    await put(table, smallRow(5, 5, true), smallRow(2, 6, true))
    await table.compact({ checkpointSeq: 6 })
    await put(late, smallRow(5, 4)).catch(() => undefined)
    return await put(table, smallRow(7, 7))
  }),
  compaction: await scenario('compaction', async (late, next, home) => {
    let calls = 0
    const lateCommit = async () => {
      if (calls++ === 0) await late.commit(flushBatch([smallRow(5, 5)], [2])).catch(() => undefined)
    }
    const table = await next(holding(home, 'optimize', lateCommit))
    await put(table, smallRow(2, 7, true))
    await put(table, smallRow(8, 8))
    return await table.compact({ checkpointSeq: 7 })
  }),
}
process.stdout.write(`${JSON.stringify(outcome)}\n`)
process.exit(0)
