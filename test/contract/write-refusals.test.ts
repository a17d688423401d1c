/** Writes that are refused: in which order their rules are told, in Qdrant's words, and that nothing is changed. */
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { type Service, startService } from './service.js'

const NAMES = ['a', 'none']
const FORMAT = 'Format error in JSON body: expected'
const VALIDATION = 'Validation error in JSON body: '

let service: Service

beforeEach(async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('a', {
    vectors: {
      d: { size: 2, distance: 'Dot' },
      m: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
    },
    sparseVectors: { s: {} },
  })
  await collection.upsert([{ id: 1, vector: { d: [1, 2] } }])
  service = await startService({ database, logLevel: 'silent' })
})

const sparse = (indices: unknown, values: unknown) => ({ s: { indices, values } })
const points = (...vectors: unknown[]) => ({ points: vectors.map((vector, id) => ({ id, vector })) })

it.each<[method: string, path: string, body: unknown, status: number, text: string]>([
  ['PUT', '', [], 400, `${FORMAT} an object, got an array of 0`],
  ['PUT', '', {}, 400, `${FORMAT} points or batch`],
  ['PUT', '', { points: {} }, 400, `${FORMAT} an array, got a value of type object`],
  ['PUT', '', { points: [7] }, 400, `${FORMAT} an object, got 7`],
  ['PUT', '', { points: [{ vector: [1] }] }, 400, `${FORMAT} an unsigned 64-bit integer or a UUID, got null`],
  ['PUT', '', { points: [{ id: -1, vector: [1] }] }, 400, `${FORMAT} an unsigned 64-bit integer or a UUID, got -1`],
  ['PUT', '', { points: [{ id: 1.5, vector: [1] }] }, 400, `${FORMAT} an unsigned 64-bit integer or a UUID, got 1.5`],
  ['PUT', '', { points: [{ id: 1 }] }, 400, `${FORMAT} a vector, or an object of vectors by name, got null`],
  ['PUT', '', points({ d: [1, 'x'] }), 400, `${FORMAT} a number, got "x"`],
  ['PUT', '', points({ d: 'x' }), 400, `${FORMAT} an array, got "x"`],
  ['PUT', '', { points: [{ id: 1, vector: {}, payload: 7 }] }, 400, `${FORMAT} an object, got 7`],
  ['PUT', '', { points: [{ id: 1, vector: {}, vectors: {} }] }, 400, `${FORMAT} one spelling, got vector and vectors`],
  ['PUT', '', { batch: { ids: [1], vectors: { d: [['1', 2]] } } }, 400, `${FORMAT} a number, got "1"`],
  ['PUT', '', { batch: { ids: [1], vectors: { d: [[null, 2]] } } }, 400, `${FORMAT} a number, got null`],
  ['PUT', '', { batch: { ids: [1], vectors: { d: [[true, 2]] } } }, 400, `${FORMAT} a number, got true`],
  ['PUT', '', { batch: { ids: [1] } }, 400, `${FORMAT} a value, got null`],
  ['PUT', '', { batch: { ids: 7, vectors: [] } }, 400, `${FORMAT} an array, got 7`],
  [
    'PUT',
    '',
    { batch: { ids: [1, 2], vectors: { d: [[1, 2]] }, payloads: [{}] } },
    422,
    `${VALIDATION}[batch: number of ids and vectors must be equal (2 != 1); batch: number of ids and payloads must be equal (2 != 1)]`,
  ],
  [
    'PUT',
    '',
    points(sparse([1, 2], [1]), { m: [[1, 2], [1]] }, sparse([1, 1], [1, 2])),
    422,
    `${VALIDATION}[points[0].vector.?.values: Validation error: must be the same length as indices [{}]; points[1].vector.?.data: all vectors must have the same dimension, found vector with dimension 1; points[2].vector.?.indices: Validation error: must be unique [{}]]`,
  ],
  [
    'PUT',
    '',
    points({ d: [], m: [[1, 2]] }, []),
    422,
    `${VALIDATION}[points[0].vector.?.vector: dense vector must not be empty; points[1].vector.vector: dense vector must not be empty]`,
  ],
  [
    'PUT',
    '/vectors',
    points({}, [], { s: { indices: [1, 1], values: [1, 2] } }),
    422,
    `${VALIDATION}[points[0].vector: must specify vectors to update for point; points[1].vector: must specify vectors to update for point; points[2].vector.?.indices: Validation error: must be unique [{}]]`,
  ],
  ['POST', '/vectors/delete', { points: [1], vector: [7] }, 400, `${FORMAT} a text, got 7`],
  [
    'POST',
    '/vectors/delete',
    { points: [1], vector: ['d'], vectors: ['d'] },
    400,
    `${FORMAT} one spelling, got vector and vectors`,
  ],
  ['POST', '/delete', {}, 400, `${FORMAT} either points or filter`],
  ['POST', '/delete', { points: 7 }, 400, `${FORMAT} an array of ids, got 7`],
  ['POST', '/delete', { points: [-1] }, 400, `${FORMAT} an unsigned 64-bit integer or a UUID, got -1`],
  ['POST', '/payload', { points: [1] }, 400, `${FORMAT} a value, got null`],
  ['PUT', '/payload', { payload: 7, points: [1] }, 400, `${FORMAT} an object, got 7`],
  ['POST', '/payload/delete', { keys: 'x', points: [1] }, 400, `${FORMAT} an array, got "x"`],
  ['POST', '/payload/clear', { filter: 7 }, 400, `${FORMAT} an object, got 7`],
  [
    'POST',
    '/batch',
    {
      operations: [
        { delete: { points: [1] } },
        { upsert: points(sparse([1], [])) },
        { delete_vectors: { vector: [] } },
      ],
    },
    422,
    `${VALIDATION}[operations[1].upsert.points[0].vector.?.values: Validation error: must be the same length as indices [{}]; operations[2].delete_vectors.vector: must specify vector names to delete]`,
  ],
])('%s %s of %j is refused before its collection is looked at: %i %s', async (method, path, body, status, text) => {
  for (const name of NAMES) {
    const answer = await service.call(method, `/collections/${name}/points${path}`, body)
    expect([answer.status, (answer.json.status as { error: string }).error], name).toEqual([status, text])
  }
  const { json } = await service.call('GET', '/collections/a/points/1')
  expect(json.result).toMatchObject({ id: 1, vector: { d: [1, 2] } })
  expect((await service.call('POST', '/collections/a/points/count', {})).json.result).toEqual({ count: 1 })
})

it.each([
  [{ upsert: points({ d: [1, 2, 3] }) }, 400],
  [{ upsert: points({ nowhere: [1, 2] }) }, 400],
  [{ delete: { points: ['no-uuid'] } }, 400],
  [{ delete_vectors: { points: [1], vector: ['nowhere'] } }, 400],
  [{ set_payload: { payload: {}, points: [1], key: '' } }, 400],
  [{ overwrite_payload: { payload: {}, points: [1], shard_key: 'x' } }, 501],
  [{ zzz: {} }, 400],
])('a batch with %j applies none of its operations', async (operation, status) => {
  const first = { upsert: { points: [{ id: 7, vector: { d: [7, 7] } }] } }
  const answer = await service.call('POST', '/collections/a/points/batch?wait=true', { operations: [first, operation] })
  expect([answer.status, answer.text]).toEqual([status, expect.anything()])
  expect((await service.call('POST', '/collections/a/points/count', {})).json.result).toEqual({ count: 1 })
})

it.each<[body: object, status: number, text: string]>([
  [{ field_name: 7, field_schema: 'keyword' }, 400, `${FORMAT} a text, got 7`],
  [{ field_schema: 'keyword' }, 400, `${FORMAT} a value, got null`],
  [
    { field_name: 'n', field_schema: 'keyword', field_type: 'keyword' },
    400,
    `${FORMAT} one spelling, got field_schema and field_type`,
  ],
  [{ field_name: 'n', field_schema: { type: 'text', lowercase: 7 } }, 400, `${FORMAT} true or false, got 7`],
  [
    { field_name: 'n', field_schema: { type: 'integer', lookup: false, range: false } },
    422,
    `${VALIDATION}[field_schema.lookup: Validation error: the 'lookup' and 'range' capabilities can't be both disabled [{}]]`,
  ],
])('an index of %j is refused before its collection is looked at: %i %s', async (body, status, text) => {
  for (const name of NAMES) {
    const answer = await service.call('PUT', `/collections/${name}/index`, body)
    expect([answer.status, (answer.json.status as { error: string }).error], name).toEqual([status, text])
  }
})

it.each<[body: object, text: string]>([
  [{}, `${FORMAT} a value, got null`],
  [{ actions: [{}] }, `${FORMAT} exactly one of create_alias, delete_alias, rename_alias, got a value of type object`],
  [{ actions: [{ delete_alias: { alias_name: 7 } }] }, `${FORMAT} a text, got 7`],
])('aliases are not changed by %j: %s', async (body, text) => {
  const answer = await service.call('POST', '/collections/aliases', body)
  expect([answer.status, (answer.json.status as { error: string }).error]).toEqual([400, text])
})

it('a vector name of size 0 is refused by its bound, and not by its type as at the creation of a collection', async () => {
  const bound = '[dense.size: value 0 invalid, must be from 1 to 65536]'
  const answer = await service.call('PUT', '/collections/a/vectors/v', { dense: { size: 0, distance: 'Dot' } })
  expect([answer.status, (answer.json.status as { error: string }).error]).toEqual([422, VALIDATION + bound])
  const creation = { vectors: { size: 0, distance: 'Dot' } }
  expect((await service.call('PUT', '/collections/zero', creation)).status).toBe(400)
})
