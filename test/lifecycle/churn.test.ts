import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Disk } from '../../src/disk/disk.js'
import type { CollectionEngine } from '../../src/engine/collection/collection-engine.js'
import { EmbeddedDatabase } from '../../src/engine/database/embedded-database.js'
import { FolderStore } from '../../src/engine/stores/folder-store.js'

const POINTS = 1_000
const ROUNDS = 40
const SIZE = 128

/** A store that exposes its engine, so that the test can start background work. */
class WatchedStore {
  engine: CollectionEngine | null = null
  readonly readOnly = false
  readonly snapshots = null
  constructor(readonly store: FolderStore) {}
  readonly reopens = true
  list: FolderStore['list'] = (registry) => this.store.list(registry)
  open: FolderStore['open'] = (collection) => this.store.open(collection)
  remove: FolderStore['remove'] = (engine) => this.store.remove(engine)
  saveAliases: FolderStore['saveAliases'] = (aliases) => this.store.saveAliases(aliases)
  loadQuotas: FolderStore['loadQuotas'] = () => this.store.loadQuotas()
  saveQuotas: FolderStore['saveQuotas'] = (config) => this.store.saveQuotas(config)
  diskPercent: FolderStore['diskPercent'] = () => this.store.diskPercent()
  stop: FolderStore['stop'] = () => this.store.stop()
  close: FolderStore['close'] = () => this.store.close([])
  create = async (manifest: Parameters<FolderStore['create']>[0]) => {
    await this.store.create(manifest)
    this.engine = await this.store.open(manifest)
    return this.engine
  }
}

describe('the folder after churn', () => {
  it('stays below twice the live data, however often points are rewritten', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-churn-'))
    const store = new WatchedStore(await FolderStore.open(folder))
    const db = await EmbeddedDatabase.open(store)
    const collection = await db.createCollection('churned', { vectors: { size: SIZE, distance: 'Euclid' } })
    const ids = Array.from({ length: POINTS }, (_, id) => id)
    const filler = 'x'.repeat(200)
    const vectors = (round: number) => Float32Array.from({ length: POINTS * SIZE }, (_, i) => Math.sin(i * (round + 1)))
    for (let round = 0; round < ROUNDS; round++) {
      await collection.upsert({ ids, vectors: vectors(round), payloads: ids.map((id) => ({ id, round, filler })) })
      await collection.flush()
    }
    const engine = store.engine as CollectionEngine
    await collection.waitForIndex()
    await engine.tidy({ graceMs: 0 })

    const liveBytes = POINTS * (SIZE * 4 + JSON.stringify({ id: 999, round: 99, filler }).length)
    // Live data is stored twice by design: in the table, and in the segments that searches map.
    const held = 2 * liveBytes
    const bytes = await new Disk(folder).treeBytes('.')
    expect(bytes).toBeLessThan(2 * held)
    expect(await collection.count()).toBe(POINTS)
    expect((await collection.retrieve([5]))[0]?.payload).toMatchObject({ round: ROUNDS - 1 })
    await db.close()
    await rm(folder, { recursive: true })
  })
})
