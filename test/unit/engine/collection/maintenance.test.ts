/** Background work that fails or ends, as seen by callers that wait for it. */
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { OutdatedSegments } from '../../../../src/engine/collection/checkpointer.js'
import { Maintenance, type MaintenanceParts } from '../../../../src/engine/collection/maintenance.js'
import { Shard } from '../../../../src/native/shard.js'
import { clusteredVectors, sequence, spec } from '../../native/shard-data.js'

const ROWS = 200
const DIM = 8
/** Older than changes may become before they are flushed. */
const LONG_MS = 60_000
const fullDisk = new VicinalError('DISK_FULL', 'no space is left')

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
    name: () => 'a',
    outdated,
    flushing: { home: null, log: { bytes: 0 }, manifest: { current: { config: { optimizersConfig: {} } } } },
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    bounds: { spillBytes: Number.POSITIVE_INFINITY, segmentBytes: Number.POSITIVE_INFINITY },
    flush: nothing,
    checkpoint: nothing,
    files: null,
    housekeep: nothing,
    onTrouble: () => undefined,
    ...own,
  })
  onTestFinished(() => work.stop())
  return work
}

test('a caller that waits for segments to be rebuilt gets the error that prevents it', async () => {
  const work = maintenance({ flush: () => Promise.reject(fullDisk) })
  work.hurry()
  await work.aside(async () => undefined)
  // The first check's data is old by the second check.
  nowMs = LONG_MS
  outdated.mark(0)
  const rebuilt = work.rebuilt()
  work.hurry()
  await expect(rebuilt).rejects.toBe(fullDisk)
})

test('a caller whose segments were rebuilt continues even if the next step failed', async () => {
  const work = maintenance({ checkpoint: () => Promise.reject(fullDisk) })
  outdated.mark(0)
  const rebuilt = work.rebuilt()
  work.hurry()
  await rebuilt
  expect(shard.stats().segments.some(({ segment }) => outdated.has(segment))).toBe(false)
})

test('the bytes on disk are measured at the first tick, and then with each cleaning alone', async () => {
  const done: string[] = []
  const measureDisk = async () => void done.push('measured')
  const sweep = async () => void done.push('swept')
  const work = maintenance({ files: { sweep, measureDisk } })
  work.start()
  await vi.waitFor(() => expect(done).toEqual(['measured']), { timeout: 10_000 })
  nowMs = LONG_MS
  await vi.waitFor(() => expect(done).toEqual(['measured', 'swept']), { timeout: 10_000 })
})

test('all waiting callers continue at the end, whatever fails', async () => {
  const work = maintenance({})
  outdated.mark(0)
  const rebuilt = work.rebuilt()
  await work.stop()
  await rebuilt
})

test('a collection in memory is not flushed at the end', async () => {
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
