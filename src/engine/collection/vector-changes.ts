import { isDeepStrictEqual } from 'node:util'
import { type CollectionConfig, isIndexing, type SchemaVector } from '../../core/schema.js'
import type { VectorSpec } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { Manifest } from '../../storage/manifest.js'
import {
  type LayoutVector,
  layoutOf,
  settled,
  type TableLayout,
  withoutVector,
  withVector,
} from '../../storage/table-layout.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { shardSpec } from '../config/shard-spec.js'
import type { Checkpointer, OutdatedSegments } from './checkpointer.js'
import type { Flusher } from './flusher.js'
import type { Maintenance } from './maintenance.js'
import type { PayloadIndexes } from './payload-indexes.js'
import type { Writer } from './writer.js'

export interface VectorChangeParts {
  shard(): Shard
  manifest: ManifestFile
  writer: Writer
  maintenance: Maintenance
  indexes: PayloadIndexes
  flusher: Flusher | null
  checkpointer: Checkpointer | null
  table: LanceTable | null
  /** The number of the last record. A vector added now is newer than any record so far. */
  lastSeq(): number
  /** Runs work while nothing else sheds the shard's memory. */
  undisturbed<T>(work: () => Promise<T>): Promise<T>
  /** Called when the manifest names the new vectors. Later reads and writes use the new shard. */
  replace(shard: Shard): void
}

/** Returns the new configuration, or null if there is nothing to change. Throws if the change is refused. */
export type EditVectors = (config: CollectionConfig) => CollectionConfig | null

/**
 * Adds vectors to an open collection and drops vectors from it. Rows stay in place: the kernel makes another shard of
 * them with the vectors of the new configuration. One write of the manifest makes the change; until then it names
 * nothing new. The layout in it identifies the data of dropped vectors in table, segment files and log.
 */
export class VectorChanges {
  readonly #parts: VectorChangeParts

  constructor(parts: VectorChangeParts) {
    this.#parts = parts
  }

  /** Resolves when the change is durable and visible to all later calls; false if there was nothing to change. */
  async make(edit: EditVectors): Promise<boolean> {
    const { maintenance, indexes, checkpointer, flusher, writer } = this.#parts
    // Takes the turns from the outermost to the innermost, the same order everywhere, so that no deadlock can arise.
    const inTurn = (work: () => Promise<boolean>) => (flusher ? flusher.hold(work) : work())
    const alone = (work: () => Promise<boolean>) => (checkpointer ? checkpointer.exclusively(work) : work())
    return await indexes.exclusively(() =>
      maintenance.aside(() => alone(() => inTurn(() => writer.exclusively(() => this.#change(edit))))),
    )
  }

  async #change(edit: EditVectors): Promise<boolean> {
    const { manifest, table, flusher } = this.#parts
    const { current } = manifest
    const config = edit(current.config)
    if (config === null) return false
    await flusher?.makeRoom()
    const before = layoutOf({ config: current.config, ...layoutIn(flusher?.layout ?? current.layout) })
    const layout = this.#follow(before, config)
    const added = layout.vectors.filter(({ slot }) => slot >= before.nextSlot)
    if (table && added.length > 0) await this.#addColumns(table, layout, added)
    await this.#parts.undisturbed(() => this.#replace(config, layout, added.length > 0))
    return true
  }

  async #replace(config: CollectionConfig, layout: TableLayout, hasAdded: boolean): Promise<void> {
    const { manifest, table, flusher } = this.#parts
    const shard = this.#parts.shard()
    const next = await shard.reshaped(shardSpec({ config, layout }, { trackChanges: table !== null }))
    try {
      // Without a new column the table's latest version may be one whose sync failed, so the manifest keeps its
      // version.
      const tableVersion = table && hasAdded ? { tableVersion: table.version } : {}
      await manifest.update({ config, layout, ...tableVersion }, () => {
        flusher?.follow(layout)
        this.#parts.replace(next)
      })
    } catch (error) {
      await next.close()
      shard.setIndexing(true)
      throw error
    }
  }

  /** Until the manifest names the vector, its column counts as a dropped vector's. */
  async #addColumns(table: LanceTable, layout: TableLayout, added: readonly LayoutVector[]): Promise<void> {
    await table.addColumns(added, layout.vectors)
    this.#parts.flusher?.follow(added.reduce((known, { slot }) => withoutVector(known, slot), layout))
  }

  #follow(before: TableLayout, { vectors, sparseVectors }: CollectionConfig): TableLayout {
    const schema: SchemaVector[] = [...vectors, ...sparseVectors]
    const names = new Set(schema.map(({ name }) => name))
    const live = before.vectors.filter(({ dropped }) => !dropped)
    const known = new Set(live.map(({ name }) => name))
    let layout = before
    for (const { name, slot } of live) if (!names.has(name)) layout = withoutVector(layout, slot)
    for (const vector of schema) if (!known.has(vector.name)) layout = withVector(layout, vector, this.#parts.lastSeq())
    // Without a table no file can still hold a dropped vector.
    const { table } = this.#parts
    return table === null || table.version === 0 ? settled(layout) : layout
  }
}

function layoutIn(layout: TableLayout | undefined): { layout?: TableLayout } {
  return layout ? { layout } : {}
}

interface ReconfiguredParts {
  shard: Shard
  manifest: ManifestFile
  outdated: OutdatedSegments
}

/**
 * Makes the change, and marks the segments that were built for the earlier configuration. The manifest marks them in the
 * write that changes the configuration, so that a rebuild goes on after a crash.
 */
export async function reconfigure(
  change: (config: CollectionConfig) => CollectionConfig,
  { shard, manifest, outdated }: ReconfiguredParts,
): Promise<void> {
  let takeBack: (made: number) => void = () => {}
  let before: VectorSpec[] = []
  const configured = (current: Manifest) => {
    const config = change(current.config)
    const specs = specsOf({ ...current, config })
    before = specsOf(current)
    if (isDeepStrictEqual(specs, before)) return { config }
    const through = shard.configure(specs)
    if (onlyEndsIndexing(current, config)) {
      // Graphs that exist stay.
      takeBack = (made) => outdated.markBetween(through, made)
      return { config }
    }
    takeBack = outdated.mark(through)
    return { config, segments: current.segments.map((segment) => ({ ...segment, outdated: true })) }
  }
  await manifest.update(configured, undefined, () => takeBack(shard.configure(before)))
}

function specsOf(described: Manifest): VectorSpec[] {
  return shardSpec(described, { trackChanges: false }).vectors
}

function onlyEndsIndexing(current: Manifest, config: CollectionConfig): boolean {
  if (isIndexing(config)) return false
  const { optimizersConfig } = current.config
  return isDeepStrictEqual(specsOf({ ...current, config: { ...config, optimizersConfig } }), specsOf(current))
}
