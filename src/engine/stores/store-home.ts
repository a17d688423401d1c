import type { StoreAddress } from '../../bucket/address.js'
import { GroupFollower } from '../../bucket/group-follower.js'
import { GroupLog } from '../../bucket/group-log.js'
import { manifestKey } from '../../bucket/keys.js'
import { DEFAULT_REMOVAL_MS, PRUNING } from '../../bucket/removals.js'
import { systemClock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import type { Log } from '../../log/log.js'
import { SegmentJanitor } from '../../storage/janitor.js'
import { LanceTable } from '../../storage/lance-table.js'
import { type CollectionPaths, collectionPaths } from '../../storage/layout.js'
import { decodeManifest, encodeManifest, type Manifest, type SegmentEntry } from '../../storage/manifest.js'
import { storeTable } from '../../storage/table-home.js'
import { layoutOf } from '../../storage/table-layout.js'
import type { ManifestPlace } from '../catalogue/manifest-file.js'
import { checkRestoredManifest } from '../catalogue/restored-manifest.js'
import type { CollectionHome, Follower } from '../collection/collection-home.js'
import { STORE_BOUNDS } from '../collection/flush-bounds.js'
import { type CachedFile, CachedFiles } from './cached-files.js'
import { type OpenedStore, type OwnedStore, ownedOf } from './opened-store.js'

/**
 * Values of the log that leave with one batch of the manifest; the rest leaves with later ones. More than a log has
 * before it is flushed, so that it does not grow.
 */
const MOST_REMOVED = 2 * STORE_BOUNDS.logValues

/** Path of a collection's table and segments below the store's address. */
export const TABLES = 'tables/'
export const SEGMENTS = 'segments/'
export const tableFolder = (uuid: string) => TABLES + uuid
export const segmentFolder = (uuid: string) => SEGMENTS + uuid

/** Names of the files of segments. */
export function namesOf(segments: readonly Pick<SegmentEntry, 'file' | 'overlay'>[]): string[] {
  return segments.flatMap(({ file, overlay }) => (overlay ? [file, overlay.file] : [file]))
}

const filesOf = ({ file, bytes, overlay }: SegmentEntry): CachedFile[] => [
  { name: file, bytes },
  ...(overlay ? [{ name: overlay.file, bytes: overlay.bytes }] : []),
]

/** A collection that a store keeps. Its folder has copies of the segments, and nothing that cannot be lost. */
export class StoreHome implements CollectionHome {
  readonly isOwnFolder = true
  readonly flushBounds = STORE_BOUNDS
  readonly disk: Disk
  readonly paths: CollectionPaths
  readonly #store: OpenedStore
  readonly #uuid: string
  readonly #files: CachedFiles
  /** Files of segments that were fetched again because their copies were damaged. */
  readonly #refetched = new Set<string>()
  #isHeld = false
  /** The manifest that was read last. A reader asks for it with each batch. */
  #checked: { value: Uint8Array; manifest: Manifest } | null = null

  constructor(store: OpenedStore, uuid: string) {
    this.#store = store
    this.#uuid = uuid
    this.disk = store.cache.disk
    this.paths = collectionPaths(uuid)
    this.#files = new CachedFiles(store.objects, segmentFolder(uuid), store.cache, this.paths.segments)
  }

  async readManifest(): Promise<Manifest> {
    const where = `manifest of collection ${this.#uuid}`
    const value = await this.#store.database.get(manifestKey(this.#uuid))
    if (value === null) throw new VicinalError('CORRUPT', `${where}: it is missing`)
    if (this.#checked && Buffer.compare(this.#checked.value, value) === 0) return this.#checked.manifest
    const manifest = decodeManifest(where, Buffer.from(value))
    // Another hand may have written it, as a snapshot's.
    checkRestoredManifest(manifest, where)
    if (manifest.uuid !== this.#uuid) throw new VicinalError('CORRUPT', `${where}: it is that of ${manifest.uuid}`)
    this.#checked = { value, manifest }
    return manifest
  }

  async openLog({ flushedSeq }: Manifest): Promise<Log> {
    return await GroupLog.open(this.#owned.group, this.#uuid, flushedSeq)
  }

  /** A manifest, the removal of the records that it covers, and the names of objects that it stops naming are one batch. */
  manifestPlace(log: Log, manifest: Manifest): ManifestPlace {
    const { group, removals } = this.#owned
    let before = namesOf(manifest.segments)
    let { tableVersion, flushedSeq } = manifest
    return {
      write: async (manifest) => {
        const value = encodeManifest(`manifest of collection ${this.#uuid}`, manifest)
        const covered = (log as GroupLog).covered(manifest.flushedSeq, MOST_REMOVED)
        const names = namesOf(manifest.segments)
        const gone = before
          .filter((name) => !names.includes(name))
          .map((name) => `${segmentFolder(this.#uuid)}/${name}`)
        // A version without newer rows is a compaction's: the versions before it go once it was named for some time.
        if (manifest.tableVersion !== tableVersion && manifest.flushedSeq === flushedSeq)
          gone.push(`${PRUNING}${this.#uuid}/${manifest.tableVersion}`)
        await group.write({ puts: [[manifestKey(this.#uuid), value], ...removals.puts(gone)], deletes: covered })
        removals.added(gone)
        before = names
        ;({ tableVersion, flushedSeq } = manifest)
        ;(log as GroupLog).removed(covered)
      },
    }
  }

  async openTable(manifest: Manifest, options: { readOnly: boolean }): Promise<LanceTable> {
    const { address } = this.#store
    const home = storeTable(
      address.url,
      storageOptions(address),
      tableFolder(this.#uuid),
      manifest.flushedSeq,
      this.#keptMs,
    )
    const contents = { collection: manifest.name, vectors: layoutOf(manifest).vectors }
    return await LanceTable.at(home, contents, manifest.tableVersion, options)
  }

  follow({ flushedSeq }: Manifest): Follower {
    const read = async () => (await this.readManifest()).flushedSeq
    return new GroupFollower(this.#store.database, this.#uuid, flushedSeq, read)
  }

  async fetchSegments({ segments }: Manifest): Promise<string | null> {
    const { cache } = this.#store
    if (!this.#isHeld) cache.hold(this.paths.segments)
    this.#isHeld = true
    // Files of older manifests leave at once. Mapped files stay readable.
    await new SegmentJanitor(this.disk, this.paths.segments, systemClock).sweep(segments, 0)
    const files = segments.flatMap(filesOf)
    await this.#files.fetch(files)
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    if (bytes <= cache.mostBytes) return null
    return `cache: the segments of this collection alone take ${bytes} bytes, and the cache should have at most ${cache.mostBytes} (cache-bytes)`
  }

  async refetchSegment(segment: SegmentEntry): Promise<boolean> {
    if (this.#refetched.has(segment.file)) return false
    this.#refetched.add(segment.file)
    await this.#files.refetch(filesOf(segment))
    return true
  }

  async isVerified(segment: SegmentEntry): Promise<boolean> {
    return await this.#files.areVerified(namesOf([segment]))
  }

  async noteVerified(segment: SegmentEntry): Promise<void> {
    await this.#files.noteVerified(namesOf([segment]))
  }

  async prepare(): Promise<void> {
    await this.#store.cache.makeFolder(this.paths.segments)
  }

  release(): void {
    if (this.#isHeld) this.#store.cache.release(this.paths.segments)
    this.#isHeld = false
  }

  async keepSegments(segments: readonly Pick<SegmentEntry, 'file' | 'overlay'>[]): Promise<void> {
    await this.#files.keep(namesOf(segments))
  }

  /** How long old versions of the table stay. */
  get #keptMs(): number {
    return this.#store.owned?.removals.afterMs ?? DEFAULT_REMOVAL_MS
  }

  get #owned(): OwnedStore {
    return ownedOf(this.#store)
  }
}

/** Lance's options to reach the store: all from the address, none from the environment. */
function storageOptions(address: StoreAddress): Record<string, string> {
  if (address.kind === 'file') return {}
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = address.access
  const given = {
    aws_endpoint: endpoint,
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
    aws_session_token: sessionToken,
    allow_http: endpoint?.startsWith('http:') ? 'true' : null,
  }
  const set = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null)
  return { aws_region: region, ...Object.fromEntries(set) }
}
