import { createReadStream, existsSync } from 'node:fs'
import { VicinalError } from '../core/errors.js'
import { memoryOptionsOf } from './memory-limit.js'
import { parseSettings, RESTORE_SETTINGS, UsageError } from './settings.js'

/** Takes a snapshot file into a data folder that no process writes to; resolves to the exit code. */
export async function restore(args: string[]): Promise<number> {
  const settings = parseSettings(RESTORE_SETTINGS, args)
  const [file, ...more] = settings.files
  if (file === undefined || more.length > 0) throw new UsageError('restore: name one snapshot file')
  if (!existsSync(file)) throw new VicinalError('NOT_FOUND', `${file}: no such file`)
  const folder = settings.text('data') as string
  const name = settings.text('collection')
  const { open } = await import('../collection/open.js')
  // A file of one's own is bounded by the disk.
  const database = await open(folder, {
    maxSnapshotBytes: Number.MAX_SAFE_INTEGER,
    ...memoryOptionsOf(settings.text('memoryLimit') as string),
  })
  try {
    const source = { chunks: createReadStream(file, { highWaterMark: 1024 * 1024 }) }
    const options = { checksum: settings.text('checksum') ?? null }
    const names =
      name === undefined
        ? await database.recover(source, options)
        : [(await database.recoverCollection(name, source, options)).name]
    for (const restored of names) {
      const { pointsCount } = await (await database.collection(restored)).info()
      process.stdout.write(`vicinal: restored ${restored}: ${pointsCount} points, in ${folder}\n`)
    }
    return 0
  } finally {
    await database.close()
  }
}
