import { createReadStream, existsSync } from 'node:fs'
import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'

const CHUNK_BYTES = 1024 * 1024

/** Snapshots to restore before the service answers. */
export interface StartSnapshots {
  /** Snapshots of collections, as FILE or FILE:NAME. */
  collections: readonly string[]
  /** Snapshot of a whole database. */
  storage: string | undefined
  /** Whether they replace existing collections. */
  force: boolean
}

/** Restores the snapshots one after the other; the first failure ends it. Returns lines for the user. */
export async function takeStartSnapshots(
  database: Database,
  { collections, storage, force }: StartSnapshots,
): Promise<string[]> {
  const told: string[] = []
  const options = { replace: force }
  if (storage !== undefined) {
    const names = await database.recover({ chunks: bytesOf(storage) }, options)
    told.push(...names.map((name) => `vicinal: restored ${name} from ${storage}`))
  }
  for (const given of collections) {
    const { file, name } = parted(given)
    const source = { chunks: bytesOf(file) }
    const names =
      name === undefined
        ? await database.recover(source, options)
        : [(await database.recoverCollection(name, source, options)).name]
    told.push(...names.map((taken) => `vicinal: restored ${taken} from ${file}`))
  }
  return told
}

/** If the whole text is an existing file, it has no name after a colon. */
function parted(given: string): { file: string; name: string | undefined } {
  const colon = given.lastIndexOf(':')
  if (colon < 0 || existsSync(given)) return { file: given, name: undefined }
  return { file: given.slice(0, colon), name: given.slice(colon + 1) }
}

/** Opens the file when its turn comes, so that an error then reaches the caller. */
async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  if (!existsSync(file)) throw new VicinalError('NOT_FOUND', `${file}: no such file`)
  yield* createReadStream(file, { highWaterMark: CHUNK_BYTES })
}
