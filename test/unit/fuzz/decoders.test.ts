/**
 * Nearly valid input from outside: every decoder answers, or refuses with a VicinalError, within its time. Native
 * decoders are fuzzed in native/test.
 */
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow'
import { expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { PointInsert } from '../../../src/core/point-changes.js'
import type { SchemaVector } from '../../../src/core/schema.js'
import { parseFilter } from '../../../src/filter/parse.js'
import { compileFilter } from '../../../src/filter/program.js'
import { columnsOfArrow } from '../../../src/ingest/arrow-columns.js'
import { columnsOfColumnar, columnsOfPoints } from '../../../src/ingest/point-columns.js'
import { decodeRecord, encodeRecord } from '../../../src/log/record.js'
import { parseJson } from '../../../src/wire/json.js'
import { decodeMsgpack, measureMsgpack } from '../../../src/wire/msgpack.js'
import { encodeMsgpack } from '../../../src/wire/msgpack-encoder.js'
import { inserted } from '../../../src/wire/operations.js'
import { bodyOf } from '../../../src/wire/read-bodies.js'
import { parseVectorJson } from '../../../src/wire/vector-json.js'
import { Mutations } from '../../oracle/mutations.js'
import { plainMsgpack } from '../../oracle/plain-msgpack.js'
import fc from '../../oracle/properties.js'
import { processCpuMs } from '../cpu.js'
import { anyRecord } from '../log/records.js'

/** Executions of each test. */
const RUNS = 20_000
/** CPU of one execution. */
const MOST_MS = 2_000
const MINUTES = 1_800_000

const mutations = new Mutations('decoders')

/** Rounds numbers to float32, and turns bins into arrays of floats if their size allows it. */
function asFloats(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, one) {
    const raw = this[key]
    if (raw instanceof Float32Array) return Array.from(raw)
    if (raw instanceof Uint8Array) return raw.length % 4 === 0 && raw.length >= 32 ? floatsOf(raw) : [...raw]
    return typeof one === 'number' || typeof one === 'bigint' ? Math.fround(Number(one)) : one
  })
}

function floatsOf(bin: Uint8Array): number[] {
  return Array.from(new Float32Array(Uint8Array.from(bin).buffer))
}

const vector = (name: string, size: number, multi = false) =>
  ({ name, size, ...(multi ? { multivectorConfig: { comparator: 'max_sim' } } : {}) }) as unknown as SchemaVector
const SCHEMA: SchemaVector[] = [
  vector('', 2),
  vector('image', 3),
  vector('tokens', 2, true),
  { name: 'words', size: 0, modifier: 'idf', index: null } as SchemaVector,
]
const POINTS = {
  points: [
    { id: 1, vector: [0.5, 1], payload: { a: [1, { b: 'x' }], 'k.l': null, é: true } },
    {
      id: '0191a0b2-7c4d-4e11-9f00-0123456789ab',
      vector: { image: [1, 2, 3], words: { indices: [1, 7], values: [0.5, 2] } },
    },
    {
      id: 2 ** 53,
      vector: {
        '': [1, 2],
        tokens: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      },
      payload: null,
    },
  ],
}
const BATCH = {
  batch: {
    ids: [1, 2],
    vectors: {
      image: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      words: [{ indices: [3], values: [1] }, null],
    },
    payloads: [{ a: 1 }, null],
  },
}
const FILTERS = [
  {
    must: [
      { key: 'a[].b', match: { value: 'x' } },
      { key: 'n', range: { gt: 1, lte: 7.5 } },
    ],
    must_not: { is_empty: { key: 'a' } },
  },
  {
    should: [
      { has_id: [1, '0191a0b2-7c4d-4e11-9f00-0123456789ab'] },
      { nested: { key: 'a', filter: { must: [{ key: 'b', match: { any: ['x', 'y'] } }] } } },
    ],
  },
  {
    min_should: {
      conditions: [
        { key: 'at', range: { gte: '2020-01-01' } },
        { key: 'a', values_count: { lt: 3 } },
      ],
      min_count: 1,
    },
  },
  {
    must: {
      key: 'p',
      geo_polygon: {
        exterior: {
          points: [
            { lon: 0, lat: 0 },
            { lon: 1, lat: 0 },
            { lon: 0, lat: 1 },
            { lon: 0, lat: 0 },
          ],
        },
      },
    },
  },
  {
    must: [
      { key: 't', match: { text: 'red house' } },
      { key: 't', match: { phrase: 'a b' } },
      { slice: { total: 3, index: 1 } },
      { has_vector: 'image' },
    ],
  },
]

/** Runs, and returns how many answered. Anything other than an answer or a refusal is reported with its input. */
function run<T>(runs: number, make: () => T, decode: (input: T) => unknown): number {
  let answered = 0
  for (let i = 0; i < runs; i++) {
    const input = make()
    const startedMs = processCpuMs()
    try {
      decode(input)
      answered++
    } catch (error) {
      if (!(error instanceof VicinalError)) {
        const shown = Buffer.isBuffer(input) ? input.toString('hex') : String(fc.stringify(input)).slice(0, 2_000)
        throw new Error(`execution ${i}: ${(error as Error).stack}\nof ${shown}`)
      }
      expect([
        'INVALID_ARGUMENT',
        'TOO_LARGE',
        'CORRUPT',
        'UNSUPPORTED_FORMAT',
        'NOT_IMPLEMENTED',
        'NOT_FOUND',
      ]).toContain(error.code)
    }
    expect(processCpuMs() - startedMs).toBeLessThan(MOST_MS)
  }
  return answered
}

it(
  'bodies of JSON',
  () => {
    const valid = [POINTS, BATCH, ...FILTERS].map((body) => Buffer.from(JSON.stringify(body)))
    expect(
      run(
        RUNS,
        () => mutations.bytes(valid),
        (bytes) => parseJson(bytes),
      ),
    ).toBeGreaterThan(RUNS / 100)
  },
  MINUTES,
)

it(
  'JSON bodies with vectors lifted out: answers equal those of a plain parse',
  () => {
    const long = (from: number) => Array.from({ length: 12 }, (_, i) => Math.sin(from + i))
    const valid = [
      { points: [{ id: 1, vector: { image: long(1), '': [long(2), long(3)] }, payload: { vector: long(4) } }] },
      { batch: { ids: [1, 2], vectors: [long(5), long(6)] } },
      { prefetch: [{ query: { nearest: long(7) } }], query: { recommend: { positive: [long(8), 3] } }, limit: 3 },
    ].map((body) => Buffer.from(JSON.stringify(body, null, 1)))
    const answered = run(
      RUNS / 2,
      () => mutations.bytes(valid),
      (bytes) => expect(asFloats(parseVectorJson(bytes))).toBe(asFloats(parseJson(bytes))),
    )
    expect(answered).toBeGreaterThan(RUNS / 100)
  },
  MINUTES,
)

it(
  'MessagePack bodies: answers and refusals equal those of a plain decoder',
  () => {
    const odd = {
      ['__proto__']: { a: 2n ** 53n },
      '\ufeffa': `\ufeff${'b'.repeat(200)}`,
      c: [-(2n ** 53n)],
    }
    const long = (from: number) => Array.from({ length: 10 }, (_, i) => (i % 3 === 0 ? i * from : Math.sin(from + i)))
    const vectors = {
      points: [
        { id: 1, vector: { a: long(1), '': [long(2), long(300)] }, payload: { vector: long(4), ['__proto__']: 1 } },
      ],
      batch: { ids: long(1), vectors: [long(5), long(70_000)] },
      query: { recommend: { positive: [long(8), 3], negative: long(9) }, nearest: long(1e300) },
      'ï»¿': '\ufeffmarked',
    }
    const valid = [POINTS, BATCH, odd, vectors, ...FILTERS].map((body) => encodeMsgpack(body))
    const answered = run(
      RUNS,
      () => mutations.bytes(valid),
      (bytes) => {
        const seen = outcomeOf(() => decodeMsgpack(bytes))
        const expected = outcomeOf(() => plainMsgpack(bytes))
        if (expected.error) expect(seen.error, bytes.toString('hex')).toMatchObject({ code: 'INVALID_ARGUMENT' })
        else expect(seen, bytes.toString('hex')).toEqual(expected)
        // In requests vectors come as bins; the rest is the same.
        const request = outcomeOf(() => measureMsgpack(bytes).make())
        expect(asFloats(request.value), bytes.toString('hex')).toBe(asFloats(seen.value))
        expect(request.error?.message).toBe(seen.error?.message)
        if (seen.error) throw seen.error
      },
    )
    expect(answered).toBeGreaterThan(RUNS / 100)
  },
  MINUTES,
)

function outcomeOf(decode: () => unknown): { value?: unknown; error?: Error } {
  try {
    return { value: decode() }
  } catch (error) {
    return { error: error as Error }
  }
}

it(
  'points as JSON and MessagePack, and the columns made of them',
  () => {
    const valid = [POINTS, BATCH]
    const columns = (body: unknown) => {
      const { points } = inserted(bodyOf(PointInsert, body))
      return Array.isArray(points)
        ? columnsOfPoints(points as never, SCHEMA)
        : columnsOfColumnar(points as never, SCHEMA)
    }
    const json = valid.map((body) => Buffer.from(JSON.stringify(body)))
    const bodies = run(
      RUNS / 2,
      () => mutations.bytes(json),
      (bytes) => columns(objectOf(parseJson(bytes))),
    )
    expect(bodies).toBeGreaterThan(0)
    const values = run(
      RUNS,
      () => mutations.value(mutations.pick(valid)),
      (body) => columns(objectOf(body)),
    )
    expect(values).toBeGreaterThan(10)
  },
  MINUTES,
)

/** The faces require an object before anything else. */
function objectOf(body: unknown): object {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new VicinalError('INVALID_ARGUMENT', 'body')
  return body
}

it(
  'filters, parsed and compiled',
  () => {
    const context = { vectorNames: ['image'] }
    const make = () => mutations.value(mutations.pick(FILTERS))
    const answered = run(RUNS, make, (filter) => {
      parseFilter(filter as never, context as never)
      return compileFilter(filter as never, context)
    })
    expect(answered).toBeGreaterThan(RUNS / 50)
  },
  MINUTES,
)

it(
  'columns of the library: typed arrays of wrong lengths, ragged rows, indices out of order',
  () => {
    const valid = [
      {
        ids: [1, 2],
        vectors: {
          '': Float32Array.of(1, 2, 3, 4),
          words: [{ indices: Uint32Array.of(3, 1), values: Float32Array.of(1, 2) }, null],
        },
      },
      { ids: BigUint64Array.of(1n, 2n), vectors: Float32Array.of(1, 2, 3, 4), payloads: [{ a: 1 }, null] },
      {
        ids: [1],
        vectors: {
          image: Float32Array.of(1, 2, 3),
          tokens: [
            [
              [1, 2],
              [3, 4],
            ],
          ],
        },
      },
    ]
    const make = () => mutations.value(mutations.pick(valid))
    expect(run(RUNS, make, (points) => columnsOfColumnar(objectOf(points) as never, SCHEMA))).toBeGreaterThan(0)
  },
  MINUTES,
)

it(
  'records of the log',
  () => {
    const valid = fc
      .sample(anyRecord(), { numRuns: 60, seed: mutations.seed })
      .map((record) => Buffer.concat(encodeRecord(record).chunks))
    run(
      RUNS,
      () => mutations.bytes(valid),
      (bytes) => decodeRecord(bytes),
    )
  },
  MINUTES,
)

it(
  'Arrow tables with changed values',
  () => {
    const table = tableFromArrays({ id: Int32Array.of(1, 2, 3), n: Float64Array.of(1, 2, 3), word: ['a', 'b', null] })
    const whole = Buffer.from(tableToIPC(table, 'file'))
    // The parts around the values are for Arrow's own library to read.
    const from = whole.indexOf(Buffer.from(Int32Array.of(1, 2, 3).buffer))
    const end = whole.lastIndexOf(Buffer.from(Float64Array.of(1, 2, 3).buffer)) + 24
    expect(from > 0 && end > from).toBe(true)
    let read = 0
    for (let i = 0; i < RUNS / 4; i++) {
      const bytes = Buffer.from(whole)
      for (let changes = 1 + mutations.below(4); changes > 0; changes--) {
        const at = from + mutations.below(end - from - 4)
        bytes.writeInt32LE(mutations.pick([0, 1, -1, 2, 255, 65_536, 0x7fffffff, -0x80000000]), at)
      }
      const startedMs = processCpuMs()
      try {
        columnsOfArrow(tableFromIPC(bytes) as never, [])
        read++
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
      expect(processCpuMs() - startedMs).toBeLessThan(MOST_MS)
    }
    expect(read).toBeGreaterThan(RUNS / 100)
  },
  MINUTES,
)
