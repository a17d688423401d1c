import { randomUUID } from 'node:crypto'
import { Mutex } from '../../core/mutex.js'
import type { Manifest } from '../../storage/manifest.js'
import { catalogChanges } from './catalog-changes.js'

/** Where the manifest is kept. */
export interface ManifestPlace {
  /** Replaces the manifest on stable storage: after a crash the old one or the new one is there. */
  write(manifest: Manifest): Promise<void>
}

/**
 * The manifest of an open collection. Updates take turns; each is on stable storage before it shows in `current`. With
 * no place (an in-memory collection) nothing is written.
 */
export class ManifestFile {
  readonly #place: ManifestPlace | null
  #current: Manifest
  readonly #mutex = new Mutex()

  constructor(place: ManifestPlace | null, manifest: Manifest) {
    this.#place = place
    this.#current = manifest
  }

  get current(): Manifest {
    return this.#current
  }

  /**
   * A `change` given as a function runs in its turn, with the manifest that all earlier updates made. `then` runs at
   * the moment the update becomes visible. `otherwise` runs if the manifest could not be written, before the next
   * update.
   */
  async update(
    change: Partial<Manifest> | ((current: Manifest) => Partial<Manifest>),
    then?: () => void,
    otherwise?: () => void,
  ): Promise<void> {
    await this.#mutex.run(async () => {
      const changes = typeof change === 'function' ? change(this.#current) : change
      if (Object.keys(changes).length === 0) return
      const next = { ...this.#current, ...changes }
      try {
        await this.#place?.write(next)
      } catch (error) {
        otherwise?.()
        throw error
      }
      this.#current = next
      then?.()
      if (changes.config) catalogChanges.note()
    })
  }
}

export function newManifest(name: string, config: Manifest['config']): Manifest {
  return {
    uuid: randomUUID(),
    name,
    config,
    payloadIndexes: [],
    tableVersion: 0,
    flushedSeq: 0,
    checkpointSeq: 0,
    segments: [],
    cleanEnd: null,
    createdAt: new Date().toISOString(),
  }
}
