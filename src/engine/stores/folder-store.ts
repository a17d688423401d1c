import { background } from '../../core/background.js'
import { type Clock, systemClock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import type { QuotaConfig } from '../../core/quotas.js'
import { Disk } from '../../disk/disk.js'
import { FileLog } from '../../log/file-log.js'
import { FileLock } from '../../native/lock.js'
import { type Aliases, readAliases, readQuotas, writeAliases, writeQuotas } from '../../storage/folder-files.js'
import {
  collectionPaths,
  createCollection,
  deleteCollection,
  LOCK_FILE,
  removeLeftovers,
} from '../../storage/layout.js'
import { type Manifest, writeManifest } from '../../storage/manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import { FolderHome, type StoredCollection } from '../collection/collection-home.js'
import { recoverCollection } from '../collection/recovery.js'
import { mapRoom } from '../memory/map-room.js'
import {
  DEFAULT_SNAPSHOT_SETTINGS,
  folderPlace,
  type SnapshotSettings,
  SnapshotStore,
} from '../snapshots/snapshot-store.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { asVicinalError, FolderCatalogue } from './folder-catalogue.js'

/** How often a changed catalogue is written. */
const SAVE_EVERY_MS = 10_000

/** The data folder of the one process that writes it. */
export class FolderStore implements CollectionStore {
  readonly readOnly = false
  readonly reopens = true
  readonly snapshots: SnapshotStore
  readonly #disk: Disk
  readonly #lock: FileLock
  readonly #clock: Clock
  readonly #catalogue: FolderCatalogue
  #savedAtMs = 0
  readonly #saving = () => this.#saveIfDue()

  private constructor(disk: Disk, lock: FileLock, clock: Clock, snapshots: SnapshotSettings) {
    this.snapshots = new SnapshotStore(disk, folderPlace(disk, clock), snapshots)
    this.#disk = disk
    this.#lock = lock
    this.#clock = clock
    this.#catalogue = new FolderCatalogue(disk)
    background.add(this.#saving)
  }

  /** Creates a missing folder. Rejects with LOCKED while another process writes the folder. */
  static async open(
    root: string,
    clock: Clock = systemClock,
    snapshots: SnapshotSettings = DEFAULT_SNAPSHOT_SETTINGS,
  ): Promise<FolderStore> {
    const disk = new Disk(root)
    await disk.makeRoot()
    const lock = FileLock.acquire(disk.absolute(LOCK_FILE))
    if (!lock) throw await lockedError(disk)
    // The holder's name only serves the message for refused processes. Only the lock counts, so a full disk does not
    // prevent the open.
    await writeHolder(disk).catch(() => undefined)
    return new FolderStore(disk, lock, clock, snapshots)
  }

  async list(registry: CollectionRegistry): Promise<void> {
    await removeLeftovers(this.#disk)
    const { present, replaced, unread } = await this.#catalogue.list()
    // After a crash a replaced collection may still be there beside its replacement.
    for (const collection of replaced) await this.remove(collection)
    for (const collection of present) registry.add(collection)
    for (const { error } of unread) registry.addNameless(error)
    await this.#saveCatalogue()
    try {
      const aliases = await readAliases(this.#disk)
      registry.setAliases(unread.length > 0 ? aliases : leadingTo(new Set(present.map(({ name }) => name)), aliases))
    } catch (cause) {
      registry.addDamagedAliases(asVicinalError(cause))
    }
  }

  async open({ name, uuid }: StoredCollection): Promise<CollectionEngine> {
    const paths = collectionPaths(uuid)
    const parts = await recoverCollection(new FolderHome(this.#disk, paths), this.#clock, async (manifest) => {
      if (manifest.name !== name) {
        throw new VicinalError('CORRUPT', `${paths.manifest}: it is of collection ${JSON.stringify(manifest.name)}`, {
          details: { path: paths.manifest },
        })
      }
      await mapRoom.admitCollection(manifest)
    })
    return new CollectionEngine(parts)
  }

  /** The file is only a copy, so a failure loses nothing but time at the next open. */
  async #saveCatalogue(): Promise<void> {
    this.#savedAtMs = this.#clock.monotonicMs()
    await this.#catalogue.save().catch(() => undefined)
  }

  async #saveIfDue(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#savedAtMs >= SAVE_EVERY_MS) await this.#saveCatalogue()
  }

  async saveAliases(aliases: Aliases): Promise<void> {
    await writeAliases(this.#disk, aliases)
  }

  async create(manifest: Manifest): Promise<null> {
    const disk = this.#disk
    const { uuid, flushedSeq } = manifest
    await createCollection(disk, uuid, async (unfinished) => {
      const log = await FileLog.open({ disk, folder: unfinished.log, uuid, cleanEnd: null, flushedSeq, create: true })
      await log.close()
      await writeManifest(disk, unfinished.manifest, manifest)
    })
    this.#catalogue.add(manifest)
    return null
  }

  async loadQuotas(): Promise<unknown> {
    return await readQuotas(this.#disk)
  }

  async saveQuotas(config: QuotaConfig): Promise<void> {
    await writeQuotas(this.#disk, config)
  }

  async diskPercent(): Promise<number> {
    return await this.#disk.usedPercent()
  }

  async remove({ uuid }: { uuid: string }): Promise<void> {
    await deleteCollection(this.#disk, collectionPaths(uuid))
    this.#catalogue.remove({ uuid })
  }

  async stop(): Promise<void> {
    background.remove(this.#saving)
  }

  async close(collections: readonly StoredCollection[]): Promise<void> {
    background.remove(this.#saving)
    await this.#catalogue.saveClosed(collections).catch(() => undefined)
    this.#lock.release()
  }
}

/** Leaves out aliases of deleted collections. */
function leadingTo(present: ReadonlySet<string>, aliases: Aliases): Aliases {
  return new Map([...aliases].filter(([, collection]) => present.has(collection)))
}

/** Writes the holder into the lock file. The file is never replaced: the lock is on the file, not on its name. */
async function writeHolder(disk: Disk): Promise<void> {
  const file = await disk.openAppend(LOCK_FILE, { truncate: true })
  try {
    await file.append([Buffer.from(JSON.stringify({ pid: process.pid, since: new Date().toISOString() }))])
  } finally {
    await file.close()
  }
}

const LOCK_BYTES = 4096

async function lockedError(disk: Disk): Promise<VicinalError> {
  const holder = await disk.readFile(LOCK_FILE, LOCK_BYTES).then(String, () => '')
  const pid = /"pid":(\d+)/.exec(holder)?.[1]
  const who = pid ? `process ${pid}` : 'another process'
  return new VicinalError(
    'LOCKED',
    `the data folder is open for writing in ${who}; open it with readOnly, or close it there`,
    {
      details: pid ? { pid: Number(pid) } : {},
    },
  )
}
