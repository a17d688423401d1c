/** The log of slow queries: plans and the shapes of filters, never anything that a caller keeps. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import { Asking } from '../contract/asking.js'
import { startService } from '../contract/service.js'
import { Line, startThreaded } from '../contract/threaded.js'

const SECRETS = ['hunter2', '4815162342', '0.987654', 'my-diary']
const VECTOR = [0.987654, 0.5]
const QUERY = '/collections/a/points/query'
const FILTER = {
  must: [
    { key: 'password', match: { value: 'hunter2' } },
    { key: 'n', range: { gt: 4815162342 } },
    { has_id: [1, 2, 3] },
  ],
  must_not: [{ key: 'tags[].name', match: { any: ['hunter2', 'my-diary'] } }],
}
const POINTS = Array.from({ length: 200 }, (_, id) => ({
  id,
  vector: [id / 200, 0.987654],
  payload: { password: 'hunter2', n: 4815162342 + id, tags: [{ name: 'my-diary' }] },
}))

async function filled() {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-slow-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const collection = await database.createCollection('a', {
    vectors: { size: 2, distance: 'Dot' },
    sparseVectors: { text: { modifier: 'idf' } },
  })
  await collection.upsert(POINTS)
  return database
}

const slowLines = (log: readonly string[]) =>
  log.filter((line) => line.includes('"msg":"slow query"')).map((line) => JSON.parse(line))

test('a query that took as long as asked is logged with its plan and the shape of its filter, without any value', async () => {
  const service = await startService({ database: await filled(), slowQueryMs: 0 })
  const answer = await service.call('POST', QUERY, { query: VECTOR, filter: FILTER }, { 'x-request-id': 'mine' })
  expect(answer.status).toBe(200)
  const hybrid = {
    prefetch: [{ query: VECTOR, filter: FILTER }, { query: VECTOR }],
    query: { fusion: 'rrf' },
    with_payload: true,
  }
  expect((await service.call('POST', QUERY, hybrid)).status).toBe(200)
  const scroll = { filter: { must: [{ key: 'password', match: { text: 'hunter2' } }] } }
  expect((await service.call('POST', '/collections/a/points/scroll', scroll)).status).toBe(200)
  const wrong = { query: VECTOR, filter: { must: [{ key: 'password', match: { hunter2: 'my-diary' } }] } }
  expect((await service.call('POST', QUERY, wrong)).status).toBe(400)
  await expect.poll(() => slowLines(service.log).length).toBe(4)
  const [plain, fused] = slowLines(service.log)
  expect(plain).toMatchObject({
    level: 'warn',
    reqId: 'mine',
    action: 'POST /collections/{name}/points/query',
    collection: 'a',
    status: 200,
    elapsedMs: expect.any(Number),
  })
  const [{ stage, strategy, segments, filter, true_matches }] = plain.plans
  expect({ stage, strategy, true_matches }).toMatchObject({
    stage: 'nearest',
    strategy: expect.any(String),
    true_matches: null,
  })
  expect(segments).toHaveLength(1)
  expect(JSON.parse(JSON.stringify(filter))).toEqual({
    op: 'and',
    conditions: [
      { op: 'match', key: 'password', values: 1 },
      { op: 'range', key: 'n' },
      { op: 'hasId', values: 3 },
      { op: 'not', conditions: [{ op: 'match', key: 'tags[].name', values: 2 }] },
    ],
  })
  expect(fused.plans).toMatchObject([{ stage: 'rrf', returned: 10 }])
  for (const secret of SECRETS) expect(service.log.join('')).not.toContain(secret)
})

test('a query below the time is not logged, and one above it tells its segments only then', async () => {
  const service = await startService({ database: await filled(), slowQueryMs: 3_600_000 })
  for (let at = 0; at < 5; at++) await service.call('POST', QUERY, { query: VECTOR, filter: FILTER })
  expect(slowLines(service.log)).toEqual([])
  expect((await service.call('GET', '/metrics')).text).toContain('slow_queries_total 0')
})

test('a message of a stream is logged as the request that it stands for', async () => {
  const service = await startService({ database: await filled(), slowQueryMs: 0 })
  const stream = await new Asking(service.url, QUERY, { headers: { 'x-request-id': 'stream' } }).opened()
  expect((await stream.json({ query: VECTOR, filter: FILTER })).status).toBe('ok')
  expect((await stream.msgpack({ query: VECTOR })).status).toBe('ok')
  const facts = { reqId: 'stream', action: 'POST /collections/{name}/points/query', collection: 'a', status: 200 }
  await expect.poll(() => slowLines(service.log)).toMatchObject([facts, facts])
  expect(slowLines(service.log)[0].plans[0].filter).toMatchObject({ op: 'and' })
  for (const secret of SECRETS) expect(service.log.join('')).not.toContain(secret)
})

test('there are at most sixty lines in a minute, and the metrics count all', async () => {
  const service = await startService({ database: await filled(), slowQueryMs: 0 })
  for (let at = 0; at < 70; at++) await service.call('POST', QUERY, { query: VECTOR })
  await expect.poll(() => slowLines(service.log).length).toBe(60)
  expect((await service.call('GET', '/metrics')).text).toContain('slow_queries_total 70')
  await service.close(0)
  expect(service.log.join('')).toContain('"count":10,"msg":"more slow queries in a minute"')
})

test('serving threads count theirs, too', async () => {
  const service = await startThreaded(await filled(), { count: 2, slowQueryMs: 0 })
  onTestFinished(() => service.close(0))
  const lines = [new Line(service.url), new Line(service.url), new Line(service.url)]
  for (const line of lines) for (let at = 0; at < 3; at++) await line.call('POST', QUERY, { query: VECTOR })
  const count = async () => (await lines[0]?.call('GET', '/metrics'))?.bytes.toString() ?? ''
  await expect.poll(count).toContain('slow_queries_total 9')
})
