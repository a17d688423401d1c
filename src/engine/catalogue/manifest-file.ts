import { Mutex } from '../../core/mutex.js'
import type { Disk } from '../../disk/disk.js'
import { type Manifest, writeManifest } from '../../storage/manifest.js'
import { catalogChanges } from './catalog-changes.js'

/**
 * The manifest of an open collection. Updates take turns; each is on stable storage before it shows in `current`. With
 * no place (an in-memory collection) nothing is written.
 */
export class ManifestFile {
  readonly #place: { disk: Disk; path: string } | null
  #current: Manifest
  readonly #mutex = new Mutex()

  constructor(place: { disk: Disk; path: string } | null, manifest: Manifest) {
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
        if (this.#place) await writeManifest(this.#place.disk, this.#place.path, next)
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
