import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { Maintenance, type MaintenanceParts } from '../../../src/collection/maintenance.js'
import { Shard } from '../../../src/native/shard.js'
import { OutdatedSegments } from '../../../src/segment/outdated-segments.js'
import { clusteredVectors, sequence, spec } from '../native/shard-data.js'

const ROWS = 200
const DIM = 8

let shard: Shard
let outdated: OutdatedSegments
let nowMs: number
beforeEach(async () => {
  nowMs = 0
  outdated = new OutdatedSegments()
  shard = new Shard(spec(DIM))
  onTestFinished(() => shard.close())
  const data = await clusteredVectors(ROWS, DIM, 1)
  await shard.upsert({ ids: sequence(0, ROWS), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
})

function maintenance(own: Partial<MaintenanceParts>): Maintenance {
  const nothing = async () => undefined
  const work = new Maintenance({
    shard,
    outdated,
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    bounds: { spillBytes: Number.POSITIVE_INFINITY, segmentBytes: Number.POSITIVE_INFINITY },
    flush: nothing,
    checkpoint: nothing,
    housekeep: nothing,
    onTrouble: () => undefined,
    ...own,
  })
  onTestFinished(() => work.stop())
  return work
}

test('what is in memory alone is not flushed behind the end', async () => {
  let flushes = 0
  const work = maintenance({
    flush: async () => {
      flushes++
    },
  })
  await work.spill()
  expect(flushes).toBe(1)
  await work.stop()
  await work.spill()
  expect(flushes).toBe(1)
})
