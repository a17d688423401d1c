import type { Lance } from './lance-native.js'

/** Target size of a scan's batch in memory. */
const SCAN_BYTES = 4 * 1024 * 1024
const SCAN_ROWS = 16_384

export async function sizesOf(
  lance: Lance,
): Promise<{ fragments: number; rows: number; fileBytes: number; liveBytes: number }> {
  const { fragmentStats, numRows } = await lance.stats()
  const latest = (await lance.listVersions()).at(-1)
  const fileBytes = Number(latest?.metadata.total_files_size ?? 0)
  const fileRows = Number(latest?.metadata.total_data_file_rows ?? 0)
  return {
    fragments: fragmentStats.numFragments,
    rows: numRows,
    fileBytes,
    liveBytes: fileRows === 0 ? 0 : (fileBytes * numRows) / fileRows,
  }
}

export async function rowsOfBatch(lance: Lance): Promise<number> {
  const { rows, liveBytes } = await sizesOf(lance)
  return Math.max(1, Math.min(SCAN_ROWS, Math.floor((SCAN_BYTES * rows) / Math.max(1, liveBytes))))
}

export function deletedUpTo(seq: number): string {
  return `deleted = true AND seq <= ${seq}`
}

export async function purgeable(lance: Lance, seq: number): Promise<number> {
  return seq === 0 ? 0 : await lance.countRows(deletedUpTo(seq))
}
