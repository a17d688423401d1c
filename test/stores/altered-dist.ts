/** Copies of the shipped code with some places changed: times in seconds, or one rule taken out. */
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { REPOSITORY } from '../durability/child.js'

/** One change of a compiled file, as the text that must be there once, and its replacement. */
export interface Edit {
  file: string
  from: string
  to: string
}

/** Half of it is far above what an opening takes on a busy machine: an object store's tests have one thread for it. */
export const MIN_AGE_MS = { file: 10_000, s3: 30_000 } as const
/** What nothing names any more goes after this time. */
const REMOVAL_MS = 3_000

/** Work that takes hours by default, or many points, within seconds: flushes, compactions, checkpoints, removals. */
export const brisk = (store: keyof typeof MIN_AGE_MS): readonly Edit[] => [
  {
    file: 'bucket/group-opening.js',
    from: 'DEFAULT_MIN_AGE_MS = HOUR_MS',
    to: `DEFAULT_MIN_AGE_MS = ${MIN_AGE_MS[store]}`,
  },
  // An opening reads every object of the log since the last flush of SlateDB's memory.
  {
    file: 'bucket/group-opening.js',
    from: 'DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024',
    to: 'DEFAULT_MEMORY_BYTES = 256 * 1024',
  },
  { file: 'bucket/removals.js', from: 'DEFAULT_REMOVAL_MS = HOUR_MS', to: `DEFAULT_REMOVAL_MS = ${REMOVAL_MS}` },
  { file: 'storage/table-home.js', from: 'KEPT_ON_STORE_MS = 3_600_000', to: `KEPT_ON_STORE_MS = ${REMOVAL_MS}` },
  // The store of the tests has one thread.
  { file: 'bucket/group-reader.js', from: 'const BUSY_POLL_MS = 100', to: 'const BUSY_POLL_MS = 200' },
  { file: 'storage/lance-table.js', from: 'const FRAGMENTS = 16', to: 'const FRAGMENTS = 4' },
  { file: 'core/background.js', from: 'TICK_MS = 500', to: 'TICK_MS = 100' },
  { file: 'engine/collection/flush-bounds.js', from: 'ageMs: 300_000', to: 'ageMs: 300' },
  { file: 'engine/collection/maintenance.js', from: 'HOUSEKEEPING_MS = 30_000', to: 'HOUSEKEEPING_MS = 1_000' },
  { file: 'engine/collection/maintenance.js', from: 'RETRY_MOST_MS = 30_000', to: 'RETRY_MOST_MS = 1_000' },
  { file: 'engine/collection/maintenance.js', from: 'COMPACT_MIN_ROWS = 1_000', to: 'COMPACT_MIN_ROWS = 40' },
  { file: 'engine/collection/maintenance.js', from: 'CHECKPOINT_MIN_ROWS = 20_000', to: 'CHECKPOINT_MIN_ROWS = 60' },
]

/** Returns the folder of the compiled code. A place that is not there once is an error: the code has changed, the edit has to. */
export function alteredDist(edits: readonly Edit[]): string {
  const stamp = readFileSync(join(REPOSITORY, 'dist/.stamp'))
  const name = createHash('sha256').update(stamp).update(JSON.stringify(edits)).digest('hex').slice(0, 16)
  const folder = join(REPOSITORY, '.cache/altered', name)
  const dist = join(folder, 'dist')
  if (existsSync(dist)) return dist
  mkdirSync(dirname(folder), { recursive: true })
  const fresh = mkdtempSync(join(dirname(folder), 'tmp-'))
  cpSync(join(REPOSITORY, 'dist'), join(fresh, 'dist'), {
    recursive: true,
    filter: (source) => !/\.d\.ts(\.map)?$/.test(source),
  })
  for (const shared of ['native', 'package.json']) symlinkSync(join(REPOSITORY, shared), join(fresh, shared))
  for (const { file, from, to } of edits) {
    const path = join(fresh, 'dist', file)
    const parts = readFileSync(path, 'utf8').split(from)
    if (parts.length !== 2) throw new Error(`dist/${file} has ${parts.length - 1} times, expected once: ${from}`)
    writeFileSync(path, parts.join(to))
  }
  try {
    renameSync(fresh, folder)
  } catch {
    rmSync(fresh, { recursive: true, force: true }) // another test was quicker
  }
  return dist
}
