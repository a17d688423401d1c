/** Requests answered by threads beside the main thread: they must behave the same. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../src/core/limits.js'
import { openSharing } from '../../src/engine/database/open.js'
import type { SharingDatabase } from '../../src/engine/database/sharing.js'
import { memoryBudget } from '../../src/engine/memory/memory-budget.js'
import { type Answer, Line, raw, startThreaded, type ThreadedService, untilRefused } from './threaded.js'

const GIB = 1024 ** 3
const DOT = { vectors: { size: 2, distance: 'Dot' } }
const NEAR = { query: [1, 0], limit: 5 }
const QUERY = '/collections/a/points/query'
const point = (id: number, x = 1) => ({ id, vector: [x, 1], payload: { id } })

let database: SharingDatabase
let service: ThreadedService
const start = async (options: Parameters<typeof startThreaded>[1] = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-beside-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  database = await openSharing(folder)
  onTestFinished(() => database.close())
  service = await startThreaded(database, options)
  onTestFinished(() => service.close(0))
}
/** With two threads beside, each has one of the first two connections; the next one goes to the main thread. */
const lines = async () => {
  const all = [new Line(service.url), new Line(service.url), new Line(service.url)] as const
  for (const line of all) expect((await line.call('GET', '/healthz')).status).toBe(200)
  return all
}
const made = async (line: Line, name = 'a') => {
  expect((await line.call('PUT', `/collections/${name}`, DOT)).status).toBe(200)
  expect((await line.call('PUT', `/collections/${name}/points?wait=true`, { points: [point(1)] })).status).toBe(200)
}
const idsOf = (answer: Answer) => answer.json.result.points.map(({ id }: { id: number }) => id)
const ids = async (line: Line, path = QUERY) => idsOf(await line.call('POST', path, NEAR))
/** How many queries each thread beside has answered itself. */
const answeredBeside = async () => {
  const states = await service.threads.states()
  const queries = states.map(
    ({ routes }) => routes.find(({ endpoint }) => endpoint.endsWith('/points/query'))?.count ?? 0,
  )
  return queries.sort((a, b) => a - b)
}
/** Waits until a thread knows the collection; until then it forwards. */
const known = async (line: Line, path = QUERY) => {
  const before = await answeredBeside()
  const answered = async () => {
    await line.call('POST', path, NEAR)
    return await answeredBeside()
  }
  await expect.poll(answered, { interval: 5 }).not.toEqual(before)
}

describe('threads that read', () => {
  beforeEach(() => start())

  it('answer reads themselves, and metrics count the reads of all threads', async () => {
    const [first, second, main] = await lines()
    await made(first)
    for (const line of [first, second]) await known(line)
    expect(await ids(main)).toEqual([1])
    const before = await answeredBeside()
    for (let i = 0; i < 10; i++) for (const line of [first, second, main]) expect(await ids(line)).toEqual([1])
    expect(await answeredBeside()).toEqual(before.map((count) => count + 10))
    const { bytes } = await main.call('GET', '/metrics')
    const told = (name: string) =>
      Number(bytes.toString().match(new RegExp(`^${name}.*points/query.* (\\d+)$`, 'm'))?.[1])
    expect(bytes.toString()).toContain('rest_threads 3')
    expect(told('rest_responses_total')).toBeGreaterThanOrEqual(31)
    expect(told('rest_responses_duration_seconds_count')).toBe(told('rest_responses_total'))
    const { json } = await first.call('GET', '/telemetry?details_level=1')
    expect(json.result.requests.rest.responses['POST /collections/{name}/points/query'][200].count).toBe(
      told('rest_responses_total'),
    )
  })

  it('see everything written through another connection before the read', async () => {
    const all = await lines()
    await made(all[0])
    for (const line of [all[0], all[1]]) await known(line)
    for (let id = 2; id < 100; id++) {
      const [writer, reader] = [all[id % 3], all[(id + 1 + (id % 2)) % 3]] as [Line, Line]
      await writer.call('PUT', '/collections/a/points?wait=true', { points: [point(id, id)] })
      expect((await ids(reader))[0]).toBe(id)
    }
  })

  it('never answer from a collection that was replaced, renamed or given other vectors', async () => {
    const [first, second, main] = await lines()
    const rename = (to: string) => ({
      actions: [{ delete_alias: { alias_name: 'it' } }, { create_alias: { alias_name: 'it', collection_name: to } }],
    })
    for (let round = 0; round < 20; round++) {
      const [writer, reader] = round % 2 === 0 ? [main, first] : [second, first]
      await made(writer)
      if (round % 3 === 0) await known(reader)
      expect(await ids(reader)).toEqual([1])
      await writer.call('PUT', '/collections/a/vectors/more', { dense: { size: 2, distance: 'Dot' } })
      await writer.call('PUT', '/collections/a/points/vectors?wait=true', {
        points: [{ id: 1, vector: { more: [0, 1] } }],
      })
      const asked = { query: [0, 1], using: 'more' }
      expect(idsOf(await reader.call('POST', QUERY, asked))).toEqual([1])
      await writer.call('DELETE', '/collections/a/vectors/more')
      expect((await reader.call('POST', QUERY, asked)).status).toBe(400)
      await made(writer, 'b')
      await writer.call('PUT', '/collections/b/points?wait=true', { points: [point(2, 9)] })
      await writer.call('POST', '/collections/aliases', {
        actions: [{ create_alias: { alias_name: 'it', collection_name: 'a' } }],
      })
      expect(await ids(reader, '/collections/it/points/query')).toEqual([1])
      await writer.call('POST', '/collections/aliases', rename('b'))
      expect(await ids(reader, '/collections/it/points/query')).toEqual([2, 1])
      await writer.call('DELETE', '/collections/a')
      expect((await reader.call('POST', QUERY, NEAR)).status).toBe(404)
      await writer.call('DELETE', '/collections/b')
    }
    expect(service.trouble).toEqual([])
  })

  it('look points up in collections that they do not know yet', async () => {
    const [first] = await lines()
    await made(first)
    await made(first, 'other')
    await known(first)
    const asked = { query: 1, lookup_from: { collection: 'other' }, limit: 1 }
    for (let i = 0; i < 20; i++) {
      expect((await first.call('POST', QUERY, asked)).json).toMatchObject({
        status: 'ok',
        result: { points: [{ id: 1 }] },
      })
    }
  })

  it('leave strict mode to one thread', async () => {
    const all = await lines()
    await made(all[0])
    for (const line of [all[0], all[1]]) await known(line)
    await all[2].call('PATCH', '/collections/a', { strict_mode_config: { enabled: true, read_rate_limit: 5 } })
    const before = await answeredBeside()
    const statuses: number[] = []
    for (let i = 0; i < 9; i++) statuses.push((await (all[i % 3] as Line).call('POST', QUERY, NEAR)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429, 429])
    expect(await answeredBeside()).toEqual(before)
  })

  it('leave the memory limit to one thread', async () => {
    onTestFinished(memoryBudget.limit(4 * GIB))
    await service.close(0)
    service = await startThreaded(database, { memory: memoryBudget })
    const all = await lines()
    await made(all[0])
    for (const line of [all[0], all[1]]) await known(line)
    const payload = { text: 'x'.repeat(12_000_000) }
    for (const id of [2, 3]) {
      const points = [{ ...point(id, 1 / id), payload }]
      expect((await all[0].call('PUT', '/collections/a/points?wait=true', { points })).status).toBe(200)
    }
    const found = [1, 2, 3]
    const before = await answeredBeside()
    const large = { ...NEAR, filter: { must_not: [{ has_id: Array.from({ length: 20_000 }, (_, id) => id + 10) }] } }
    expect(JSON.stringify(large).length).toBeGreaterThan(64 * 1024)
    const whole = { ...NEAR, with_payload: true }
    for (const query of [large, whole]) {
      for (const line of all) expect(idsOf(await line.call('POST', QUERY, query))).toEqual(found)
    }
    expect(await answeredBeside()).toEqual(before)
    // More than half of the memory left: the main thread refuses requests of all threads.
    onTestFinished(memoryBudget.limit(LIMITS.leastMemoryLimitBytes))
    for (const line of all) {
      const { status, json } = await line.call('POST', QUERY, whole)
      expect({ status, code: json.status.code }).toEqual({ status: 413, code: 'TOO_LARGE' })
      expect(await ids(line)).toEqual(found)
    }
  })

  it('forward bodies of unknown length, Expect: 100-continue, and requests without a body', async () => {
    const [first, , main] = await lines()
    await made(first)
    const port = Number(new URL(service.url).port)
    const body = JSON.stringify({ points: [point(7)] })
    const chunked = await raw(
      port,
      `PUT /collections/a/points?wait=true HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    )
    expect(chunked).toMatch(/^HTTP\/1.1 200 .*"completed"/s)
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `PUT /collections/a/points?wait=true HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
    )
    const [go] = await once(socket, 'data')
    expect(String(go)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(body)
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    expect((await first.call('POST', '/collections/a/points/count')).json.result).toEqual({ count: 2 })
    expect((await first.call('PUT', '/collections/b')).status).toBe(400)
    expect((await first.call('HEAD', '/healthz')).status).toBe((await main.call('HEAD', '/healthz')).status)
  })

  it('forward snapshots completely in both directions', async () => {
    const [first] = await lines()
    await made(first)
    const { json } = await first.call('POST', '/collections/a/snapshots')
    const file = await first.call('GET', `/collections/a/snapshots/${json.result.name}`)
    expect(file.bytes.length).toBe(json.result.size)
    const form = Buffer.concat([
      Buffer.from('--x\r\nContent-Disposition: form-data; name="snapshot"; filename="x"\r\n\r\n'),
      file.bytes,
      Buffer.from('\r\n--x--\r\n'),
    ])
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    const uploaded = await first.call('POST', '/collections/copy/snapshots/upload', form, { headers })
    expect(uploaded.json).toMatchObject({ status: 'ok' })
    expect(await ids(first, '/collections/copy/points/query')).toEqual([1])
  })

  it('refuse like the other thread', async () => {
    const asked: [string, string, unknown, RequestOptions?][] = [
      ['POST', QUERY, { query: [1, 2, 3] }],
      ['POST', QUERY, Buffer.from('{')],
      ['POST', '/collections/none/points/query', NEAR],
      ['POST', `${QUERY}?timeout=x`, NEAR],
      ['GET', QUERY, undefined],
      ['GET', '/nothing', undefined],
      ['POST', QUERY, NEAR, { headers: { host: 'evil.example' } }],
      ['PUT', '/collections/a/points', { points: [point(3)] }, { headers: { host: 'evil.example' } }],
      ['POST', QUERY, NEAR, { headers: { origin: 'http://evil.example' } }],
      ['POST', QUERY, NEAR, { headers: { 'content-encoding': 'gzip' } }],
    ]
    const [first, , main] = await lines()
    await made(main)
    await known(first)
    for (const [method, path, body, more] of asked) {
      const [a, b] = [await first.call(method, path, body, more), await main.call(method, path, body, more)]
      expect([path, a.status, a.json?.status, a.headers.allow]).toEqual([
        path,
        b.status,
        b.json?.status,
        b.headers.allow,
      ])
    }
  })

  it('accept requests that name the address they have connected to', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)
    if (!address) return
    await service.close()
    service = await startThreaded(database, { host: '0.0.0.0', allowInsecurePublic: true })
    const [first] = await lines()
    const options = { host: address.address, headers: { host: `${address.address}:1` } }
    expect((await first.call('PUT', '/collections/a', DOT, options)).status).toBe(200)
    expect((await first.call('POST', QUERY, NEAR, options)).status).toBe(200)
  })
})

describe('threads that end', () => {
  it('are replaced; connections of other threads go on', async () => {
    const workers: Worker[] = []
    const onWorker = (worker: Worker) => void workers.push(worker)
    process.on('worker', onWorker)
    onTestFinished(() => void process.off('worker', onWorker))
    await start({ count: 1 })
    const [first, main] = await lines()
    await made(first)
    expect(await ids(main)).toEqual([1])
    await workers[0]?.terminate()
    await expect.poll(() => service.trouble.length).toBe(1)
    expect(await ids(main)).toEqual([1])
    await expect.poll(async () => (await service.threads.states()).filter(({ threads }) => threads > 0).length).toBe(1)
    await known(new Line(service.url))
  })

  it('finish their requests and take no more', async () => {
    await start({ count: 2 })
    const [first, second] = await lines()
    await made(first)
    for (const line of [first, second]) await known(line)
    const begun = [
      ['POST', '/collections/a/points/query', JSON.stringify(NEAR)],
      ['PUT', '/collections/a/points?wait=true', JSON.stringify({ points: [point(2)] })],
    ].map(([method, path, body = '']) => {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
      const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json`
      socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`)
      return { socket, rest: body.slice(9) }
    })
    const metrics = async () => String((await first.call('GET', '/metrics')).bytes)
    await expect.poll(metrics).toMatch(/^rest_requests_in_work 2$/m)
    const closing = service.close(10_000)
    await untilRefused(service.url)
    for (const { socket, rest } of begun) {
      socket.write(rest)
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    }
    await closing
    expect(await (await database.collection('a')).count()).toBe(2)
  })

  it.each([0, 1, 2])('end no busy connection without notice, with %d threads beside', async (count) => {
    await start({ count, closeLingerMs: 60_000 })
    const line = new Line(service.url)
    // Connections without keep-alive: an idle one is closed when the lingering time is over.
    const alone = { agent: false as const }
    const [size, stored] = [256, 1000]
    await line.call('PUT', '/collections/a', { vectors: { size, distance: 'Dot' } }, alone)
    const vector = Array.from({ length: size }, (_, at) => at / 7)
    const points = Array.from({ length: stored }, (_, id) => ({ id, vector }))
    expect((await line.call('PUT', '/collections/a/points?wait=true', { points }, alone)).status).toBe(200)
    const answers: Answer[] = []
    const endings: unknown[] = []
    const written = new Set<number>()
    const write = async (own: Line, lane: number) => {
      const answer = await own.call('PUT', '/collections/a/points?wait=true', {
        points: [{ id: stored + lane, vector }],
      })
      written.add(lane)
      return answer
    }
    // Large answers keep a thread busy: it notices late that it closes, and also other threads' answers.
    const asking = Array.from({ length: 24 }, async (_, lane) => {
      const own = new Line(service.url)
      const asked = [
        () => own.call('POST', QUERY, { query: vector, limit: 5 }),
        () => write(own, lane),
        () => own.call('POST', '/collections/a/points/scroll', { limit: stored, with_vector: lane % 4 === 0 }),
      ]
      try {
        for (let at = lane; ; at++) answers.push(await (asked[at % 3] as () => Promise<Answer>)())
      } catch (error) {
        endings.push((error as NodeJS.ErrnoException).code)
      }
    })
    // Every lane has gone round several times, and is busy.
    await expect.poll(() => written.size === asking.length && answers.length > 10 * asking.length).toBe(true)
    const before = answers.length
    await service.close(90_000)
    await Promise.all(asking)
    expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json)).toEqual([])
    expect(new Set(endings)).toEqual(new Set(['ECONNREFUSED']))
    const last = answers.slice(before).filter(({ headers }) => headers.connection === 'close')
    expect(last.length).toBe(asking.length)
    expect(await (await database.collection('a')).count()).toBe(stored + asking.length)
  })

  it('share one bound on connections', async () => {
    await start({ count: 2, maxConnections: 3 })
    await lines()
    await expect(new Line(service.url).call('GET', '/healthz')).rejects.toThrow(/ECONNRESET|hang up/)
  })
})
