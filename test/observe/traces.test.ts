/** Spans as a collector receives them: of one process, of serving threads, and of requests that another node answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Asking } from '../contract/asking.js'
import { ServerProcess } from '../durability/server-process.js'
import { API_KEY, follows, make, type Node, node, startsNodes } from '../stores/nodes.js'
import { ancestorsOf, Collector, newTrace } from './collector.js'

const QUERY = 'POST /collections/{name}/points/query'
const UPSERT = 'PUT /collections/{name}/points'
const SECRET = 'a-secret-value'
const VECTOR = [0.123456, 0.654321, 0.5, 0.25]
const ROWS = 300

async function called(url: string, method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', 'api-key': API_KEY, ...headers },
    body: JSON.stringify(body),
  })
  expect(answer.status, await answer.clone().text()).toBe(200)
  return answer
}

async function served(
  threads: number,
  settings: Record<string, string> = {},
): Promise<{ collector: Collector; server: ServerProcess }> {
  const collector = await Collector.start()
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-traces-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await ServerProcess.start(folder, {
    ...collector.env,
    ...settings,
    VICINAL_SERVING_THREADS: String(threads),
  })
  onTestFinished(() => server.end('SIGKILL'))
  return { collector, server }
}

async function fill(url: string): Promise<void> {
  const points = Array.from({ length: ROWS }, (_, id) => ({
    id,
    vector: VECTOR.map((one, at) => one + ((id * (at + 3)) % 17) / 17),
    payload: { secret: SECRET, n: id },
  }))
  await called(url, 'PUT', '/collections/a', { vectors: { size: 4, distance: 'Cosine' } })
  await called(url, 'PUT', '/collections/a/points?wait=true', { points })
}

const FILTERED = { query: VECTOR, filter: { must: [{ key: 'secret', match: { value: SECRET } }] } }
const HYBRID = { prefetch: [FILTERED, { query: VECTOR }], query: { fusion: 'rrf' } }

describe.each([
  ['one thread', 1],
  ['three threads', 3],
])('of a process with %s', (_, threads) => {
  test("a query's spans belong to its caller's trace: parts of the request, stages, and segments", async () => {
    const { collector, server } = await served(threads)
    await fill(server.url)
    // Connections go to threads in turns, and the threads learn of the collection by their first request.
    for (let at = 0; at < threads * 2; at++) {
      const { traceId, spanId, traceparent } = newTrace()
      const answer = await called(server.url, 'POST', '/collections/a/points/query', HYBRID, {
        traceparent,
        connection: 'close',
        'x-request-id': `query-${at}`,
      })
      expect(answer.headers.get('traceresponse')).toMatch(`00-${traceId}-`)
      const names = [QUERY, 'receive', 'parse', 'run', 'plan', 'stage rrf', 'stage nearest', 'segment']
      const spans = await collector.trace(traceId, names)
      const roots = spans.filter(({ name }) => name === QUERY)
      expect(ancestorsOf(roots[0] as never, spans, spanId).at(-1)).toBe('caller')
      expect(roots.map(({ attributes }) => attributes['vicinal.request_id'])).toEqual(roots.map(() => `query-${at}`))
      for (const span of spans) {
        expect(ancestorsOf(span, spans, spanId).at(-1), span.name).toBe('caller')
        expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano))
      }
      const segment = spans.find(({ name }) => name === 'segment')
      expect(ancestorsOf(segment as never, spans, spanId).slice(0, 3)).toEqual(['stage nearest', 'stage rrf', QUERY])
      const nearest = spans
        .filter(({ name }) => name === 'stage nearest')
        .map(({ attributes }) => attributes['vicinal.filter'])
      expect(nearest).toContain(JSON.stringify({ op: 'match', key: 'secret', values: 1 }))
    }
    expect([...collector.services]).toEqual(['vicinal'])
  })

  test('a caller without a valid key cannot have its requests traced', async () => {
    const { collector, server } = await served(threads, { VICINAL_API_KEY: API_KEY })
    await fill(server.url)
    const [stranger, holder] = [newTrace(), newTrace()]
    const asked = async (path: string, headers: Record<string, string>) =>
      (await fetch(server.url + path, { headers: { ...headers, connection: 'close' } })).status
    for (let at = 0; at < threads * 2; at++) {
      const { traceparent } = stranger
      expect(await asked('/collections', { traceparent })).toBe(401)
      expect(await asked('/collections', { traceparent, 'api-key': 'wrong' })).toBe(401)
      expect(await asked('/healthz', { traceparent })).toBe(200)
    }
    const { traceparent } = holder
    expect(await asked('/collections', { traceparent, 'api-key': API_KEY })).toBe(200)
    // Spans are sent in the order of their ends.
    await collector.trace(holder.traceId, ['GET /collections'])
    expect(collector.spans.filter(({ traceId }) => traceId === stranger.traceId)).toEqual([])
  })

  test("each message of a stream belongs to the trace of the stream's caller", async () => {
    const { collector, server } = await served(threads)
    await fill(server.url)
    const { traceId, spanId, traceparent } = newTrace()
    const headers = { traceparent, 'api-key': API_KEY, 'x-request-id': 'stream' }
    const stream = await new Asking(server.url, '/collections/a/points/query', { headers }).opened()
    for (let at = 0; at < 2; at++) expect((await stream.json(FILTERED)).status).toBe('ok')
    const spans = await collector.trace(traceId, [QUERY, 'run', 'plan', 'stage nearest', 'segment'])
    const roots = () => collector.spans.filter((span) => span.traceId === traceId && span.name === QUERY)
    await expect.poll(() => roots().length, { timeout: 10_000 }).toBe(2)
    for (const { attributes } of roots()) expect(attributes['vicinal.request_id']).toBe('stream')
    for (const span of spans) expect(ancestorsOf(span, spans, spanId).at(-1), span.name).toBe('caller')
    expect(collector.text).not.toContain(SECRET)
    expect(collector.text).not.toContain('0.1234')
  })

  test("a write's spans tell of log and fsync, and background work has traces of its own", async () => {
    const { collector, server } = await served(threads)
    await fill(server.url)
    const { traceId, spanId, traceparent } = newTrace()
    const point = { id: 1, vector: VECTOR, payload: { secret: SECRET } }
    await called(server.url, 'PUT', '/collections/a/points?wait=true', { points: [point] }, { traceparent })
    const spans = await collector.trace(traceId, [UPSERT, 'parse', 'run', 'turn', 'log', 'fsync', 'apply'])
    const fsync = spans.find(({ name }) => name === 'fsync')
    expect(ancestorsOf(fsync as never, spans, spanId)).toEqual([UPSERT, 'caller'])
    await called(server.url, 'POST', '/collections/a/flush', {})
    await expect.poll(() => collector.spans.map(({ name }) => name), { timeout: 240_000 }).toContain('flush')
    const flush = collector.spans.find(({ name }) => name === 'flush')
    expect(flush).toMatchObject({ attributes: { collection: 'a' } })
    expect(collector.text).not.toContain(SECRET)
  })
})

describe('of nodes', () => {
  startsNodes()

  test("a write that a node passes on is in its caller's trace on both", async () => {
    const collector = await Collector.start()
    const env = { env: collector.env }
    const owner: Node = await node('write,query', undefined, env)
    const reader: Node = await node('query', undefined, env)
    await make(owner)
    await follows(reader, 'things')
    const { traceId, spanId, traceparent } = newTrace()
    const points = { points: [{ id: 7, vector: VECTOR }] }
    await called(reader.url, 'PUT', '/collections/things/points?wait=true', points, {
      traceparent,
      'x-request-id': 'over-two-nodes',
    })
    const spans = await collector.trace(traceId, [UPSERT, 'PUT /internal/collections/{name}/points', 'log', 'fsync'])
    const fsync = spans.find(({ name }) => name === 'fsync')
    expect(ancestorsOf(fsync as never, spans, spanId)).toEqual([
      'PUT /internal/collections/{name}/points',
      UPSERT,
      'caller',
    ])
    for (const { name, attributes } of spans.filter((span) => span.attributes['http.route']))
      expect(attributes['vicinal.request_id'], name).toBe('over-two-nodes')
  })
})
