import type { Group } from '../../bucket/group.js'
import { behind, MANIFESTS, manifestKey, RECORDS, recordsOf, SNAPSHOTS, uuidOf } from '../../bucket/keys.js'
import { MOST_SKEW_MS } from '../../bucket/probe.js'
import { recordsIn } from '../../bucket/records.js'
import { decodeManifest } from '../../storage/manifest.js'
import { listStored, type OpenedStore, type OwnedStore } from './opened-store.js'
import { namesOf, SEGMENTS, segmentFolder, TABLES } from './store-home.js'
import { SNAPSHOT_FOLDER } from './stored-snapshots.js'

const DAY_MS = 86_400_000
/** Objects that nothing names are removed at this age. */
export const DEFAULT_ORPHAN_AGE_MS = DAY_MS

/** Values of a log that leave in one batch. */
const REMOVED_AT_ONCE = 1_000
/** Values of one log that are passed by before the next log is looked for. */
const PASSED = 16

/** Removes all records of a collection that the catalogue does not have. */
export async function removeRecords(group: Group, uuid: string): Promise<void> {
  let keys: Uint8Array[] = []
  for await (const [key] of group.scan(recordsOf(uuid))) {
    keys.push(key)
    if (keys.length < REMOVED_AT_ONCE) continue
    await group.write({ puts: [], deletes: keys })
    keys = []
  }
  if (keys.length > 0) await group.write({ puts: [], deletes: keys })
}

/**
 * Removes records that earlier owners wrote for collections that the catalogue does not have: a recovery or a removal was
 * killed in between.
 */
export async function removeStrayRecords(group: Group): Promise<void> {
  const found = await collectionsWithRecords(group)
  // Read after the records, so it has every collection that was recovered meanwhile.
  const named = await namedUuids(group)
  for (const [uuid, epoch] of found) if (epoch < group.epoch && !named.has(uuid)) await removeRecords(group, uuid)
}

/** Uuids of collections with records, and the epoch of the first of them. Most values are passed over unread. */
async function collectionsWithRecords(group: Group): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  let from: Uint8Array | null = RECORDS
  while (from !== null) {
    let [last, passed]: [string, number] = ['', 0]
    let next: Uint8Array | null = null
    for await (const [key, value] of group.scan(RECORDS, from)) {
      const uuid = uuidOf(key, RECORDS) ?? ''
      if (uuid !== last) [last, passed] = [uuid, 0]
      if (!found.has(uuid)) found.set(uuid, recordsIn(value, `log of collection ${uuid}`).epoch)
      if (++passed <= PASSED) continue
      next = behind(recordsOf(uuid))
      break
    }
    from = next
  }
  return found
}

async function namedUuids(database: OpenedStore['database']): Promise<Set<string>> {
  return new Set((await listStored({ database })).map(({ uuid }) => uuid))
}

/**
 * Removes objects that nothing names. Either no manifest or entry followed their upload, or the catalogue no longer has
 * their collection. Manifests of such collections go too: a replaced one's may have been written once more. Only
 * objects of earlier owners count, since this one may be about to name its own.
 */
export async function removeOrphans(
  { objects, owned: { group, removals } }: Pick<OpenedStore, 'objects'> & { owned: OwnedStore },
  { openedMs, ageMs, nowMs }: { openedMs: number; ageMs: number; nowMs: number },
): Promise<number> {
  const before = Math.min(openedMs, nowMs - ageMs) - MOST_SKEW_MS
  const listed = [
    ...(await objects.list(SEGMENTS)),
    ...(await objects.list(TABLES)),
    ...(await objects.list(SNAPSHOT_FOLDER)),
  ]
  const old = listed.filter(({ modifiedMs }) => modifiedMs !== null && modifiedMs < before)
  if (old.length === 0) return 0
  // Read after the listing, so it has every object named meanwhile.
  const { uuids, named, nameless } = await namedIn(group)
  if (nameless.length > 0) await group.write({ puts: [], deletes: nameless.map(manifestKey) })
  let removed = 0
  for (const { path } of old) {
    const [folder = '', uuid = ''] = path.split('/')
    const isNamed = folder === TABLES.slice(0, -1) ? uuids.has(uuid) : named.has(path)
    // An object with a key of removal is removed by that key.
    if (isNamed || removals.has(path) || removals.has(`${folder}/${uuid}/`)) continue
    await objects.remove(path)
    removed++
  }
  return removed
}

interface Named {
  uuids: Set<string>
  named: Set<string>
  /** Manifests of collections that the catalogue does not have. */
  nameless: string[]
}

async function namedIn(database: OpenedStore['database']): Promise<Named> {
  const manifests: [string, Uint8Array][] = []
  for await (const [key, value] of database.scan(MANIFESTS))
    manifests.push([Buffer.from(key.subarray(MANIFESTS.length)).toString('utf8'), value])
  // Read after the manifests: name and manifest of a new collection come with one batch.
  const uuids = await namedUuids(database)
  const named = new Set<string>()
  for (const [uuid, value] of manifests) {
    if (!uuids.has(uuid)) continue
    const { segments } = decodeManifest(`manifest of collection ${uuid}`, Buffer.from(value))
    for (const name of namesOf(segments)) named.add(`${segmentFolder(uuid)}/${name}`)
  }
  for await (const [key] of database.scan(SNAPSHOTS))
    named.add(SNAPSHOT_FOLDER + Buffer.from(key.subarray(SNAPSHOTS.length)).toString('utf8'))
  return { uuids, named, nameless: manifests.map(([uuid]) => uuid).filter((uuid) => !uuids.has(uuid)) }
}
