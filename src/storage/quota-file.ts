import type { QuotaConfig } from '../core/quotas.js'
import type { Disk } from '../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'

/** The file of the node's quotas; absent until quotas are set. */
export const QUOTA_FILE = 'quotas'

const KIND: FileKind = { magic: 'VICQUOT\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * 1024 }

export async function writeQuotas(disk: Disk, config: QuotaConfig): Promise<void> {
  await writeChecked(disk, QUOTA_FILE, KIND, config)
}

/** The quotas as written. The caller checks them. */
export async function readQuotas(disk: Disk): Promise<unknown> {
  return (await disk.facts(QUOTA_FILE)) === null ? {} : await readChecked(disk, QUOTA_FILE, KIND)
}
