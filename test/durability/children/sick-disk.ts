/**
 * One scene of an embedded database on a full disk, or on a disk with a failing fsync. It asserts as it goes, so its
 * exit code is the result.
 *
 *     sick-disk <scene> <folder> <control>
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection, Database } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { open } from '../../../src/index.js'
import { IMAGE_SIZE, MAIN, MAIN_OPTIONS } from '../../oracle/fault-workload.js'
import { FOR_EVER, type Rule, ShimControl } from '../shim/control.js'

const [scene = '', folder = '', controlPath = ''] = process.argv.slice(2)
const control = new ShimControl(controlPath)
const BULK = 1_300
const PATIENCE_MS = 20_000
const POLL_MS = 100

let database: Database = await open(folder)
let main: Collection = await database.createCollection(MAIN, MAIN_OPTIONS)
/** Acknowledged ids. */
const present = new Set<number>()

async function put(...ids: number[]): Promise<void> {
  await main.upsert(ids.map((id) => ({ id, vector: { image: new Array(IMAGE_SIZE).fill(id + 1) }, payload: { id } })))
  for (const id of ids) present.add(id)
}

async function readsGoOn(): Promise<void> {
  assert.equal(await main.count(), present.size)
  const hits = await main.query({ query: new Array(IMAGE_SIZE).fill(1), using: 'image', limit: 3 })
  assert.equal(hits.length, Math.min(3, present.size))
  const [id] = present
  assert.equal((await main.retrieve([id as number])).length, 1)
}

async function failsWith(code: string, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof VicinalError, `expected ${code}, got ${String(error)}`)
    assert.equal(error.code, code, error.message)
    return true
  })
}

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const startMs = performance.now()
  while (!(await reached())) {
    assert.ok(
      performance.now() - startMs < PATIENCE_MS,
      `gave up waiting: ${what}; ${JSON.stringify(await main.info())}`,
    )
    // The next look at the state.
    await sleep(POLL_MS)
  }
}

async function reopened(): Promise<void> {
  await database.close().catch(() => undefined)
  database = await open(folder)
  main = await database.collection(MAIN)
  await readsGoOn()
}

const full = (path: string): Rule => ({ kinds: ['write', 'mkdir'], nth: 1, times: FOR_EVER, failure: 'ENOSPC', path })

const SCENES: Record<string, () => Promise<void>> = {
  async 'full-log'() {
    control.fail(full('.vlog'))
    // Concurrent writes share a disk write: none of them may be acknowledged.
    await Promise.all([10, 11, 12, 13].map((id) => failsWith('DISK_FULL', () => put(id))))
    await failsWith('DISK_FULL', () => main.delete([0]))
    await readsGoOn()
    control.heal()
  },

  async 'full-byte-by-byte'() {
    control.limitBytes(3_000, ['noRealSync'])
    let refused = 0
    for (let id = 100; id < 200; id++) {
      await put(id).catch((error: unknown) => {
        assert.equal((error as VicinalError).code, 'DISK_FULL')
        refused++
      })
    }
    assert.ok(refused > 0 && control.refused > 0)
    await readsGoOn()
    control.set(['noRealSync'])
  },

  async 'full-flush'() {
    await put(20, 21)
    control.fail(full('table.lance'))
    await failsWith('DISK_FULL', () => main.flush())
    await put(22)
    await readsGoOn()
    control.heal()
    await main.flush()
  },

  async 'full-manifest'() {
    await put(30)
    control.fail(full('manifest'))
    await failsWith('DISK_FULL', () => main.flush())
    await failsWith('DISK_FULL', () => main.createPayloadIndex('id', 'integer'))
    await put(31)
    await readsGoOn()
    control.heal()
    await main.flush()
    await main.createPayloadIndex('id', 'integer')
  },

  async 'full-compaction'() {
    const ids = Array.from({ length: BULK }, (_, i) => 1_000 + i)
    control.fail(full('segments'))
    await put(...ids)
    // All rows but the last die, so the segment is compacted.
    await put(...ids)
    await until('the failed compaction shows', async () => (await main.info()).status === 'red')
    assert.match((await main.info()).warnings.join(), /full|space/i)
    await put(40)
    await readsGoOn()
    control.heal()
    await until('compaction comes through', async () => (await main.info()).status !== 'red')
    assert.deepEqual((await main.info()).warnings, [])
  },

  async 'failing-log-sync'() {
    await put(50)
    control.fail({ kinds: ['fsync'], nth: 1, failure: 'EIO', path: '.vlog' })
    await failsWith('IO_FAILED', () => put(51))
    assert.equal(control.injected, 1)
    // The disk works again, but the state of the pages from the failed sync is unknown.
    present.delete(51)
    await failsWith('IO_FAILED', () => put(52))
    await failsWith('IO_FAILED', () => main.delete([50]))
    await failsWith('IO_FAILED', () =>
      main.upsert([{ id: 53, vector: { image: new Array(IMAGE_SIZE).fill(1) } }], { wait: false }),
    )
    await readsGoOn()
    assert.equal((await main.info()).status, 'red')
    await database.close().catch(() => undefined)
    control.heal()
    database = await open(folder)
    main = await database.collection(MAIN)
    // It was not acknowledged, so it may be present or absent, but never in part.
    if ((await main.retrieve([51])).length === 1) present.add(51)
  },
}

await put(0, 1, 2)
await (SCENES[scene] ?? assert.fail(`no scene ${scene}`))()
// Without a restart, the same handle takes writes again once there is room.
await put(5_000)
await readsGoOn()
await reopened()
await put(5_001)
await reopened()
await database.close()
