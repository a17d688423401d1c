/**
 * Nearly valid files of the disk, with and without valid checksums: they are read, or refused with an error of ours.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { Disk } from '../../../src/disk/disk.js'
import { checkRestoredManifest } from '../../../src/engine/catalogue/restored-manifest.js'
import { open } from '../../../src/index.js'
import { FileLog } from '../../../src/log/file-log.js'
import { crc32c } from '../../../src/native/checksum.js'
import { readManifest } from '../../../src/storage/manifest.js'
import { isSnapshotFile, readSnapshotIndex } from '../../../src/storage/snapshot-index.js'
import { readArchive } from '../../../src/storage/tar-archive.js'
import { Mutations } from '../../oracle/mutations.js'
import fc from '../../oracle/properties.js'
import { anyRecord } from '../log/records.js'

const RUNS = 3_000
const MINUTES = 1_800_000
const UUID = '00000000-0000-4000-8000-000000000000'
const REFUSALS = ['INVALID_ARGUMENT', 'TOO_LARGE', 'CORRUPT', 'UNSUPPORTED_FORMAT']

const mutations = new Mutations('files')
const root = mkdtempSync(join(tmpdir(), 'vicinal-fuzz-'))
const disk = new Disk(root)
afterAll(() => rmSync(root, { recursive: true }))

async function run(runs: number, file: string, make: () => Buffer, read: () => Promise<unknown>): Promise<number> {
  let answered = 0
  for (let i = 0; i < runs; i++) {
    const bytes = make()
    writeFileSync(join(root, file), bytes)
    try {
      await read()
      answered++
    } catch (error) {
      const isOurs = error instanceof VicinalError && REFUSALS.includes(error.code)
      if (!isOurs) throw new Error(`execution ${i}: ${(error as Error).stack}\nof ${bytes.toString('base64')}`)
    }
  }
  return answered
}

/** The frame of a small file, with corrected length and checksum. */
function framed(bytes: Buffer): Buffer {
  if (bytes.length < 28) return bytes
  bytes.writeBigUInt64LE(BigInt(bytes.length - 28), 16)
  bytes.writeUInt32LE(crc32c(bytes.subarray(28), crc32c(bytes.subarray(0, 24))), 24)
  return bytes
}

async function snapshotOf(): Promise<{ archive: Buffer; manifest: Buffer }> {
  const folder = join(root, 'source')
  const database = await open(folder)
  const collection = await database.createCollection('one', {
    vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 3, distance: 'Cosine', hnswConfig: { m: 8 } } },
    sparseVectors: { words: { modifier: 'idf' } },
  })
  await collection.createPayloadIndex('n', { type: 'integer', onDisk: true })
  await collection.upsert([1, 2, 3].map((id) => ({ id, vector: { a: [id, 1] }, payload: { n: id } })))
  await collection.flush()
  const { name } = await collection.snapshots.create()
  await database.close()
  const own = readdirSync(folder).find((entry) => entry.startsWith('c-')) as string
  return {
    archive: readFileSync(join(folder, 'snapshots', name)),
    manifest: readFileSync(join(folder, own, 'manifest')),
  }
}

it(
  'manifests, also those of snapshots',
  async () => {
    const { manifest } = await snapshotOf()
    rmSync(join(root, 'source'), { recursive: true })
    const make = () => {
      if (mutations.below(4) === 0) return mutations.bytes([manifest])
      const head = manifest.subarray(0, 28)
      if (mutations.below(2) === 0) return framed(Buffer.concat([head, mutations.bytes([manifest.subarray(28)])]))
      const body = mutations.value(JSON.parse(manifest.toString('utf8', 28)))
      const text = JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? Number(value) : value)) ?? 'null'
      return framed(Buffer.concat([head, Buffer.from(text)]))
    }
    const answered = await run(2 * RUNS, 'manifest', make, async () => {
      checkRestoredManifest(await readManifest(disk, 'manifest'))
    })
    expect(answered).toBeGreaterThan(0)
  },
  MINUTES,
)

it(
  'archives of snapshots: nothing is written outside the folder they are unpacked into',
  async () => {
    const { archive } = await snapshotOf()
    rmSync(join(root, 'source'), { recursive: true })
    const header = (at: number) => archive.subarray(at, at + 512)
    const make = () => {
      // Random damage seldom hits a header, where it matters most.
      if (mutations.below(2) === 0) return mutations.bytes([archive])
      const bytes = Buffer.from(archive)
      const at = mutations.pick([...headersOf(archive)])
      const changed = mutations.bytes([header(at)]).subarray(0, 512)
      changed.copy(bytes, at)
      if (mutations.below(3) > 0) {
        bytes.fill(' ', at + 148, at + 156)
        const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
        bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
      }
      return bytes
    }
    const before = () => readdirSync(root).sort()
    writeFileSync(join(root, 'archive'), archive)
    mkdirSync(join(root, 'unpacked'), { recursive: true })
    const there = before()
    await run(RUNS / 4, 'archive', make, async () => {
      rmSync(join(root, 'unpacked'), { recursive: true, force: true })
      const found = await readArchive(disk, 'archive', 'unpacked', isSnapshotFile)
      await readSnapshotIndex(disk, 'unpacked', found)
    })
    expect(before()).toEqual(there)
  },
  MINUTES,
)

function* headersOf(archive: Buffer): Generator<number> {
  for (let at = 0; archive[at] !== 0; ) {
    yield at
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8)
    at += 512 + Math.ceil(size / 512) * 512
  }
}

it(
  'files of the log',
  async () => {
    const folder = 'log'
    mkdirSync(join(root, folder))
    const log = await FileLog.open({ disk, folder, uuid: UUID, cleanEnd: null, flushedSeq: 0, create: true })
    for (const record of fc.sample(anyRecord(), { numRuns: 8, seed: mutations.seed }))
      await log.append(log.lastSeq + 1, record).durable
    await log.close()
    const [name] = readdirSync(join(root, folder)) as [string]
    const whole = readFileSync(join(root, folder, name))
    const file = join(folder, name)
    let records = 0
    const answered = await run(
      RUNS,
      file,
      () => mutations.bytes([whole]),
      async () => {
        const opened = await FileLog.open({ disk, folder, uuid: UUID, cleanEnd: null, flushedSeq: 0 })
        try {
          for await (const _ of opened.replay(0)) records++
        } finally {
          await opened.close()
        }
      },
    )
    expect(answered).toBeGreaterThan(RUNS / 50)
    expect(records).toBeGreaterThan(0)
  },
  MINUTES,
)
