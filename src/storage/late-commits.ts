/**
 * Commits of a table on an object store lie outside the fence of its database. So an earlier owner that was paused may
 * commit after its successor did, and Lance merges both. A version is only taken over if nothing came in between: a single
 * commit makes the version after the one before, and a compaction, which commits several times, changes no row.
 */
import { VicinalError } from '../core/errors.js'
import { arrowThread } from './arrow-thread.js'
import type { Lance } from './lance-native.js'

/** Rows of one batch of checksums. */
const BATCH_ROWS = 262_144
/** Sums are exact below 2^53. */
const SUM_MODULUS = 2 ** 48
/** Lance refuses changes that do not go together with one made meanwhile. */
const CONFLICT = /incompatible transaction|commit conflict|concurrent(?:ly)? /i

/** How many rows a table has, and the sum of their checksums. */
export interface Contents {
  rows: number
  sum: number
}

export const noContents = (): Contents => ({ rows: 0, sum: 0 })

export function addTo(contents: Contents, crcs: Uint32Array): void {
  contents.rows += crcs.length
  for (const crc of crcs) contents.sum = (contents.sum + crc) % SUM_MODULUS
}

export async function contentsOf(lance: Lance): Promise<Contents> {
  const contents = noContents()
  const query = lance.query()
  query.selectColumns(['crc'])
  const batches = await query.execute(BATCH_ROWS)
  for (let file = await batches.next(); file !== null; file = await batches.next())
    addTo(contents, await arrowThread.checksums(file))
  return contents
}

/** Runs a change of one commit. Rejects if another commit came between. */
export async function commitAlone(
  lance: Lance,
  table: string,
  change: (lance: Lance) => Promise<unknown>,
): Promise<void> {
  const before = await lance.version()
  await change(lance)
  const after = await lance.version()
  if (after !== before + 1) throw crossed(`${table}: a commit made version ${after}, expected ${before + 1}`)
}

/**
 * Makes the checked-out version the newest. Rejects if another commit came after `newest`. After a restoration Lance
 * goes on from the newest version. That may be the other commit's, without the restored rows.
 */
export async function restoreAlone(lance: Lance, table: string, newest: number): Promise<void> {
  await lance.restore()
  const after = await lance.version()
  if (after !== newest + 1) throw crossed(`${table}: a restoration made version ${after}, expected ${newest + 1}`)
}

/** Rejects unless the table has the expected contents: another commit came between. */
export async function checkContents(lance: Lance, table: string, expected: Contents): Promise<void> {
  const { rows, sum } = await contentsOf(lance)
  if (rows === expected.rows && sum === expected.sum) return
  throw crossed(`${table}: expected ${expected.rows} rows of checksum ${expected.sum}, got ${rows} of ${sum}`)
}

function crossed(what: string): VicinalError {
  return new VicinalError('UNAVAILABLE', `${what}: another owner's commit came between`, { details: { crossed: true } })
}

/** Whether a change failed because of another owner's commit. It can be made again on the version that is named. */
export function isCrossed(cause: unknown): boolean {
  if (cause instanceof VicinalError) return cause.details.crossed === true
  return CONFLICT.test(String((cause as Error | null)?.message ?? cause))
}
