/** Nearly valid bodies and nearly valid bytes: no answer is an internal error. */

import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'
import fc from '../oracle/properties.js'
import { type Service, startService } from './service.js'

const RUNS = 1500
const A = '/collections/a'
const ROUTES: [method: string, path: string][] = [
  ['PUT', '/collections/fuzz'],
  ['PATCH', A],
  ['PUT', `${A}/points`],
  ['POST', `${A}/points`],
  ['POST', `${A}/points/delete`],
  ['POST', `${A}/points/count`],
  ['POST', `${A}/points/scroll`],
  ['POST', `${A}/points/query`],
  ['POST', `${A}/points/query/batch`],
  ['POST', `${A}/points/query/groups`],
  ['POST', `${A}/points/search`],
  ['POST', `${A}/points/recommend/batch`],
  ['POST', `${A}/points/discover`],
  ['POST', `${A}/points/search/matrix/offsets`],
  ['POST', `${A}/facet`],
  ['POST', `${A}/points/batch`],
  ['PUT', `${A}/points/vectors`],
  ['POST', `${A}/points/vectors/delete`],
  ['POST', `${A}/points/payload`],
  ['PUT', `${A}/points/payload`],
  ['POST', `${A}/points/payload/delete`],
  ['POST', `${A}/points/payload/clear`],
  ['PUT', `${A}/index`],
]
/** Words of the API, so that random bodies pass the first checks. */
const WORDS = [
  ...[
    'points',
    'batch',
    'ids',
    'id',
    'vector',
    'vectors',
    'payload',
    'payloads',
    'filter',
    'must',
    'should',
    'must_not',
  ],
  ...[
    'min_should',
    'conditions',
    'min_count',
    'key',
    'match',
    'value',
    'any',
    'except',
    'range',
    'gt',
    'lte',
    'is_empty',
  ],
  ...[
    'is_null',
    'has_id',
    'has_vector',
    'nested',
    'values_count',
    'query',
    'nearest',
    'using',
    'limit',
    'offset',
    'params',
  ],
  ...[
    'hnsw_ef',
    'exact',
    'with_payload',
    'with_vector',
    'include',
    'exclude',
    'score_threshold',
    'searches',
    'operations',
  ],
  ...[
    'prefetch',
    'fusion',
    'rrf',
    'k',
    'weights',
    'formula',
    'defaults',
    'recommend',
    'positive',
    'negative',
    'strategy',
  ],
  ...['discover', 'target', 'context', 'order_by', 'direction', 'start_from', 'sample', 'random', 'mmr', 'diversity'],
  ...['relevance_feedback', 'feedback', 'example', 'score', 'naive', 'b', 'c', 'lookup_from', 'collection', 'group_by'],
  ...[
    'sum',
    'mult',
    'div',
    'left',
    'right',
    'exp_decay',
    'x',
    'scale',
    'geo_distance',
    'origin',
    '$score',
    '$score[1]',
  ],
  ...['upsert', 'delete', 'set_payload', 'keys', 'field_name', 'field_schema', 'size', 'distance', 'hnsw_config', 'm'],
  ...['quantization', 'quantization_config', 'scalar', 'type', 'binary', 'encoding', 'turbo', 'bits', 'oversampling'],
  ...['__proto__', 'constructor', 'a', 'a.b', 'a[]', 'a[0].b', ''],
]

const word = fc.constantFrom(...WORDS)
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    1,
    2,
    10,
    -1,
    0.5,
    1e308,
    -0,
    65_536,
    2 ** 53,
    2n ** 64n - 1n,
    2n ** 63n,
  ),
  fc.constantFrom(
    '',
    'Cosine',
    'keyword',
    'integer',
    'x',
    '550e8400-e29b-41d4-a716-446655440000',
    '2024-01-01T00:00:00Z',
  ),
  fc.string({ maxLength: 8 }),
  word,
)
const body = fc.letrec<{ any: unknown; object: Record<string, unknown> }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    scalar,
    fc.constant([1, 2, 3]),
    fc.array(tie('any'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(word, tie('any'), { maxKeys: 5, noNullPrototype: true }),
})).object

it("no body of the API's words gives an internal error", async () => {
  const service = await startFuzzed()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ROUTES), body, fc.boolean(), async ([method, path], value, isMsgpack) => {
      const bytes = isMsgpack ? encodeMsgpack(value) : Buffer.from(jsonOf(value))
      const type = isMsgpack ? 'application/msgpack' : 'application/json'
      await expectNoFault(service, method, path, bytes, type)
    }),
    { numRuns: RUNS },
  )
})

it('no bytes give an internal error', async () => {
  const service = await startFuzzed()
  const good = encodeMsgpack({ points: [{ id: 1, vector: Float32Array.of(1, 2, 3), payload: { a: [1, 'x', null] } }] })
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), async (changes, length) => {
      const bytes = Buffer.from(good)
      for (const [at, byte] of changes) bytes[at] = byte
      await expectNoFault(service, 'PUT', `${A}/points`, bytes.subarray(0, length), 'application/msgpack')
    }),
    { numRuns: RUNS },
  )
})

async function startFuzzed(): Promise<Service> {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const service = await startService({ database, logLevel: 'error' })
  await service.call('PUT', A, { vectors: { size: 3, distance: 'Euclid' } })
  await service.call('PUT', `${A}/points?wait=true`, {
    points: [{ id: 1, vector: [1, 2, 3], payload: { a: { b: [1] } } }],
  })
  return service
}

async function expectNoFault(
  service: Service,
  method: string,
  path: string,
  bytes: Buffer,
  type: string,
): Promise<void> {
  const answer = await service.call(method, path, bytes, { 'content-type': type })
  const isOurs = answer.status >= 500 && answer.status !== 501
  expect(isOurs, `${method} ${path} ${bytes.toString()} → ${answer.text} ${service.log.at(-1) ?? ''}`).toBe(false)
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, property: unknown) =>
    typeof property === 'bigint' ? `big${property}` : property,
  ).replace(/"big(\d+)"/g, '$1')
}
