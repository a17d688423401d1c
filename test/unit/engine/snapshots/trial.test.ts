/** The process that opens snapshots first: one that hangs, grows or ends, and its environment. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../../../src/core/limits.js'
import { Disk } from '../../../../src/disk/disk.js'
import { readStaged, type StagedCollection } from '../../../../src/engine/snapshots/staged-collection.js'
import { runTrial, type TrialBounds, trialBounds } from '../../../../src/engine/snapshots/trial.js'
import { type Database, open } from '../../../../src/index.js'
import { isSnapshotFile, readSnapshotIndex, type SnapshotCollection } from '../../../../src/storage/snapshot-index.js'
import { readArchive } from '../../../../src/storage/tar-archive.js'
import { nameOf, repaired, unpacked } from '../../../oracle/forged-snapshot.js'

const MIB = 1024 * 1024
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const BOUNDS: TrialBounds = { memoryBytes: 256 * MIB, timeMs: 60_000 }

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vicinal-trial-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

const tried = async (script: string, bounds: Partial<TrialBounds> = {}, name = 'x') => {
  const entry = new URL(`./trials/${script}.mjs`, import.meta.url)
  const collections = [{ name } as StagedCollection]
  return await runTrial(new Disk(scratch), collections, { ...BOUNDS, ...bounds }, entry).then(
    () => null,
    (error: unknown) => error,
  )
}
const children = () => {
  const { pid } = process
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${entry}/status`, 'latin1'))
    } catch {
      return false
    }
  })
}

describe('a trial', () => {
  it('that hangs is killed after its time', async () => {
    const before = children()
    expect(await tried('hanging', { timeMs: 500 })).toMatchObject({
      code: 'TOO_LARGE',
      message: 'snapshot: opening it took longer than 500 ms',
    })
    expect(children()).toEqual(before)
  })

  it('that grows is killed beyond its memory bound', async () => {
    const before = children()
    const bound = 200 * MIB
    expect(await tried('growing', { memoryBytes: bound })).toMatchObject({
      code: 'TOO_LARGE',
      message: `snapshot: opening it took more than ${bound} bytes of memory`,
    })
    expect(children()).toEqual(before)
  })

  it.each(['SIGABRT', 'SIGSEGV', 'SIGBUS', '1', '134'])(
    'that ends by %s means that the snapshot is damaged',
    async (how) => {
      const error = await tried('ending', {}, how)
      const told = how.startsWith('SIG') ? `by ${how}` : `with exit code ${how}`
      expect(error).toMatchObject({ code: 'CORRUPT', message: `the process that opened it ended ${told}` })
      expect(String((error as Error).cause)).toContain('thread panicked')
    },
  )

  it.each(['SIGKILL', 'SIGTERM'])('ended from outside by %s says nothing about the snapshot', async (how) => {
    expect(await tried('ending', {}, how)).toMatchObject({ code: 'UNAVAILABLE', retryable: true })
  })

  it('with a malformed report fails only itself', async () => {
    expect(await tried('lying')).toMatchObject({ code: 'CORRUPT', details: {} })
  })

  it('that cannot be started says nothing against the snapshot', async () => {
    const { execPath } = process
    onTestFinished(() => {
      process.execPath = execPath
    })
    process.execPath = join(scratch, 'absent')
    expect(await tried('hanging')).toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('sees no secret of the environment, no proxy and no option of Node', async () => {
    const secrets = {
      AWS_ACCESS_KEY_ID: 'a',
      AZURE_STORAGE_KEY: 'b',
      GOOGLE_APPLICATION_CREDENTIALS: 'c',
      HTTPS_PROXY: 'http://127.0.0.1:1',
      https_proxy: 'http://127.0.0.1:1',
      VICINAL_API_KEY: 'd',
      VICINAL_READ_ONLY_API_KEY_FILE: 'd',
      NODE_OPTIONS: '--no-warnings',
      HOME: '/root',
    }
    const before = { ...process.env }
    Object.assign(process.env, secrets)
    onTestFinished(() => {
      for (const name of Object.keys(secrets)) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    })
    const { env, args } = JSON.parse(((await tried('telling')) as Error).message)
    expect(args).toEqual([])
    for (const name of Object.keys(secrets)) expect(env).not.toHaveProperty(name)
    expect(env.PATH).toBe(process.env.PATH)
  })

  it('has bounds that follow the archive and the memory limit', () => {
    expect(trialBounds(0, null)).toEqual({ memoryBytes: LIMITS.trialBytes, timeMs: LIMITS.trialMs })
    expect(trialBounds(1024 * MIB, null).memoryBytes).toBe(LIMITS.trialBytes + 2 * 1024 * MIB)
    expect(trialBounds(1024 * MIB, 2048 * MIB).memoryBytes).toBe(1024 * MIB)
    expect(trialBounds(0, 128 * MIB).memoryBytes).toBe(LIMITS.trialLeastBytes)
    expect(trialBounds(4096 * MIB, null).timeMs).toBe(LIMITS.trialMs + 1024 * 1024)
  })
})

it('with more rows than its memory writes them to files, without a graph', async () => {
  const [count, size] = [60_000, 128]
  const disk = new Disk(scratch)
  const database = await open(join(scratch, 'large'))
  const collection = await database.createCollection('large', { vectors: { size, distance: 'Dot' } })
  const ids = Uint32Array.from({ length: count }, (_, id) => id)
  await collection.upsert({ ids, vectors: Float32Array.from({ length: count * size }, (_, at) => Math.sin(at)) })
  await collection.flush()
  const { name } = await collection.snapshots.create()
  await database.close()
  const found = await readArchive(disk, `large/snapshots/${name}`, 'unpacked', isSnapshotFile)
  const index = await readSnapshotIndex(disk, 'unpacked', found)
  const staged = await readStaged(disk, 'unpacked', index.collections[0] as SnapshotCollection)
  const segments = () =>
    readdirSync(join(scratch, 'unpacked/0')).includes('segments')
      ? readdirSync(join(scratch, 'unpacked/0/segments'))
      : []
  const before = segments()
  // An eighth of its bound is less than the rows.
  await runTrial(disk, [staged], { ...BOUNDS, memoryBytes: 240 * MIB })
  expect(segments().length).toBeGreaterThan(before.length)
  rmSync(join(scratch, 'unpacked'), { recursive: true })
})

describe('two changed bytes in a deletion file, with checksums that hold', () => {
  let database: Database
  let archive: Buffer
  beforeAll(async () => {
    database = await open(join(scratch, 'data'))
    const collection = await database.createCollection('things', { vectors: { size: 2, distance: 'Dot' } })
    await collection.upsert(Array.from({ length: 2_000 }, (_, id) => ({ id, vector: [id, 1] })))
    await collection.flush()
    await collection.upsert(Array.from({ length: 90 }, (_, id) => ({ id, vector: [id, 2] })))
    await collection.flush()
    const files = unpacked(readFileSync(join(scratch, 'data/snapshots', (await collection.snapshots.create()).name)))
    const name = nameOf(files, /_deletions\/.*\.arrow$/)
    const file = files.get(name) as Buffer
    // The size before compression is stored in front of the data; it now says some terabytes.
    const at = file.indexOf(ZSTD) - 8
    expect(file.readBigInt64LE(at)).toBe(90n * 4n)
    file[at + 4] = 0x40
    file[at + 5] = 0x7f
    archive = repaired(files)
  })
  afterAll(() => database.close())

  const chunks = async function* () {
    yield archive
  }
  const wrong = {
    code: 'INVALID_ARGUMENT',
    status: 400,
    message: expect.stringMatching(/^snapshot: the snapshot is damaged: the process that opened it ended by SIGABRT$/),
  }

  it('are refused, and existing data stays unchanged', async () => {
    const before = readdirSync(scratch, { recursive: true })
    await expect(database.recoverCollection('things', { chunks: chunks() })).rejects.toMatchObject(wrong)
    await expect(database.recover({ chunks: chunks() })).rejects.toMatchObject(wrong)
    expect(readdirSync(scratch, { recursive: true })).toEqual(before)
    const collection = await database.collection('things')
    expect(await collection.count()).toBe(2_000)
    await collection.upsert([{ id: 5_000, vector: [1, 1] }])
  })
})
