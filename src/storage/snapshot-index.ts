import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Disk } from '../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'
import { isTableFile } from './lance-wall.js'

/** The first file of a snapshot, which lists its contents. Collections are folders named 0, 1, … */
export const SNAPSHOT_INDEX = 'snapshot'

const KIND: FileKind = { magic: 'VICSNAP\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * 1024 * 1024 }

export interface SnapshotIndex {
  kind: 'collection' | 'database'
  createdAt: string
  collections: SnapshotCollection[]
  /** For a database: pairs of an alias and the collection that it leads to. */
  aliases: [string, string][]
}

export interface SnapshotCollection {
  folder: string
  name: string
  /** The snapshot has every operation up to this one, and no later one. */
  seq: number
  /** Bytes of each file, by its path below the folder. */
  files: Record<string, number>
}

const PART = '[0-9A-Za-z_-][0-9A-Za-z_.-]{0,127}'
const EXPECTED = new RegExp(
  `^(?:${SNAPSHOT_INDEX}|\\d{1,5}/(?:manifest|log/\\d{20}\\.vlog|sums/\\d{1,16}\\.sums|segments/${PART}\\.(?:vseg|vovl)))$`,
)

const TABLE_FILE = /^\d{1,5}\/table\.lance\/(.*)$/

/** Whether a snapshot may have a file of this name. No part of such a name leads to another folder. */
export function isSnapshotFile(name: string): boolean {
  const ofTable = TABLE_FILE.exec(name)?.[1]
  return ofTable === undefined ? EXPECTED.test(name) && !name.includes('..') : isTableFile(ofTable)
}

export async function writeSnapshotIndex(disk: Disk, folder: string, index: SnapshotIndex): Promise<void> {
  await writeChecked(disk, `${folder}/${SNAPSHOT_INDEX}`, KIND, index)
}

/** Reads the index and checks it against the files found: the same names and lengths, and no others. */
export async function readSnapshotIndex(
  disk: Disk,
  folder: string,
  found: ReadonlyMap<string, number>,
): Promise<SnapshotIndex> {
  if (!found.has(SNAPSHOT_INDEX)) throw invalid('snapshot', 'expected an archive with a file named snapshot')
  const body = await readChecked(disk, `${folder}/${SNAPSHOT_INDEX}`, KIND)
  if (!isIndex(body)) throw damaged('its index is not valid')
  if (body.collections.length > LIMITS.collections) throw damaged('it names too many collections')
  const missing = new Set(found.keys())
  missing.delete(SNAPSHOT_INDEX)
  for (const [i, { folder: own, files }] of body.collections.entries()) {
    if (own !== String(i)) throw damaged(`its collection ${i} has no folder of its own`)
    if (!Object.hasOwn(files, 'manifest')) throw damaged(`its collection ${i} has no manifest`)
    for (const [file, bytes] of Object.entries(files)) {
      const name = `${own}/${file}`
      if (found.get(name) !== bytes) throw damaged(`${name} is missing or of another length`)
      missing.delete(name)
    }
  }
  const [more] = missing
  if (more !== undefined) throw damaged(`its index does not name ${more}`)
  return body
}

function damaged(what: string): VicinalError {
  return new VicinalError('CORRUPT', `the snapshot is damaged: ${what}`)
}

function isIndex(value: unknown): value is SnapshotIndex {
  const index = value as Partial<SnapshotIndex> | null
  return (
    (index?.kind === 'collection' || index?.kind === 'database') &&
    Array.isArray(index.collections) &&
    index.collections.every(isCollection) &&
    Array.isArray(index.aliases) &&
    index.aliases.every((pair) => Array.isArray(pair) && pair.every((part) => typeof part === 'string'))
  )
}

function isCollection(value: unknown): value is SnapshotCollection {
  const { folder, name, seq, files } = (value ?? {}) as Partial<SnapshotCollection>
  return (
    typeof folder === 'string' &&
    typeof name === 'string' &&
    Number.isSafeInteger(seq) &&
    files !== null &&
    typeof files === 'object' &&
    Object.values(files).every(Number.isSafeInteger)
  )
}
