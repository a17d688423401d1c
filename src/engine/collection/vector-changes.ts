import type { CollectionConfig, SchemaVector } from '../../core/schema.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
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
import type { Checkpointer } from './checkpointer.js'
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
  /** The number of the last record, which no record of a vector that is added now has. */
  lastSeq(): number
  /** Nothing else is at the shard's memory meanwhile. */
  undisturbed<T>(work: () => Promise<T>): Promise<T>
  /** Called with the manifest that says so: whoever reads or writes from now on does it there. */
  replace(shard: Shard): void
}

/** Null: there is nothing to change. Throws what is wrong with the change. */
export type EditVectors = (config: CollectionConfig) => CollectionConfig | null

/**
 * Vectors added to a collection in use and dropped from it. Rows stay where they are: the kernel makes another shard of them,
 * whose vectors are those of the new configuration. One write of the manifest is the moment of the change; whatever comes
 * before is not named by it, and what still holds a dropped vector then (table, segment files, log) is told by its layout.
 */
export class VectorChanges {
  readonly #parts: VectorChangeParts

  constructor(parts: VectorChangeParts) {
    this.#parts = parts
  }

  /** Resolves when the change is durable and seen by all that begins from then on; false where there was none to make. */
  async make(edit: EditVectors): Promise<boolean> {
    const { maintenance, indexes, checkpointer, flusher, writer } = this.#parts
    // From the outside inwards, as whoever needs several of them takes them.
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
      // A version that no column was added to may be one whose sync has failed.
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

  /** Until the manifest names the vector, its column counts as that of one that was dropped. */
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
    // Without a table there is nothing in which a dropped vector could still be.
    const { table } = this.#parts
    return table === null || table.version === 0 ? settled(layout) : layout
  }
}

function layoutIn(layout: TableLayout | undefined): { layout?: TableLayout } {
  return layout ? { layout } : {}
}
