import type { Clock } from '../../core/clock.js'
import { readOnly, VicinalError } from '../../core/errors.js'
import type { Appended, Log } from '../../log/log.js'
import type { Followed } from '../../log/log-follower.js'
import type { LogEntry } from '../../log/record.js'
import type { Shard } from '../../native/shard.js'
import type { Manifest } from '../../storage/manifest.js'
import { layoutOf, liveVectors } from '../../storage/table-layout.js'
import { ManifestFile } from '../catalogue/manifest-file.js'
import { buildIndexes } from '../config/payload-index.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { RecoverySpill, unspilledBytes } from '../memory/unspilled-rows.js'
import { applyRecord } from './apply.js'
import { OutdatedSegments } from './checkpointer.js'
import type { CollectionEngine } from './collection-engine.js'
import type { CollectionHome, Follower } from './collection-home.js'
import type { CollectionParts } from './collection-view.js'
import { fetchSegments, fillShard, spillOf } from './recovery.js'
import { Sources } from './sources.js'

/** Attempts to open the files that a manifest names. If they are gone by then, a newer manifest names others. */
const OPEN_ATTEMPTS = 5
/** Bytes of rows that a reader keeps in memory before it takes in newer segments, if there are any. */
const TAIL_BYTES = 64 * 1024 * 1024
/** Memory that one step of following may take, and the share of a memory limit, if there is one. */
const STEP_BYTES = 32 * 1024 * 1024
const STEP_SHARE = 1 / 16
/** Prefix of the warning about the present problem. */
const FOLLOWING = 'following the log: '

interface Loaded {
  shard: Shard
  follower: Follower
  manifest: Manifest
  warnings: string[]
}

/**
 * A collection that another process writes, as a reader sees it. It opens as of its manifest and then follows the log.
 */
export class FollowedCollection {
  readonly #home: CollectionHome
  readonly #spill: RecoverySpill
  #follower: Follower
  #indexes: string
  /** Whether some records taken from the log are not applied yet. */
  #isBehind = false
  #isFollowing = false
  #trouble: Error | null = null
  readonly parts: CollectionParts

  private constructor(home: CollectionHome, clock: Clock, loaded: Loaded) {
    this.#home = home
    this.#spill = spillOf(home, false)
    this.#follower = loaded.follower
    this.#indexes = JSON.stringify(loaded.manifest.payloadIndexes)
    this.parts = {
      shard: loaded.shard,
      log: new FollowedLog(() => this.#follower),
      manifest: new ManifestFile(null, loaded.manifest),
      table: null,
      home: null,
      sources: new Sources({}, false),
      readOnly: true,
      isFollowing: () => this.#isFollowing,
      exhausted: () => this.exhausted,
      onClosed: () => home.release(),
      warnings: loaded.warnings,
      outdated: new OutdatedSegments(),
      clock,
    }
  }

  /** `admit` sees the manifest first, and may refuse it. */
  static async open(
    home: CollectionHome,
    clock: Clock,
    admit: (manifest: Manifest) => Promise<void>,
  ): Promise<FollowedCollection> {
    await admit(await home.readManifest())
    return new FollowedCollection(home, clock, await load(home))
  }

  /**
   * Opens and closes a collection to see whether it opens: without indexes and graphs, and within the memory limit. The
   * folder must be the caller's alone. Resolves to the number of the last operation.
   */
  static async check(home: CollectionHome): Promise<number> {
    const spill = new RecoverySpill(home.disk.absolute(home.paths.segments), { isTrial: true })
    const { shard, follower } = await loadOnce(home, { spill, isLast: true })
    await follower.close()
    await shard.close()
    return follower.seq
  }

  /**
   * Applies the records that the writer has added. After a failure the present rows stay served, and the next call
   * retries. Resolves to true if all records that the log had are applied.
   */
  async follow(engine: CollectionEngine): Promise<boolean> {
    this.#isFollowing = true
    try {
      const isLevel = await this.#follow(engine)
      this.#tell(null)
      return isLevel
    } catch (cause) {
      this.#tell(cause as Error)
      return false
    } finally {
      this.#isFollowing = false
    }
  }

  /** Why the last attempt to follow failed. */
  get trouble(): string | null {
    return this.#trouble?.message ?? null
  }

  async #polled(): Promise<Followed> {
    const before = this.#follower.seq
    try {
      return await this.#follower.poll()
    } catch (cause) {
      // Records taken from the log before the failure are not returned again.
      this.#isBehind = this.#follower.seq !== before
      throw cause
    }
  }

  /** Set while the memory limit keeps the collection from following. */
  get exhausted(): VicinalError | null {
    const trouble = this.#trouble
    return trouble instanceof VicinalError && trouble.code === 'RESOURCE_EXHAUSTED' ? trouble : null
  }

  #tell(error: Error | null): void {
    this.#trouble = error
    const { warnings } = this.parts
    const at = warnings.findIndex((warning) => warning.startsWith(FOLLOWING))
    if (at >= 0) warnings.splice(at, 1)
    if (error !== null) warnings.push(FOLLOWING + error.message)
  }

  /** Whether newer segments have many of the rows that are in memory here. */
  #hasLongTail({ shard }: CollectionEngine, { checkpointSeq }: Manifest): boolean {
    if (checkpointSeq <= this.parts.manifest.current.checkpointSeq) return false
    return unspilledBytes(shard.stats()) >= Math.min(TAIL_BYTES, memoryBudget.spillBytes)
  }

  async #follow(engine: CollectionEngine): Promise<boolean> {
    await checkRoom()
    const followed = this.#isBehind ? ({ state: 'reload' } as const) : await this.#polled()
    this.#isBehind = true
    // The manifest is read after the records: a vector is in the manifest before any record names it.
    const manifest = await this.#home.readManifest()
    const isShort = followed.state === 'entries' && !this.#hasLongTail(engine, manifest)
    if (isShort && hasSameVectors(manifest, this.parts.manifest.current)) {
      const vectors = liveVectors(layoutOf(manifest))
      for (const { seq, record } of followed.entries) await applyRecord(engine.shard, vectors, seq, record)
      this.#isBehind = false
      if (followed.entries.length > 0) await this.#spill.after(engine.shard)
      await this.#followIndexes(engine, manifest)
      const { config, payloadIndexes, qualityReference = null, ruleCounts = [] } = manifest
      await this.parts.manifest.update({ config, payloadIndexes, qualityReference, ruleCounts })
      return followed.isPart !== true
    }
    const loaded = await load(this.#home)
    await this.#follower.close()
    this.#follower = loaded.follower
    this.#indexes = JSON.stringify(loaded.manifest.payloadIndexes)
    await engine.replaceShard(loaded.shard, loaded.manifest)
    this.#isBehind = false
    return true
  }

  async #followIndexes(engine: CollectionEngine, { payloadIndexes }: Manifest): Promise<void> {
    const indexes = JSON.stringify(payloadIndexes)
    if (indexes === this.#indexes) return
    for (const { field } of engine.shard.stats().payloadIndexes) engine.shard.dropPayloadIndex(field)
    await buildIndexes(engine.shard, payloadIndexes)
    this.#indexes = indexes
  }
}

/** Rejects with RESOURCE_EXHAUSTED if the memory limit leaves no room for a step. */
async function checkRoom(): Promise<void> {
  const { limitBytes } = memoryBudget
  if (limitBytes === null || (await memoryBudget.hasRoom(Math.min(STEP_BYTES, limitBytes * STEP_SHARE)))) return
  const message = `memory: ${memoryBudget.usedBytes} bytes are in use, and the limit is ${limitBytes}; what the owner has added is taken in once there is room`
  throw new VicinalError('RESOURCE_EXHAUSTED', message, {
    details: { bound: limitBytes, seen: memoryBudget.usedBytes },
  })
}

function hasSameVectors(manifest: Manifest, before: Manifest): boolean {
  const slots = [manifest, before].map((each) => liveVectors(layoutOf(each)).map(({ slot }) => slot))
  return String(slots[0]) === String(slots[1])
}

async function load(home: CollectionHome): Promise<Loaded> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await loadOnce(home, { isLast: attempt === OPEN_ATTEMPTS })
    } catch (error) {
      if (attempt === OPEN_ATTEMPTS) throw error
    }
  }
}

async function loadOnce(
  home: CollectionHome,
  { spill, isLast }: { spill?: RecoverySpill; isLast: boolean },
): Promise<Loaded> {
  const manifest = await home.readManifest()
  const warnings: string[] = []
  const lost = await fetchSegments(home, manifest, warnings)
  // A newer manifest may name others. If it does not, the table has the rows.
  if (lost && !isLast) throw lost
  const table = await home.openTable(manifest, { readOnly: true })
  const shard = await fillShard(home, manifest, table, {
    warnings,
    outdated: new OutdatedSegments(),
    trackChanges: false,
    lost,
    ...(spill ? { spill } : {}),
  }).finally(() => table.close())
  const follower = home.follow(manifest)
  try {
    for (let followed = await follower.poll(); ; followed = await follower.poll()) {
      if (followed.state === 'reload') throw new VicinalError('UNAVAILABLE', 'the log was trimmed while it was read')
      if (followed.entries.length === 0) break
      if (!hasSameVectors(await home.readManifest(), manifest))
        throw new VicinalError('UNAVAILABLE', 'vectors were added or dropped while the log was read')
      const vectors = liveVectors(layoutOf(manifest))
      for (const { seq, record } of followed.entries) await applyRecord(shard, vectors, seq, record)
      await (spill ?? spillOf(home, false)).after(shard)
      if (!spill) await checkRoom()
    }
    if (!spill) await buildIndexes(shard, manifest.payloadIndexes)
    return { shard, follower, manifest, warnings }
  } catch (error) {
    await follower.close()
    await shard.close()
    throw error
  }
}

/** A reader's side of the log: how far it has been read. */
class FollowedLog implements Log {
  readonly bytes = 0
  readonly bufferedBytes = 0
  readonly failure = null
  readonly #follower: () => Follower

  constructor(follower: () => Follower) {
    this.#follower = follower
  }

  get lastSeq(): number {
    return this.#follower().seq
  }
  get durableSeq(): number {
    return this.#follower().seq
  }
  append(): Appended {
    throw readOnly()
  }
  async durable(): Promise<void> {}
  async *replay(): AsyncGenerator<LogEntry> {}
  bytesSince(): number {
    return 0
  }
  async trim(): Promise<void> {}
  async close(): Promise<null> {
    await this.#follower().close()
    return null
  }
}
