import { createReadStream, existsSync } from 'node:fs'
import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'

const CHUNK_BYTES = 1024 * 1024

/** What is to be taken in before the service answers. */
export interface StartSnapshots {
  /** Of collections, as FILE or FILE:NAME. */
  collections: readonly string[]
  /** Of a whole database. */
  storage: string | undefined
  /** Whether they replace what is there. */
  force: boolean
}

/** Takes in what is named, one after the other; the first that cannot be is the end. Returns what there is to tell. */
export async function takeStartSnapshots(
  database: Database,
  { collections, storage, force }: StartSnapshots,
): Promise<string[]> {
  const told: string[] = []
  const options = { replace: force }
  if (storage !== undefined) {
    const names = await database.recover({ chunks: bytesOf(storage) }, options)
    told.push(...names.map((name) => `vicinal: took in ${name} from ${storage}`))
  }
  for (const given of collections) {
    const { file, name } = parted(given)
    const source = { chunks: bytesOf(file) }
    const names =
      name === undefined
        ? await database.recover(source, options)
        : [(await database.recoverCollection(name, source, options)).name]
    told.push(...names.map((taken) => `vicinal: took in ${taken} from ${file}`))
  }
  return told
}

/** What is a file as it stands has no name behind it. */
function parted(given: string): { file: string; name: string | undefined } {
  const colon = given.lastIndexOf(':')
  if (colon < 0 || existsSync(given)) return { file: given, name: undefined }
  return { file: given.slice(0, colon), name: given.slice(colon + 1) }
}

/** Opened when it is its turn, so that what goes wrong then has somebody to hear of it. */
async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  if (!existsSync(file)) throw new VicinalError('NOT_FOUND', `${file}: no such file`)
  yield* createReadStream(file, { highWaterMark: CHUNK_BYTES })
}
