/** Texts of errors that Qdrant's clients and their callers match on: a category, and a sentence without its field. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { type Service, startService } from './service.js'

const A = '/collections/a'
const DENSE = { size: 2, distance: 'Dot' }
const UUID = '550e8400-e29b-41d4-a716-446655440000'

let service: Service
let database: Database
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-wording-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  database = await open(join(folder, 'data'))
  onTestFinished(() => database.close())
  const collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert([{ id: 1, vector: [1, 1] }])
  service = await startService({ database, logLevel: 'silent' })
})

it.each<[method: string, path: string, body: object, status: number, text: string]>([
  ['POST', '/points/query', { query: [1, 2, 3] }, 400, 'Wrong input: Vector dimension error: expected dim: 2, got 3'],
  ['POST', '/points/query', { query: [1, 2], using: 'b' }, 400, 'Wrong input: Not existing vector name error: b'],
  ['POST', '/points/query', { query: 7 }, 404, 'Not found: No point with id 7 found'],
  ['POST', '/points/query', { query: UUID }, 404, `Not found: No point with id ${UUID} found`],
  ['POST', '/points/query', { query: { recommend: { positive: [7] } } }, 404, 'Not found: No point with id 7 found'],
  ['POST', '/points/query', { query: 1, lookup_from: { collection: 'b' } }, 404, 'Not found: Collection b not found'],
  ['PUT', '/points/vectors', { points: [{ id: 7, vector: [1, 2] }] }, 404, 'Not found: No point with id 7 found'],
  ['POST', '/points/payload', { payload: {}, points: [7] }, 404, 'Not found: No point with id 7 found'],
  [
    'PUT',
    '/points',
    { points: [{ id: 1, vector: { b: [1, 2] } }] },
    400,
    'Wrong input: Not existing vector name error: b',
  ],
  [
    'POST',
    '/points/vectors/delete',
    { points: [1], vector: ['b'] },
    400,
    'Wrong input: Not existing vector name error: b',
  ],
  [
    'PUT',
    '/snapshots/recover',
    { location: 'file://whatever.snapshot' },
    400,
    'Bad request: Invalid snapshot URI, file path must be absolute or on localhost',
  ],
  [
    'PUT',
    '/snapshots/recover',
    { location: 'file:///whatever.snapshot' },
    400,
    'Bad request: Snapshot file "/whatever.snapshot" does not exist',
  ],
  [
    'PUT',
    '/snapshots/recover',
    { location: 'file:///etc/passwd' },
    403,
    'Forbidden: Snapshot file path must be inside the snapshots directory of the data folder',
  ],
])('%s %s of %j is answered with %i: %s', async (method, path, body, status, text) => {
  const { status: told, json } = await service.call(method, A + path, body)
  expect((json.status as { error: string }).error).toBe(text)
  expect(told).toBe(status)
})

it.each([
  [
    { vectors: { b: DENSE }, sparse_vectors: { b: {} } },
    "Dense and sparse vector names must be unique - duplicate found with 'b'",
  ],
  [{ sparse_vectors: { '': {} } }, 'Sparse vector name cannot be empty'],
  [{ sparse_vectors: { b: { index: { datatype: 'turbo4' } } } }, 'sparse vectors do not support the `turbo4` datatype'],
])('a collection of %j is refused: %s', async (body, text) => {
  const { status, json } = await service.call('PUT', '/collections/c', body)
  expect([status, (json.status as { error: string }).error]).toEqual([400, `Wrong input: ${text}`])
})

const DESERIALIZE = 'Deserialize error in query parameters: expected'
const VALIDATION = 'Validation error in'
it.each([
  ['POST', `${A}/points/query?timeout=0`, 400, `${DESERIALIZE} an integer of at least 1, got 0`],
  ['POST', `${A}/points/query?timeout=x`, 400, `${DESERIALIZE} an integer of at least 1, got "x"`],
  ['POST', `${A}/points/delete?wait=1`, 400, `${DESERIALIZE} true or false, got "1"`],
  ['PATCH', `${A}?timeout=0`, 422, `${VALIDATION} query parameters: [timeout: value 0 invalid, must be 1 or larger]`],
  [
    'PATCH',
    '/collections/none?timeout=0',
    422,
    `${VALIDATION} query parameters: [timeout: value 0 invalid, must be 1 or larger]`,
  ],
  ['DELETE', `${A}?timeout=x`, 400, `${DESERIALIZE} an integer of at least 1, got "x"`],
  [
    'PUT',
    `/collections/${'x'.repeat(256)}`,
    422,
    `${VALIDATION} path parameters: [name: must be from 1 to 255 characters]`,
  ],
])('a parameter of %s %s is refused with %i: %s', async (method, path, status, text) => {
  const answer = await service.call(method, path, method === 'PATCH' ? {} : { vectors: DENSE, points: [9] })
  expect([answer.status, (answer.json.status as { error: string }).error]).toEqual([status, text])
})

it('a rate limit, a bound of the owner and a passed deadline have their categories', async () => {
  const errorOf = async (path: string, body: object, method = 'POST') =>
    ((await service.call(method, A + path, body)).json.status as { error: string }).error
  const setTo = (config: object) => service.call('PATCH', A, { strict_mode_config: { enabled: true, ...config } })
  await setTo({ read_rate_limit: 1 })
  await service.call('POST', `${A}/points/count`, {})
  expect(await errorOf('/points/count', {})).toMatch(
    /^Rate limiting exceeded: Read rate limit exceeded: Operation requires 1 tokens but only 0\.\d were available\. Retry after \d+s$/,
  )
  expect(await errorOf('/points', { ids: [1, 2] })).toBe(
    'Rate limiting exceeded: Read rate limit exceeded, request larger than rate limiter capacity, please try to split your request',
  )
  await setTo({ read_rate_limit: 1000, max_payload_index_count: 0 })
  expect(await errorOf('/index', { field_name: 'b', field_schema: 'keyword' }, 'PUT')).toBe(
    'Bad request: Collection already has the maximum number of payload indices (0). Help: Please delete an existing index before creating a new one.',
  )
})

it('a file outside the folder of snapshots is not read, whatever its name', async () => {
  const outside = join(folder, 'outside.snapshot')
  writeFileSync(outside, 'secret')
  const { status } = await service.call('PUT', `${A}/snapshots/recover`, { location: `file://${outside}` })
  expect(status).toBe(403)
})
