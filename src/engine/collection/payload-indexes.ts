import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import type { Shard } from '../../native/shard.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { buildIndex, type IndexedField } from '../config/payload-index.js'
import { queuedChange } from '../limits/overloaded.js'
import type { Issues } from './issues.js'

/**
 * The payload indexes of an open collection. An index is in the manifest before it is built, so that the next open
 * builds it if the process ends early. Indexes are built one after the other on the kernel's pool, while reads and
 * writes go on. The next index is durable while the one before is still being built.
 */
export class PayloadIndexes {
  readonly #shard: () => Shard
  readonly #manifest: ManifestFile
  readonly #issues: Issues
  readonly #changes = new Mutex()
  readonly #builds = new Mutex()
  #building = 0

  constructor(shard: () => Shard, manifest: ManifestFile, issues: Issues) {
    this.#shard = shard
    this.#manifest = manifest
    this.#issues = issues
  }

  /** Resolves when the index is durable. `built` resolves when it is built. */
  async create(index: IndexedField): Promise<{ built: Promise<void> }> {
    let built: Promise<void> = Promise.resolve()
    await queuedChange(this.#changes, 'changes of payload indexes', async () => {
      const before = this.#manifest.current.payloadIndexes
      const others = before.filter(({ field }) => field !== index.field)
      if (others.length >= LIMITS.payloadIndexes) {
        throw new VicinalError('INVALID_ARGUMENT', `payload indexes: at most ${LIMITS.payloadIndexes}, got one more`)
      }
      await this.#manifest.update({ payloadIndexes: [...others, index] })
      this.#building++
      built = this.#builds
        .run(() => this.#build(index))
        .finally(() => {
          this.#building--
        })
      // A failure is recorded, because nobody may be waiting for it. The next open builds the index.
      built.then(
        () => this.#issues.set(aboutIndex(index.field), null),
        (error: VicinalError) => this.#issues.set(aboutIndex(index.field), error),
      )
    })
    return { built }
  }

  async delete(field: string): Promise<void> {
    let dropped: Promise<void> = Promise.resolve()
    await queuedChange(this.#changes, 'changes of payload indexes', async () => {
      const payloadIndexes = this.#manifest.current.payloadIndexes.filter((index) => index.field !== field)
      await this.#manifest.update({ payloadIndexes })
      this.#issues.set(aboutIndex(field), null)
      dropped = this.#builds.run(async () => this.#shard().dropPayloadIndex(field))
      dropped.catch(() => {})
    })
    await dropped
  }

  /** Whether an index is being built or waits for its turn. */
  get isBuilding(): boolean {
    return this.#building > 0
  }

  /** Resolves when all changes and builds begun so far are done. */
  async idle(): Promise<void> {
    await this.#changes.idle()
    await this.#builds.idle()
  }

  /** Runs work while no index is made or dropped. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#changes.run(() => this.#builds.run(work))
  }

  async #build(index: IndexedField): Promise<void> {
    // The index was deleted, or created again with other parameters, before its turn came.
    if (!this.#manifest.current.payloadIndexes.includes(index)) return
    await buildIndex(this.#shard(), index)
  }
}

function aboutIndex(field: string): string {
  return `payload index ${JSON.stringify(field)}`
}
