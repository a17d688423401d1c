import { MANIFESTS, SNAPSHOTS } from '../../bucket/keys.js'
import { MOST_SKEW_MS } from '../../bucket/probe.js'
import type { Removals } from '../../bucket/removals.js'
import { decodeManifest } from '../../storage/manifest.js'
import type { OpenedStore } from './opened-store.js'
import { namesOf, SEGMENTS, segmentFolder, TABLES } from './store-home.js'
import { SNAPSHOT_FOLDER } from './stored-snapshots.js'

const DAY_MS = 86_400_000
/** Objects that nothing names are removed at this age. */
export const DEFAULT_ORPHAN_AGE_MS = DAY_MS

/**
 * Removes objects that nothing names: those whose upload was followed by no manifest or entry, and those of collections that the
 * catalogue no longer has. Only objects of earlier owners count, since this one may be about to name its own.
 */
export async function removeOrphans(
  { objects, database }: Pick<OpenedStore, 'objects' | 'database'>,
  removals: Removals,
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
  const { uuids, named } = await namedIn(database)
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

async function namedIn(database: OpenedStore['database']): Promise<{ uuids: Set<string>; named: Set<string> }> {
  const uuids = new Set<string>()
  const named = new Set<string>()
  for await (const [key, value] of database.scan(MANIFESTS)) {
    const uuid = Buffer.from(key.subarray(MANIFESTS.length)).toString('utf8')
    const { segments } = decodeManifest(`manifest of collection ${uuid}`, Buffer.from(value))
    uuids.add(uuid)
    for (const name of namesOf(segments)) named.add(`${segmentFolder(uuid)}/${name}`)
  }
  for await (const [key] of database.scan(SNAPSHOTS))
    named.add(SNAPSHOT_FOLDER + Buffer.from(key.subarray(SNAPSHOTS.length)).toString('utf8'))
  return { uuids, named }
}
