import { createReadStream, existsSync } from 'node:fs'
import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import type { RecoverOptions, SnapshotSource } from '../core/snapshots.js'
import { UsageError } from '../terminal/usage-error.js'
import { memoryOptionsOf } from './memory-limit.js'
import { parseSettings } from './parse-settings.js'
import { RESTORE_SETTINGS } from './settings.js'

/** Restores a snapshot file into a data folder that no process writes to. Resolves to the exit code. */
export async function restore(args: string[]): Promise<number> {
  const settings = parseSettings(RESTORE_SETTINGS, args)
  const [file, ...more] = settings.files
  if (file === undefined || more.length > 0) throw new UsageError('restore: name one snapshot file')
  if (!existsSync(file)) throw new VicinalError('NOT_FOUND', `${file}: no such file`)
  const folder = settings.text('data') as string
  const name = settings.text('collection')
  const { open } = await import('../engine/database/open.js')
  // The user's own file is only bounded by the disk.
  const database = await open(folder, {
    maxSnapshotBytes: Number.MAX_SAFE_INTEGER,
    ...memoryOptionsOf(settings.text('memoryLimit') as string),
  })
  try {
    const source = { chunks: createReadStream(file, { highWaterMark: 1024 * 1024 }) }
    const options = { checksum: settings.text('checksum') ?? null, replace: settings.isOn('force') }
    for (const restored of await taken(database, source, name, options)) {
      const { pointsCount } = await (await database.collection(restored)).info()
      process.stdout.write(`vicinal: restored ${restored}: ${pointsCount} points, in ${folder}\n`)
    }
    return 0
  } finally {
    await database.close()
  }
}

/** The names of the restored collections. */
async function taken(
  database: Database,
  source: SnapshotSource,
  name: string | undefined,
  options: RecoverOptions,
): Promise<string[]> {
  try {
    if (name === undefined) return await database.recover(source, options)
    return [(await database.recoverCollection(name, source, options)).name]
  } catch (cause) {
    if (!(cause instanceof VicinalError) || cause.code !== 'ALREADY_EXISTS') throw cause
    throw new VicinalError(cause.code, `${cause.message} --force replaces it.`, { details: cause.details, cause })
  }
}
