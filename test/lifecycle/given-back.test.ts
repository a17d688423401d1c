import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { connect } from '../../src/client/index.js'
import { Disk } from '../../src/disk/disk.js'
import { scratchFolder } from '../durability/child.js'
import { listening, start } from '../unit/cli/process.js'
import { randomNumbers } from '../unit/native/shard-data.js'

const MIB = 1024 * 1024
const POINTS = 20_000
const SIZE = 96
const LOAD_MS = 20_000
/** Two checks for memory to give back, which are 30 seconds apart. */
const QUIET_MS = 65_000
/** A quick machine produces dead rows faster than it compacts them. */
const COMPACTION_MS = 300_000
/** Memory of this number of points once the replaced rows are compacted away. */
const COMPACTED_BYTES = 40 * MIB
/** Compared with the same data after a restart: memory that Lance's threads and V8 keep. */
const MOST_BEYOND_MIB = 150
/** Depends on how many generations of files fall within their grace period; unit/storage/layout has the exact bound. */
const MOST_FOLDER_MIB = 240

const folder = scratchFolder()
afterAll(() => rm(folder, { recursive: true }))

const random = randomNumbers(1)

function anonymousMiB(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

function points(count: number) {
  const ids = Array.from({ length: count }, (_, at) => (count === POINTS ? at : Math.floor(random() * POINTS)))
  return { ids, vectors: Float32Array.from({ length: count * SIZE }, () => random() - 0.5) }
}

test.skipIf(process.platform !== 'linux')(
  'memory and files that a load of writes took are released soon after it',
  async () => {
    const run = async () => {
      const service = start(['serve', '--port', '0', '--data', join(folder, 'data')], folder)
      const { url } = await listening(service)
      return { service, url, pid: service.pid as number }
    }
    const { service, url, pid } = await run()
    const client = await connect(url)
    const rows = await client.createCollection('rows', { vectors: { size: SIZE, distance: 'Cosine' } })
    await rows.upsert(points(POINTS))
    const until = Date.now() + LOAD_MS
    const disk = new Disk(join(folder, 'data'))
    let mostBytes = 0
    const load = async () => {
      while (Date.now() < until) {
        await rows.upsert(points(50))
        await rows.query({ query: points(1).vectors, limit: 10 })
      }
    }
    const watch = setInterval(
      () => void disk.treeBytes('.').then((bytes) => (mostBytes = Math.max(mostBytes, bytes))),
      1_000,
    )
    await Promise.all(Array.from({ length: 8 }, load))
    clearInterval(watch)
    const loaded = anonymousMiB(pid)
    const heldBytes = async () => (await rows.info()).memory.process.collectionsBytes
    await expect.poll(heldBytes, { timeout: COMPACTION_MS, interval: 1_000 }).toBeLessThan(COMPACTED_BYTES)
    // The checks are by the clock.
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    const quiet = anonymousMiB(pid)
    const { process: table } = (await rows.info()).memory
    service.kill()
    await once(service, 'close')
    const again = await run()
    const rowsAgain = await (await connect(again.url)).collection('rows')
    await rowsAgain.query({ query: points(1).vectors, limit: 10 })
    const fresh = anonymousMiB(again.pid)
    again.service.kill()
    await once(again.service, 'close')
    process.stdout.write(
      `anonymous memory in MiB: ${JSON.stringify({ loaded, quiet, fresh })}, folder at most ${mostBytes / MIB}\n`,
    )
    expect(mostBytes).toBeLessThan(MOST_FOLDER_MIB * MIB)
    expect(quiet).toBeLessThan(fresh + MOST_BEYOND_MIB)
    expect(table.otherBytes).toBeGreaterThan(-16 * MIB)
    expect(table.nativeHeapBytes).toBeLessThan(table.residentBytes)
  },
)
