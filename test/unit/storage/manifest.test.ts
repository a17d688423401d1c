import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { crc32c } from '../../../src/native/checksum.js'
import { type Manifest, readManifest, writeManifest } from '../../../src/storage/manifest.js'

let root: string
let disk: Disk
const path = () => join(root, 'manifest')

const manifest: Manifest = {
  uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
  name: 'Fotos "2024" 🎈',
  config: {
    vectors: [
      {
        name: '',
        size: 512,
        distance: 'Cosine',
        m: 16,
        efConstruct: 200,
        memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
        quantization: 'auto',
        overrides: {},
      },
    ],
    sparseVectors: [],
    hnswConfig: { m: 16, efConstruct: 200, fullScanThreshold: 10_000 },
    quantization: 'auto',
    quantizationConfig: null,
    optimizersConfig: { flushIntervalSec: 7 },
    walConfig: {},
    strictModeConfig: { enabled: true, maxQueryLimit: 10 },
    metadata: { made: 'by hand', number: 12_345_678_901_234_567_890n },
  },
  payloadIndexes: [{ field: 'place', kind: 'keyword' }],
  tableVersion: 7,
  flushedSeq: 2 ** 52,
  checkpointSeq: 12,
  segments: [{ file: '1.vseg', bytes: 4096, crc: 0xffff_ffff, overlay: { file: '1-2.vovl', bytes: 10, crc: 1 } }],
  cleanEnd: { file: '00000000000000000001.vlog', offset: 48 },
  createdAt: '2024-05-06T07:08:09.000Z',
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-manifest-'))
  disk = new Disk(root)
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

test('only a collection whose ids are texts needs a reader of version 2', async () => {
  const leastReader = () => readFileSync(path()).readUInt32LE(12)
  await writeManifest(disk, 'manifest', manifest)
  expect(leastReader()).toBe(1)
  await writeManifest(disk, 'manifest', { ...manifest, config: { ...manifest.config, ids: 'text' } })
  expect(leastReader()).toBe(2)
  expect((await readManifest(disk, 'manifest')).config.ids).toBe('text')
})

test('a manifest is read as written, and replaced as a whole', async () => {
  await writeManifest(disk, 'manifest', manifest)
  expect(await readManifest(disk, 'manifest')).toEqual(manifest)
  await writeManifest(disk, 'manifest', { ...manifest, segments: [], cleanEnd: null })
  expect(await readManifest(disk, 'manifest')).toEqual({ ...manifest, segments: [], cleanEnd: null })
})

const [segment] = manifest.segments
test.each([
  { uuid: `${manifest.uuid}/../b` },
  { uuid: '../x' },
  { replaces: '../x' },
  { segments: [{ ...segment, file: '../../1.vseg' }] },
  { segments: [{ ...segment, file: '..' }] },
  { segments: [{ ...segment, overlay: { file: 'a/b', bytes: 1, crc: 1 } }] },
  { segments: [{ ...segment, bytes: -1 }] },
  { segments: [{ ...segment, overlay: undefined }] },
  { segments: [null] },
])('a manifest whose names are paths, or whose sizes are none, is CORRUPT: %j', async (change) => {
  await writeManifest(disk, 'manifest', { ...manifest, ...change } as never)
  await expect(readManifest(disk, 'manifest')).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('a manifest from before there were kinds of codes is completed', async () => {
  const vector = { name: 'a', size: 2, distance: 'Dot', m: 16, efConstruct: 200 }
  const written = [
    { ...vector, onDisk: true },
    { ...vector, onDisk: false, name: 'b', m: 8 },
  ]
  const config = { vectors: written, hnswConfig: { m: 16, efConstruct: 200 } }
  await writeManifest(disk, 'manifest', { ...manifest, config } as never)
  expect((await readManifest(disk, 'manifest')).config).toEqual({
    vectors: [
      {
        ...vector,
        memory: { vectors: 'cold', graph: 'cached', codes: 'cached' },
        quantization: 'auto',
        overrides: {},
      },
      {
        ...vector,
        name: 'b',
        m: 8,
        memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
        quantization: 'auto',
        overrides: { hnswConfig: { m: 8, efConstruct: 200 } },
      },
    ],
    sparseVectors: [],
    hnswConfig: { m: 16, efConstruct: 200, fullScanThreshold: 10_000 },
    quantization: 'auto',
    quantizationConfig: null,
    optimizersConfig: {},
    walConfig: {},
    strictModeConfig: null,
    metadata: null,
  })
})

test("a manifest with settings in the wire's spelling is respelled", async () => {
  const config = {
    ...manifest.config,
    vectors: manifest.config.vectors.map((vector) => ({
      ...vector,
      overrides: {
        hnswConfig: { tuning: { payload_m: 7 } },
        quantizationConfig: { scalar: { type: 'int8', always_ram: true } },
      },
    })),
    hnswConfig: { m: 16, efConstruct: 200, tuning: { full_scan_threshold: 10, inline_storage: false } },
    quantizationConfig: { binary: { query_encoding: 'binary' } },
    optimizersConfig: { flush_interval_sec: 7 },
    walConfig: { wal_capacity_mb: 3 },
    strictModeConfig: { max_query_limit: 10, multivector_config: { snake_name: { max_vectors: 3 } } },
  }
  await writeManifest(disk, 'manifest', { ...manifest, config } as never)
  expect((await readManifest(disk, 'manifest')).config).toMatchObject({
    vectors: [
      { overrides: { hnswConfig: { payloadM: 7 }, quantizationConfig: { scalar: { type: 'int8', alwaysRam: true } } } },
    ],
    hnswConfig: { m: 16, efConstruct: 200, fullScanThreshold: 10, inlineStorage: false },
    quantizationConfig: { binary: { queryEncoding: 'binary' } },
    optimizersConfig: { flushIntervalSec: 7 },
    walConfig: { walCapacityMb: 3 },
    strictModeConfig: { maxQueryLimit: 10, multivectorConfig: { snake_name: { maxVectors: 3 } } },
  })
})

test('every flipped bit and every cut is CORRUPT, naming the file', async () => {
  await writeManifest(disk, 'manifest', manifest)
  const whole = readFileSync(path())
  const refused = { code: 'CORRUPT', message: expect.stringMatching(/^manifest: /) }
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const damaged = Buffer.from(whole)
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
    writeFileSync(path(), damaged)
    await expect(readManifest(disk, 'manifest'), `bit ${bit}`).rejects.toMatchObject(refused)
  }
  for (let bytes = 0; bytes < whole.length; bytes++) {
    writeFileSync(path(), whole.subarray(0, bytes))
    await expect(readManifest(disk, 'manifest'), `${bytes} bytes`).rejects.toMatchObject(refused)
  }
})

test('a format that needs a newer reader is refused and left unchanged', async () => {
  await writeManifest(disk, 'manifest', manifest)
  const newer = readFileSync(path())
  newer.writeUInt32LE(9, 8)
  newer.writeUInt32LE(3, 12)
  newer.writeUInt32LE(crc32c(newer.subarray(28), crc32c(newer.subarray(0, 24))), 24)
  writeFileSync(path(), newer)
  await expect(readManifest(disk, 'manifest')).rejects.toMatchObject({
    code: 'UNSUPPORTED_FORMAT',
    details: { leastReader: 3, formatVersion: 2 },
  })
  expect(readFileSync(path()).equals(newer)).toBe(true)
  // A newer writer whose files this version can still read.
  newer.writeUInt32LE(1, 12)
  newer.writeUInt32LE(crc32c(newer.subarray(28), crc32c(newer.subarray(0, 24))), 24)
  writeFileSync(path(), newer)
  expect(await readManifest(disk, 'manifest')).toEqual(manifest)
})
