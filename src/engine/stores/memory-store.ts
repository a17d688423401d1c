import { type Clock, systemClock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import { MemoryLog } from '../../log/memory-log.js'
import type { Manifest } from '../../storage/manifest.js'
import { ManifestFile } from '../catalogue/manifest-file.js'
import { OutdatedSegments } from '../collection/checkpointer.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import { Sources } from '../collection/sources.js'
import { makeShard } from '../config/shard-spec.js'
import type { CollectionStore } from './collection-store.js'

/** Collections that end with the process: the same kernel, without a log, a table or files. */
export class MemoryStore implements CollectionStore {
  readonly readOnly = false
  readonly snapshots = null
  readonly reopens = false
  readonly #clock: Clock

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  async list(): Promise<void> {}

  async open({ name }: StoredCollection): Promise<never> {
    throw new VicinalError('INTERNAL', `collection ${JSON.stringify(name)} in memory was closed`)
  }

  async create(manifest: Manifest): Promise<CollectionEngine> {
    return new CollectionEngine({
      shard: makeShard(manifest, { trackChanges: false }),
      log: new MemoryLog(),
      manifest: new ManifestFile(null, manifest),
      table: null,
      home: null,
      sources: new Sources(manifest, false),
      readOnly: false,
      warnings: [],
      outdated: new OutdatedSegments(),
      clock: this.#clock,
    })
  }

  async saveAliases(): Promise<void> {}

  async loadQuotas(): Promise<unknown> {
    return {}
  }

  async saveQuotas(): Promise<void> {}

  async diskPercent(): Promise<null> {
    return null
  }

  async remove(): Promise<void> {}

  async stop(): Promise<void> {}

  async close(): Promise<void> {}
}
