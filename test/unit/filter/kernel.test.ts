import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Condition, Filter } from '../../../src/core/filter.js'
import { PAYLOAD_INDEX_KINDS, type PayloadIndexParams } from '../../../src/core/payload-index.js'
import { decodeIds, encodeIds, type PointId } from '../../../src/core/point.js'
import { compileFilter } from '../../../src/filter/program.js'
import { encodeTextOptions } from '../../../src/filter/text-options.js'
import { Shard } from '../../../src/native/shard.js'
import { matchesFilter, type OraclePoint, type OracleTexts } from '../../oracle/filter-oracle.js'
import fc from '../../oracle/properties.js'
import { texts as payloadTexts } from '../native/shard-data.js'

// The kernel decides filters on JSON text and from indexes, the oracle on parsed values: both must agree.

const ROWS = 400
const FILTERS = 250
const NAMES = ['a', 'b', 'k.l', 'é"']
const PATHS = ['a', 'a[]', 'a.b', 'a[].b', 'a[0]', 'b', 'b[].a', '"k.l"', '"é\\""', 'nothing']
const TEXT_PATHS = ['a', 'a[]', 'a[].b', 'b', '"k.l"']
const TEXT_INDEXES: PayloadIndexParams[] = [
  {},
  { tokenizer: 'whitespace', lowercase: false, stopwords: { custom: ['red'] } },
  { tokenizer: 'prefix', minTokenLen: 2, maxTokenLen: 4, stopwords: { custom: ['THE'] } },
  { tokenizer: 'multilingual', minTokenLen: 1, maxTokenLen: 12 },
]
const VECTOR_NAMES = ['image', 'text']

const text = fc.constantFrom(
  'red',
  'The red house, red Roof',
  'HOUSE ÉTÉ été',
  '今天是星期一 red',
  'ของบ้าน',
  '',
  'é😀"\\\n',
  '\u2028',
  '2020-01-01',
  '2020-01-01T00:00:00Z',
  '2020-01-01 02:00+02',
  '0191a0b2-7c4d-4e11-9f00-0123456789ab',
  '1',
)
const integer = fc.constantFrom(0, 1, -1, 7, 2 ** 53, 2 ** 60)
const number = fc.oneof(integer, fc.constantFrom(0.5, -0.5, 1e21, 7.25, -(2 ** 63)))
/** A grid, so that points fall on borders, corners and each other. */
const degrees = fc.constantFrom(-180, -90, -60, -30, 0, 10, 15, 20, 30, 60, 90, 180)
const north = degrees.filter((value) => Math.abs(value) <= 90)
const position = fc.record({ lon: degrees, lat: north })
const stored = fc.oneof(position, fc.record({ lon: number, lat: number }), fc.record({ lon: degrees }))
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null), stored)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 3 }) },
  ),
}))
const payload = fc.option(fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4 }), { nil: undefined, freq: 10 })

const path = fc.constantFrom(...PATHS)
const exact = fc.oneof(integer, fc.constantFrom(2n ** 53n + 1n, 2n ** 63n - 1n))
const list = fc.oneof(fc.array(text, { maxLength: 4 }), fc.array(exact, { maxLength: 4 }))
const limits = <T>(bound: fc.Arbitrary<T>) =>
  fc.record({ lt: bound, lte: bound, gt: bound, gte: bound }, { requiredKeys: [] })
const time = fc.constantFrom('2020-01-01', '2019-12-31T23:59:59.999999Z', '2020-01-01T00:00:00.000001Z')
const part = fc.constantFrom(
  'r',
  're',
  'red',
  '',
  '2020',
  '\u2028',
  'é😀',
  '😀"',
  '1',
  'T00',
  'r 1',
  ' 01  é',
  'red house',
  'RED roof',
  'the',
  'hous',
  'été',
  '星期',
  '一',
  '是期',
  'red red',
  'บ้าน house',
)
const ring = fc.array(position, { minLength: 3, maxLength: 7 }).map((points) => ({ points: [...points, points[0]] }))
const geo = {
  box: fc.record({ topLeft: position, bottomRight: position }),
  circle: fc.record({ center: position, radius: fc.constantFrom(0, 1000, 3e6, 9e6, 1.2e7, 1e9) }),
  polygon: fc.record({ exterior: ring, interiors: fc.array(ring, { maxLength: 2 }) }, { requiredKeys: ['exterior'] }),
}
const slice = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.nat(4))
  .map(([total, index]) => ({ total, index: index % total }))
const id = fc.oneof(fc.nat(ROWS), fc.constant(2n ** 64n - 1n), fc.constant('0191A0B27c4d4e119f000123456789AB'))
const { filter, condition } = fc.letrec<{ filter: Filter; condition: Condition; clause: Condition[] }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ key: path, match: fc.record({ value: fc.oneof(text, exact, fc.boolean()) }) }),
    fc.record({ key: path, match: fc.record({ any: list }) }),
    fc.record({ key: path, match: fc.record({ except: list }) }),
    fc.record({ key: path, range: limits(number) }),
    fc.record({ key: path, range: limits(time) }),
    fc.record({ key: path, valuesCount: limits(fc.nat(3)) }),
    fc.record({ key: path, isEmpty: fc.boolean() }),
    fc.record({ key: path, isNull: fc.boolean() }),
    fc.record({ key: path, match: fc.record({ text: part }) }),
    fc.record({ key: path, match: fc.record({ textAny: part }) }),
    fc.record({ key: path, match: fc.record({ phrase: part }) }),
    fc.record({ key: path, match: fc.record({ prefix: part }) }),
    fc.record({ key: path, geoBoundingBox: geo.box }),
    fc.record({ key: path, geoRadius: geo.circle }),
    fc.record({ key: path, geoPolygon: geo.polygon }),
    fc.record({ key: path, match: fc.record({ value: text }), range: limits(number), geoRadius: geo.circle }),
    fc.record({ key: path, isNull: fc.boolean(), valuesCount: limits(fc.nat(3)) }),
    fc.record({ slice }),
    fc.record({ isEmpty: fc.record({ key: path }) }),
    fc.record({ isNull: fc.record({ key: path }) }),
    fc.record({ hasId: fc.array(id, { maxLength: 20 }) }),
    fc.record({ hasVector: fc.constantFrom(...VECTOR_NAMES) }),
    fc.record({ nested: fc.record({ key: fc.constantFrom('a', 'b', 'a[]'), filter: tie('filter') }) }),
    tie('filter'),
  ) as fc.Arbitrary<Condition>,
  clause: fc.array(tie('condition'), { maxLength: 3 }),
  filter: fc.record(
    {
      must: fc.oneof(tie('clause'), tie('condition'), fc.constant(null)),
      should: tie('clause'),
      mustNot: tie('clause'),
      minShould: fc.record({ conditions: tie('clause'), minCount: fc.integer({ min: 1, max: 3 }) }),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Filter>,
}))

/** The seed of the whole run, because fast-check reports none for samples. */
const seed = Number(process.env.VICINAL_TEST_SEED ?? Date.now() % 1_000_000_007)
process.stderr.write(`filters in the kernel: VICINAL_TEST_SEED=${seed}\n`)
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number, part: number) =>
  fc.sample(arbitrary, { numRuns: count, seed: seed + part })

const shards: Shard[] = []
const folders: string[] = []
afterAll(async () => {
  for (const shard of shards) await shard.close()
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function newShard(trackChanges = false): Shard {
  const vectors = VECTOR_NAMES.map((name) => ({ name, dim: 2, metric: 'l2' as const, m: 4, efConstruct: 8 }))
  const shard = new Shard({ vectors, segmentBytes: 2 ** 30, trackChanges })
  shards.push(shard)
  return shard
}

async function filledShard(part: number, trackChanges = false): Promise<{ shard: Shard; points: OraclePoint[] }> {
  const ids: PointId[] = Array.from({ length: ROWS }, (_, row) => (row === 7 ? 2n ** 64n - 1n : row))
  ids[8] = '0191a0b2-7c4d-4e11-9f00-0123456789ab'
  const payloads = sample(payload, ROWS, part)
  const shard = newShard(trackChanges)
  const half = Uint32Array.from({ length: ROWS / 2 }, (_, at) => at * 2)
  const vectors = [
    { vector: 0, data: new Float32Array(ROWS * 2), rows: null },
    { vector: 1, data: new Float32Array(half.length * 2), rows: half },
  ]
  await shard.upsert({ ids: encodeIds(ids), seq: 1, vectors, payloads: payloadTexts(payloads) })
  const points = ids.map((id, row) => ({
    id,
    payload: payloads[row],
    vectorNames: row % 2 === 0 ? VECTOR_NAMES : ['image'],
  }))
  return { shard, points }
}

async function compare(
  shard: Shard,
  points: readonly OraclePoint[],
  part: number,
  texts: OracleTexts = new Map(),
  count = FILTERS,
): Promise<number> {
  let selective = 0
  const filters = [...sample(filter, count, part), ...sample(condition, count, part).map((must) => ({ must }))]
  for (const filter of filters) {
    const program = compileFilter(filter, { vectorNames: VECTOR_NAMES })
    const expected = points.filter((point) => matchesFilter(filter, point, texts)).map((point) => String(point.id))
    const found = decodeIds(await shard.selectIds(program)).map(String)
    const shown = JSON.stringify(filter, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
    expect(new Set(found), shown).toEqual(new Set(expected))
    expect(await shard.count(program), shown).toBe(expected.length)
    if (expected.length > 0 && expected.length < points.length) selective++
  }
  return selective
}

describe('filters in the kernel match what the oracle matches', () => {
  it('without indexes', async () => {
    const { shard, points } = await filledShard(1)
    expect(await compare(shard, points, 2)).toBeGreaterThan(FILTERS / 4)
  })

  it.each(TEXT_INDEXES)('with text indexes of %j, then with changed points', async (params) => {
    const part = 1000 * (1 + TEXT_INDEXES.indexOf(params))
    const { shard, points } = await filledShard(part)
    for (const field of TEXT_PATHS) await shard.createPayloadIndex(field, 'text', encodeTextOptions(params))
    const texts = new Map(TEXT_PATHS.map((field) => [field, params]))
    expect(await compare(shard, points, part + 1, texts)).toBeGreaterThan(FILTERS / 4)

    const changed = points.filter((_, row) => row % 3 === 0)
    const payloads = sample(payload, changed.length, part + 2)
    await shard.setPayloads(encodeIds(changed.map((point) => point.id)), payloadTexts(payloads), 2)
    for (const [at, point] of changed.entries()) point.payload = payloads[at]
    await compare(shard, points, part + 3, texts)
    shard.dropPayloadIndex('a')
    texts.delete('a')
    await compare(shard, points, part + 4, texts)
  })

  it.each(PAYLOAD_INDEX_KINDS.filter((kind) => kind !== 'text'))(
    'with %s indexes, then with changed and deleted points',
    async (kind) => {
      const part = 10 * (1 + PAYLOAD_INDEX_KINDS.indexOf(kind))
      const { shard, points } = await filledShard(part)
      for (const field of PATHS) await shard.createPayloadIndex(field, kind)
      expect(await compare(shard, points, part + 1)).toBeGreaterThan(FILTERS / 4)

      const changed = points.filter((_, row) => row % 9 === 0)
      const payloads = sample(payload, changed.length, part + 2)
      await shard.setPayloads(encodeIds(changed.map((point) => point.id)), payloadTexts(payloads), 2)
      for (const [at, point] of changed.entries()) point.payload = payloads[at]
      const gone = points.filter((_, row) => row % 11 === 0)
      await shard.deletePoints(encodeIds(gone.map((point) => point.id)), 3)
      await compare(
        shard,
        points.filter((point) => !gone.includes(point)),
        part + 3,
      )
    },
  )

  it.each(PAYLOAD_INDEX_KINDS)(
    'with %s indexes on disk: through changes, checkpoints and openings, intact and damaged',
    async (kind) => {
      const part = 100_000 * (1 + PAYLOAD_INDEX_KINDS.indexOf(kind))
      const few = FILTERS / 5
      const folder = mkdtempSync(join(tmpdir(), 'vicinal-index-files-'))
      folders.push(folder)
      const { shard, points } = await filledShard(part, true)
      const fields = kind === 'text' ? TEXT_PATHS : PATHS
      const params: PayloadIndexParams = { tokenizer: 'multilingual' }
      const texts = new Map(kind === 'text' ? fields.map((field) => [field, params]) : [])
      const index = async (of: Shard) => {
        const options = kind === 'text' ? encodeTextOptions(params) : null
        for (const field of fields) await of.createPayloadIndex(field, kind, options, { onDisk: true })
      }
      const indexFiles = () => readdirSync(folder).filter((name) => name.endsWith('.vidx'))
      const change = async (of: Shard, seq: number) => {
        const changed = points.filter((_, row) => row % 7 === seq % 7)
        const payloads = sample(payload, changed.length, part + seq)
        await of.setPayloads(encodeIds(changed.map((point) => point.id)), payloadTexts(payloads), seq)
        for (const [at, point] of changed.entries()) point.payload = payloads[at]
        const gone = points.splice(seq, 9)
        await of.deletePoints(encodeIds(gone.map((point) => point.id)), seq + 1)
        const ids = Array.from({ length: 100 }, (_, at) => 1_000 * seq + at)
        const added = sample(payload, ids.length, part + seq + 1)
        const vectors = [{ vector: 0, data: new Float32Array(200), rows: null }]
        await of.upsert({ ids: encodeIds(ids), seq: seq + 2, vectors, payloads: payloadTexts(added) })
        points.push(...ids.map((id, at) => ({ id, payload: added[at], vectorNames: ['image'] })))
      }
      await index(shard)
      expect(indexFiles()).toEqual([])
      await shard.checkpoint(folder)
      expect(indexFiles()).toHaveLength(fields.length)
      await compare(shard, points, part + 1, texts, few)
      await change(shard, 10)
      await compare(shard, points, part + 2, texts, few)
      // The segment file has changed, and so have the files of its indexes.
      const { segments } = await shard.checkpoint(folder)
      expect(indexFiles()).toHaveLength(2 * fields.length)
      await compare(shard, points, part + 3, texts, few)

      const [segment] = segments as [(typeof segments)[0]]
      const source = { path: join(folder, segment.file), crc: segment.crc, overlay: null, resume: true }
      const current = indexFiles().filter((name) => name.startsWith(segment.file.replace('.vseg', '')))
      const paths = current.map((name) => join(folder, name))
      expect(paths).toHaveLength(fields.length)
      const filed = points.map((point) => ({ ...point }))
      for (const [round, damage] of [[], paths.slice(0, 1), paths].entries()) {
        for (const [i, path] of damage.entries()) {
          const bytes = readFileSync(path)
          const at = (seed * (i + 1)) % bytes.length
          bytes[at] = (bytes[at] as number) ^ 1
          writeFileSync(path, i % 2 === 0 ? bytes : bytes.subarray(0, at))
        }
        const written = () => paths.map((path) => statSync(path, { bigint: true }).mtimeNs)
        const before = written()
        points.splice(0, points.length, ...filed.map((point) => ({ ...point })))
        const again = newShard(true)
        await again.openSegment(source)
        await index(again)
        // Intact files are opened as they are, the others are rewritten.
        expect(written().map((time, i) => time === before[i])).toEqual(paths.map((path) => !damage.includes(path)))
        await compare(again, points, part + 10 * round, texts, few)
        await change(again, 20 + 10 * round)
        await compare(again, points, part + 10 * round + 1, texts, few)
        again.dropPayloadIndex(fields[0] as string)
        expect(paths.filter((path) => existsSync(path))).toHaveLength(fields.length - 1)
        await again.createPayloadIndex(fields[0] as string, kind, kind === 'text' ? encodeTextOptions(params) : null, {
          onDisk: true,
        })
        await compare(again, points, part + 10 * round + 2, texts, 10)
        await again.close()
      }
    },
  )
})
