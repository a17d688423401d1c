import { dirname, join } from 'node:path'
import type { Change } from '../../bucket/group.js'
import { collectionKey, manifestKey, recordsKey } from '../../bucket/keys.js'
import { encodeRecords } from '../../bucket/records.js'
import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import { FileLog } from '../../log/file-log.js'
import { LogFollower } from '../../log/log-follower.js'
import { encodeRecord } from '../../log/record.js'
import { LanceFiles } from '../../storage/lance-files.js'
import { mayMention, messageIn, versionPath } from '../../storage/lance-versions.js'
import { isTableFile } from '../../storage/lance-wall.js'
import { type CollectionPaths, collectionPaths, pathsIn } from '../../storage/layout.js'
import { encodeManifest, type Manifest } from '../../storage/manifest.js'
import type { SnapshotCollection } from '../../storage/snapshot-index.js'
import type { CollectionEngine, HeldFiles } from '../collection/collection-engine.js'
import { describeFolder } from '../snapshots/link-collection.js'
import type { SnapshotPlace } from '../snapshots/snapshot-store.js'
import type { Adopted, StagedCollection } from '../snapshots/staged-collection.js'
import { fetchObjects, filePieces } from './cached-files.js'
import { asValue, type OpenedStore, ownedOf } from './opened-store.js'
import { namesOf, segmentFolder, tableFolder } from './store-home.js'
import { StoredSnapshots } from './stored-snapshots.js'

const TABLE = 'table.lance'

/**
 * Snapshots of a store. A capture has the same files as one of a folder, so that each can be taken in by the other: segments
 * are linked from the cache, files of the table are fetched. Objects that it needs are not removed meanwhile.
 */
export class StorePlace implements SnapshotPlace {
  readonly shelf: StoredSnapshots
  readonly #store: OpenedStore
  readonly #onAdopted: (adopted: Adopted) => void

  constructor(store: OpenedStore, onAdopted: (adopted: Adopted) => void = () => {}) {
    this.shelf = new StoredSnapshots(store)
    this.#store = store
    this.#onAdopted = onAdopted
  }

  async capture(engine: CollectionEngine, folder: string): Promise<SnapshotCollection> {
    const { uuid, name } = engine
    const { disk } = this.#store.cache
    const release = ownedOf(this.#store).removals.hold([`${segmentFolder(uuid)}/`, `${tableFolder(uuid)}/`])
    let releaseVersions = () => {}
    try {
      const { manifest, seq } = await engine.holdFiles(async (held) => {
        releaseVersions = held.table.holdVersions()
        await this.#takeSegments(held, folder)
        await takeLog(engine, held, disk, join(folder, 'log'))
        return held
      })
      // Takes long, and flushes go on meanwhile.
      await this.#fetchTable(manifest, folder)
      return await describeFolder(disk, folder, { ...manifest, name }, Math.max(manifest.flushedSeq, seq))
    } finally {
      releaseVersions()
      release()
    }
  }

  async #takeSegments({ manifest, paths }: HeldFiles, folder: string): Promise<void> {
    const { disk } = this.#store.cache
    const target = join(folder, 'segments')
    await disk.makeFolder(target)
    for (const { file, bytes, overlay } of manifest.segments) {
      for (const one of [{ name: file, bytes }, ...(overlay ? [{ name: overlay.file, bytes: overlay.bytes }] : [])]) {
        const isCached = (await disk.facts(join(paths.segments, one.name)))?.bytes === one.bytes
        if (isCached) await disk.linkFile(join(paths.segments, one.name), join(target, one.name))
        else await this.#fetch(`${segmentFolder(manifest.uuid)}/${one.name}`, one.bytes, join(target, one.name))
      }
    }
  }

  /** Fetches the files of the table's named version, and writes their checksums, which a store does not have. */
  async #fetchTable({ uuid, name, tableVersion, flushedSeq }: Manifest, folder: string): Promise<void> {
    if (tableVersion === 0) return
    const { objects, cache } = this.#store
    const root = `${tableFolder(uuid)}/${TABLE}/`
    const version = versionPath(tableVersion)
    const bytes = await objects.read(root + version)
    const message = bytes && messageIn(Buffer.from(bytes))
    if (!message) throw new VicinalError('CORRUPT', `${root}${version}: the store does not have the table's version`)
    for (const object of await objects.list(root)) {
      const file = object.path.slice(root.length)
      const isUsed = file === version || (!file.startsWith('_versions') && mayMention(message, file))
      if (isUsed && isTableFile(file)) await this.#fetch(object.path, object.bytes, join(folder, TABLE, file))
    }
    const files = await LanceFiles.open(cache.disk, join(folder, TABLE), name, 0)
    await files.sync(tableVersion, flushedSeq)
  }

  async #fetch(path: string, bytes: number, target: string): Promise<void> {
    const { objects, cache } = this.#store
    await cache.disk.makeFolder(dirname(target))
    await fetchObjects(objects, [{ path, bytes, target }], cache.disk)
  }

  /**
   * Uploads the files of an unpacked collection. It takes the place of the one that it replaces with one batch; before it,
   * nothing names its objects. Its first use opens it.
   */
  async adopt({ folder, seq, manifest }: StagedCollection, as: Adopted): Promise<null> {
    const { uuid, name, replaces } = as
    const { group, removals } = ownedOf(this.#store)
    const from = pathsIn(folder)
    await this.#upload(from, { ...manifest, uuid })
    const written = await this.#putRecords(from, manifest, uuid, seq)
    const gone = replaces === null ? [] : [`${tableFolder(replaces)}/`, `${segmentFolder(replaces)}/`]
    const { replaces: _, ...kept } = manifest
    const value = encodeManifest(`manifest of collection ${uuid}`, { ...kept, uuid, name, cleanEnd: null })
    const change: Change = {
      puts: [[collectionKey(name), asValue({ uuid })], [manifestKey(uuid), value], ...removals.puts(gone)],
      deletes: replaces === null ? [] : [manifestKey(replaces)],
    }
    await group.write(change).catch(async (error) => {
      await group.write({ puts: [], deletes: written }).catch(() => undefined)
      throw error
    })
    removals.added(gone)
    this.#onAdopted(as)
    return null
  }

  async #upload(from: CollectionPaths, { uuid, segments }: Manifest): Promise<void> {
    const { objects, cache } = this.#store
    const { disk } = cache
    const send = async (path: string, file: string) => await objects.writePieces(path, filePieces(disk, file))
    for (const file of namesOf(segments)) await send(`${segmentFolder(uuid)}/${file}`, join(from.segments, file))
    for (const file of await disk.files(from.table))
      if (isTableFile(file)) await send(`${tableFolder(uuid)}/${TABLE}/${file}`, join(from.table, file))
    // Files that were just sent need not be fetched.
    const { segments: cached } = collectionPaths(uuid)
    await cache.makeFolder(dirname(cached))
    if (await disk.exists(from.segments)) await disk.rename(from.segments, cached)
  }

  /** Puts the records that the table lacks into the log. Resolves to their keys. */
  async #putRecords(from: CollectionPaths, manifest: Manifest, uuid: string, seq: number): Promise<Uint8Array[]> {
    const { group } = ownedOf(this.#store)
    const keys: Uint8Array[] = []
    const follower = new LogFollower(
      { disk: this.#store.cache.disk, folder: from.log, uuid: manifest.uuid },
      manifest.flushedSeq,
    )
    try {
      while (follower.seq < seq) {
        const firstSeq = follower.seq + 1
        const followed = await follower.poll()
        const entries = followed.state === 'entries' ? followed.entries : []
        if (entries.length === 0) throw new VicinalError('CORRUPT', `the log ends at ${follower.seq}, expected ${seq}`)
        const value = encodeRecords(
          group.epoch,
          entries.map(({ record }) => encodeRecord(record)),
        )
        const key = recordsKey(uuid, firstSeq)
        await group.write({ puts: [[key, value]] })
        keys.push(key)
      }
    } finally {
      await follower.close()
    }
    return keys
  }
}

/** Writes the records that the table lacks, up to the held one, into the log of a folder. */
async function takeLog(engine: CollectionEngine, held: HeldFiles, disk: Disk, folder: string): Promise<void> {
  const { uuid, flushedSeq } = held.manifest
  await disk.makeFolder(folder)
  const log = await FileLog.open({ disk, folder, uuid, cleanEnd: null, flushedSeq, create: true })
  try {
    let durable = Promise.resolve()
    for await (const { seq, record } of engine.log.replay(flushedSeq)) {
      if (seq > held.seq) break
      durable = log.append(seq, record).durable
    }
    await durable
  } finally {
    await log.close()
  }
}
