/** Rules over a restart: what was quarantined stays, and rows look back at rows of an earlier process. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Collection } from '../../../../src/core/database.js'
import { open } from '../../../../src/index.js'

const NDJSON = { type: 'application/x-ndjson' } as const
const lines = (vectors: readonly number[][], first = 0) =>
  vectors.map((vector, at) => Buffer.from(`${JSON.stringify({ id: first + at, vector })}\n`))
const from = (position: number) => ({ ...NDJSON, source: { name: 'camera', position } })

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-rules-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function positionsIn(quarantine: Collection): Promise<unknown[]> {
  const { points } = await quarantine.scrollPage()
  return points.map(({ payload }) => payload?.position).sort()
}

describe('rules over a restart', () => {
  it('compare rows with those of an earlier process, from the log and from the manifest', async () => {
    const folder = await scratch()
    const rules = [{ check: 'duplicate', window: 3, action: 'quarantine' }] as const
    const vectors = { size: 2, distance: 'Dot' } as const
    let database = await open(folder)
    let collection = await database.createCollection('a', { vectors, ingestion: { quarantine: 'q', rules } })
    const given = [
      [1, 0],
      [2, 0],
      [3, 0],
      [1, 0],
      [4, 0],
      [2, 0],
      [1, 0],
    ]
    for (let row = 0; row < given.length; row++) {
      await collection.ingest(lines([given[row] as number[]], row), from(row))
      if (row % 2 === 1) await collection.flush()
      await database.close()
      database = await open(folder)
      collection = await database.collection('a')
    }
    // Row 5 is four rows after row 1, and row 6 three after row 3.
    expect(await positionsIn(await database.collection('q'))).toEqual([3, 6])
    expect((await collection.scrollPage()).points.map(({ id }) => id)).toEqual([0, 1, 2, 4, 5])
    await database.close()
  })

  it('leave a record in quarantine whose source is sent again, whatever the rules are then', async () => {
    const database = await open(await scratch())
    const vectors = { size: 2, distance: 'Dot' } as const
    const strict = { quarantine: 'q', rules: [{ check: 'norm', max: 2, action: 'quarantine' }] } as const
    const collection = await database.createCollection('a', { vectors, ingestion: strict })
    // As after a crash between the record and the rows of its batch.
    const [point] = lines([[9, 0]])
    await collection.ingest([point as Buffer], from(0))
    const other = await database.createCollection('b', { vectors, ingestion: { ...strict, rules: [] } })
    const quarantine = await database.collection('q')
    const { points } = await quarantine.scrollPage()
    const record = { collection: 'b', position: 1, quarantined_at: new Date().toISOString() }
    await quarantine.setPayload(record, { ids: points.map(({ id }) => id) })
    const result = await other.ingest(
      lines([
        [1, 0],
        [9, 0],
        [9, 1],
      ]),
      from(0),
    )
    expect(result).toMatchObject({ accepted: 2, rejected: 0, quarantined: 1, byRule: { norm: 1 } })
    expect(result.errors).toMatchObject([{ row: 1, rule: 'norm', action: 'quarantine' }])
    expect((await other.scrollPage()).points.map(({ id }) => id)).toEqual([0, 2])
    await database.close()
  })

  it('repair a record again whose removal was lost', async () => {
    const database = await open(await scratch())
    const vectors = { size: 2, distance: 'Dot' } as const
    const rules = [{ check: 'norm', max: 2, action: 'quarantine' }] as const
    const collection = await database.createCollection('a', { vectors, ingestion: { quarantine: 'q', rules } })
    await collection.upsert([{ id: 1, vector: [3, 4] }])
    const quarantine = await database.collection('q')
    const { points } = await quarantine.scrollPage()
    const ids = points.map(({ id }) => id)
    const repair = () => collection.repair({ ids, fix: 'normalise' })
    expect(await repair()).toMatchObject({ repaired: 1, absent: 0 })
    // As a crash leaves it, between the point and the removal of its record.
    await quarantine.upsert(points.map(({ id, payload }) => ({ id, vector: {}, payload: payload ?? null })))
    expect(await repair()).toMatchObject({ repaired: 1, absent: 0 })
    expect(await repair()).toMatchObject({ repaired: 0, absent: 1 })
    expect([await collection.count(), await quarantine.count()]).toEqual([1, 0])
    expect((await collection.get(1, { withVector: true }))?.vector).toEqual(new Float32Array([0.6, 0.8]))
    await database.close()
  })

  it('are counted by day, also where all rows since the opening were refused', async () => {
    const folder = await scratch()
    const vectors = { size: 2, distance: 'Dot' } as const
    const ingestion = { rules: [{ check: 'zero', action: 'reject' }] } as const
    for (let run = 0; run < 3; run++) {
      const database = await open(folder)
      const collection = await database.ensureCollection('a', { vectors, ingestion })
      await collection.upsert([{ id: 1, vector: [0, 0] }])
      const { rules } = await collection.quality({ seed: 1 })
      expect(rules.reduce((sum, { rejected }) => sum + rejected, 0)).toBe(run + 1)
      await database.close()
    }
  })

  it('are in snapshots', async () => {
    const folder = await scratch()
    const database = await open(folder)
    const vectors = { size: 2, distance: 'Dot' } as const
    const ingestion = { rules: [{ check: 'zero', action: 'reject' }] } as const
    const collection = await database.createCollection('a', { vectors, ingestion })
    await collection.upsert([
      { id: 1, vector: [1, 0] },
      { id: 2, vector: [0, 0] },
    ])
    const { chunks } = await collection.snapshots.stream()
    const restored = await database.recoverCollection('b', { chunks })
    expect((await restored.info()).config.ingestion).toEqual({ rules: [{ ...ingestion.rules[0], name: 'zero' }] })
    await expect(restored.upsert([{ id: 3, vector: [0, 0] }])).resolves.toMatchObject({ cleaning: { rejected: 1 } })
    await database.close()
  })
})
