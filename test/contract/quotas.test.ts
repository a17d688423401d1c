/** Bounds on the node's memory and disk, in the library and over HTTP. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import type { QuotaConfig } from '../../src/core/quotas.js'
import { QuotaGuard } from '../../src/engine/limits/quota-guard.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'

let folder: string
beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), 'vicinal-quotas-'))
  onTestFinished(() => rm(made, { recursive: true }))
  folder = made
})

async function facesOf(database: Database): Promise<Record<string, Database>> {
  const server = createServer({ database, port: 0, logLevel: 'silent' })
  const remote = await connect(await server.listen(), { retries: 0 })
  onTestFinished(async () => {
    await remote.close()
    await server.close()
  })
  return { library: database, service: remote }
}

describe('quotas', () => {
  it('refuse writes that take room, and only these, until they are raised', async () => {
    const embedded = await open(folder)
    onTestFinished(() => embedded.close())
    for (const [face, database] of Object.entries(await facesOf(embedded))) {
      const collection = await database.createCollection(face, { vectors: { size: 1, distance: 'Dot' } })
      const row = [{ id: 1, vector: [1], payload: { a: 1 } }]
      await collection.upsert(row)
      // Every disk has one percent in use.
      const config = { enabled: true, maxDiskUsagePercent: 1 }
      await database.updateQuotas(config)
      const { usage, ...rest } = await database.quotas()
      expect(rest).toEqual({ config, exceeded: true })
      expect(usage.diskUsagePercent).toBeGreaterThanOrEqual(1)
      const refused = {
        code: 'RESOURCE_EXHAUSTED',
        status: 503,
        message: expect.stringMatching(/max_disk_usage_percent of 1 reached: [\d.]+% are in use/),
        details: { field: 'quotas.max_disk_usage_percent', bound: 1, seen: expect.any(Number) },
      }
      await expect(collection.upsert(row)).rejects.toMatchObject(refused)
      await expect(collection.setPayload({ b: 2 }, [1])).rejects.toMatchObject(refused)
      await expect(collection.updateVectors([{ id: 1, vector: [1] }])).rejects.toMatchObject(refused)
      await expect(collection.batch([{ op: 'upsert', points: row }])).rejects.toMatchObject(refused)
      await collection.deletePayload(['a'], [1])
      expect(await collection.query({ query: [1] })).toHaveLength(1)
      await collection.delete([1])
      await database.updateQuotas({ ...config, enabled: false })
      await collection.upsert(row)
      await database.updateQuotas({ enabled: true, maxDiskUsagePercent: 100, maxResidentMemoryPercent: 100 })
      expect(await database.quotas()).toMatchObject({ exceeded: false })
      await collection.upsert(row)
      await database.updateQuotas({})
      expect((await database.quotas()).config).toEqual({ enabled: false })
    }
  })

  it('survive a restart, and their damaged file is reported', async () => {
    const config: QuotaConfig = { enabled: true, maxResidentMemoryPercent: 99, releaseMarginPercent: 5 }
    const database = await open(folder)
    await database.updateQuotas(config)
    await database.close()
    const again = await open(folder)
    expect((await again.quotas()).config).toEqual(config)
    await again.close()
    const file = join(folder, 'quotas')
    const bytes = await readFile(file)
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1
    await writeFile(file, bytes)
    const hurt = await open(folder)
    await expect(hurt.quotas()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('quotas') })
    expect(await hurt.collections()).toEqual([])
    await hurt.updateQuotas(config)
    expect((await hurt.quotas()).config).toEqual(config)
    await hurt.close()
  })

  it('have bounds themselves', async () => {
    const embedded = await open(folder)
    onTestFinished(() => embedded.close())
    for (const database of Object.values(await facesOf(embedded))) {
      const refused: [object, RegExp][] = [
        [{ enabled: 'yes' }, /^enabled: /],
        [{ maxResidentMemoryPercent: 0 }, /maxResidentMemoryPercent.*1 to 100/],
        [{ maxDiskUsagePercent: 101 }, /maxDiskUsagePercent.*1 to 100/],
        [{ releaseMarginPercent: -1 }, /releaseMarginPercent.*0 to 100/],
        [{ maxDiskUsagePercent: 1.5 }, /maxDiskUsagePercent/],
      ]
      for (const [config, message] of refused) {
        const error = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }
        await expect(database.updateQuotas(config as QuotaConfig)).rejects.toMatchObject(error)
      }
      await database.updateQuotas({
        maxResidentMemoryPercent: 1,
        maxDiskUsagePercent: 100,
        releaseMarginPercent: 0,
      })
    }
  })

  it('hold, once reached, until use has fallen by the margin', async () => {
    let memory = 50
    let nowMs = 0
    let disk = 10
    const parts = { nowMs: () => nowMs, diskPercent: async () => disk, memoryPercent: () => memory }
    const guard = new QuotaGuard(parts)
    guard.set({
      enabled: true,
      maxResidentMemoryPercent: 80,
      maxDiskUsagePercent: 90,
      releaseMarginPercent: 10,
    })
    const passes = async () =>
      await guard.check().then(
        () => true,
        () => false,
      )
    const at = async (percent: number) => {
      memory = percent
      return await passes()
    }
    expect([await at(79.9), await at(80), await at(79), await at(70.1), await at(70), await at(79.9)]).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
    ])
    disk = 95
    expect(await passes(), 'a look at the disk is good for a second').toBe(true)
    nowMs = 1_000
    expect(await passes()).toBe(false)
    disk = 81
    nowMs = 2_000
    expect(await passes()).toBe(false)
    disk = 80
    nowMs = 3_000
    expect(await passes()).toBe(true)
  })
})
