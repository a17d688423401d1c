/** Several nodes on one store, each a process: any of them answers anything. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/index.js'
import {
  API_KEY,
  CLUSTER_KEY,
  make,
  type Node,
  node,
  PATIENCE,
  POINTS,
  point,
  read,
  startsNodes,
  store,
  upsert,
  write,
} from './nodes.js'

startsNodes()

/** A kilobyte. */
const FILLER = { text: 'x'.repeat(1_000) }

test('any node takes a write, reads it at once, and others read it when asked for its watermark', async () => {
  const owner = await write()
  const [second, third] = await Promise.all([read(), read()])
  await make(second)
  expect(await second.must('GET', '/collections')).toEqual({ collections: [{ name: 'things' }] })
  for (let at = 1; at <= 5; at++) {
    const { status, result } = await upsert(second, at)
    expect(status).toBe(200)
    const { watermark } = result as { watermark: string }
    expect(await second.count()).toBe(at)
    expect(await third.count(`?after=${watermark}`)).toBe(at)
    expect(await owner.count(`?after=${watermark}`)).toBe(at)
  }
  const remote = await connect(second.url, { apiKey: API_KEY })
  const { watermark } = await (await remote.collection('things')).upsert([point(6)])
  const others = await connect(third.url, { apiKey: API_KEY })
  expect(await (await others.collection('things')).get(6, { after: watermark })).toMatchObject({ id: 6 })
  await Promise.all([remote.close(), others.close()])
  // A change of the catalogue has one, too.
  const made = await third.ask('PUT', '/collections/more', { vectors: { size: 4, distance: 'Dot' } })
  const after = made.headers.get('x-vicinal-watermark') as string
  expect(await second.must('GET', `/collections/more?after=${after}`)).toMatchObject({ status: 'green' })
  await second.must('DELETE', '/collections/more')
  expect((await second.ask('GET', '/collections/more')).status).toBe(404)

  const malformed = await second.ask('POST', `${POINTS}/count?after=%7B%7D`, {})
  expect(malformed).toMatchObject({
    status: 400,
    error: expect.stringMatching(/expected the watermark of a write, got/),
  })
  const future = await second.ask('POST', `${POINTS}/count?after=999.1&timeout=1`, {})
  expect(future).toMatchObject({ status: 503, error: expect.stringMatching(/has not read 999\.1 in time/) })
  expect(future.headers.get('retry-after')).toMatch(/^\d+$/)
  // What the owner refuses is refused as it says it.
  const wrong = await second.ask('PUT', POINTS, { points: [{ id: 1, vector: [1] }] })
  expect(wrong).toMatchObject({ status: 400, error: expect.stringMatching(/expected.*4.*got 1/) })
  const urls = async () => (await third.cluster()).nodes.map(({ url }) => url).sort()
  await expect.poll(urls, PATIENCE).toEqual([owner.url, second.url, third.url].sort())
  const { nodes: known, owner: id } = await third.cluster()
  expect(known.find((one) => one.id === id)).toMatchObject({ url: owner.url, roles: ['write', 'query'] })
})

test('of two nodes that start together on an empty store exactly one says that it owns it', async () => {
  const [first, second] = await Promise.all([write(), write()])
  const owners = await Promise.all([first.ownerUrl(), second.ownerUrl()])
  expect(new Set(owners).size, String(owners)).toBe(1)
  expect([first.url, second.url]).toContain(owners[0])
  const [owner, other] = owners[0] === first.url ? [first, second] : [second, first]
  await make(other)
  expect((await upsert(other, 1)).status).toBe(200)
  expect((await upsert(owner, 2)).status).toBe(200)
  expect(await other.ids()).toEqual([1, 2])
  expect(first.log + second.log).not.toMatch(/newer DB client|does not own the store any more/)
})

test('what the owner refuses before it has read the body is refused as it says it', async () => {
  await write()
  const reader = await read()
  await make(reader)
  const body = Buffer.alloc(70_000_000)
  for (let at = 0; at < 6; at++) expect(await statusOf(`${reader.url}${POINTS}`, body)).toBe(413)
})

test('a stream that the owner refuses while its end is under way is refused as the owner says it', async () => {
  await write()
  const reader = await read()
  await make(reader)
  const database = await connect(reader.url, { apiKey: API_KEY })
  onTestFinished(() => database.close())
  const things = await database.collection('things')
  const refused = async () => {
    for (let at = 0; at < 750; at++) {
      const sent = things.ingest([Buffer.from('not Arrow')], { type: 'application/vnd.apache.arrow.stream' })
      await expect(sent).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  }
  // One in a thousand was refused by 503: its end arrived on a connection that had been closed.
  await Promise.all(Array.from({ length: 8 }, refused))
})

/** Of a request that is sent as curl does: on after the answer, until the connection ends. */
async function statusOf(url: string, body: Buffer): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', 'api-key': API_KEY, 'content-length': body.length }
  const sent = request(url, { method: 'PUT', headers })
  const answered = new Promise<number | undefined>((resolve, reject) => {
    sent.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject)
  })
  sent.end(body)
  return await answered
}

/** The node that owns the store, and the other one of two that may. */
async function ownerOf(asked: Node, able: [Node, Node]): Promise<[Node, Node]> {
  await expect.poll(() => asked.ownerUrl(), PATIENCE).toBeDefined()
  return (await asked.ownerUrl()) === able[0].url ? able : [able[1], able[0]]
}

test('a stream through a node that does not own the store arrives whole, is read there at once, and is resumed there', async () => {
  await write()
  const second = await read()
  await make(second)
  const rows = 20_000
  const lines = Array.from({ length: rows }, (_, i) => `${JSON.stringify(point(i + 1))}\n`).join('')
  const answer = await fetch(`${second.url}/collections/things/ingest`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', 'api-key': API_KEY, 'idempotency-key': 'words' },
    body: lines,
  })
  expect(answer.status).toBe(200)
  const last = JSON.parse((await answer.text()).trimEnd().split('\n').at(-1) as string)
  expect(last).toMatchObject({ status: 'ok', result: { accepted: rows, rejected: 0, position: rows } })
  expect(await second.count()).toBe(rows)
  expect(await second.must('GET', '/collections/things/ingest/words')).toEqual({ position: rows })
})

test('a stream through another node tells its progress at once, and its end where the owner dies', async () => {
  const owner = await write()
  const second = await read()
  await make(second)
  const rows = 20_000
  const sent = request(`${second.url}/collections/things/ingest`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', 'api-key': API_KEY },
  })
  sent.on('error', () => undefined)
  for (let id = 1; id <= rows; id++) sent.write(`${JSON.stringify(point(id))}\n`)
  // A body that stands still is cut off. So few rows make no further batch.
  const more = setInterval(() => sent.write(`${JSON.stringify({ ...point(rows + 1), payload: FILLER })}\n`), 250)
  onTestFinished(() => clearInterval(more))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let lines = ''
  answer.on('data', (text) => {
    lines += text
  })
  const ended = once(answer, 'end')
  await expect.poll(() => lines, PATIENCE).toMatch(/^\{"progress":.*\n/)
  await owner.end('SIGKILL')
  await ended
  sent.destroy()
  const last = JSON.parse(lines.trimEnd().split('\n').at(-1) as string)
  expect(last).toMatchObject({
    status: { code: 'UNAVAILABLE', error: expect.stringMatching(/was gone before the stream's end/) },
    result: { accepted: expect.any(Number) },
  })
})

test('a snapshot that is made through a reader is listed, read and recovered there at once', async () => {
  await write()
  const second = await read()
  await make(second)
  expect((await upsert(second, 1)).status).toBe(200)
  const place = '/collections/things/snapshots'
  const { name } = (await second.must('POST', place)) as { name: string }
  expect(await second.must('GET', place)).toEqual([expect.objectContaining({ name })])
  const answer = await fetch(`${second.url}${place}/${name}`, { headers: { 'api-key': API_KEY } })
  expect(answer.status).toBe(200)
  expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(1_000)
  const location = `${store()}/snapshots/${name}`
  expect(await second.must('PUT', '/collections/copy/snapshots/recover', { location })).toBe(true)
  expect(await second.must('POST', '/collections/copy/points/count', {})).toEqual({ count: 1 })
  expect(await second.must('DELETE', `${place}/${name}`)).toBe(true)
  expect(await second.must('GET', place)).toEqual([])
})

test('kill -9 of the owner: another node takes the store, and every acknowledged write is on every node', async () => {
  const first = await write()
  const [second, third] = await Promise.all([write(), read()])
  await make(first)
  const [owner, other] = await ownerOf(third, [first, second])
  const acknowledged: number[] = []
  let watermark = ''
  const writeSome = async (count: number) => {
    for (const last = acknowledged.length + count; acknowledged.length < last; ) {
      const id = acknowledged.length + 1
      const at = id % 2 === 0 ? other : third
      const done = await at.retried('PUT', `${POINTS}?wait=true`, { points: [point(id)] })
      watermark = (done as { watermark: string }).watermark
      acknowledged.push(id)
    }
  }
  await writeSome(6)
  const writing = writeSome(10)
  await owner.end('SIGKILL')
  await writing
  await writeSome(4)
  for (const at of [other, third]) {
    await at.count(`?after=${watermark}`)
    expect(await at.ids()).toEqual(acknowledged)
    await expect.poll(() => at.ownerUrl(), PATIENCE).toBe(other.url)
    await expect.poll(async () => (await at.ask('GET', '/readyz')).status, PATIENCE).toBe(200)
  }
})

test('an owner that was stopped meanwhile reads from then on, and forwards', async () => {
  const first = await write()
  const second = await write()
  await make(first)
  const put = async (at: Node, id: number) =>
    (await at.retried('PUT', `${POINTS}?wait=true`, { points: [point(id)] })) as { watermark: string }
  await put(first, 1)
  const [owner, other] = await ownerOf(second, [first, second])
  owner.child.kill('SIGSTOP')
  await expect.poll(() => other.ownerUrl(), PATIENCE).toBe(other.url)
  await put(other, 2)
  owner.child.kill('SIGCONT')
  // It acknowledges nothing of its own any more.
  const { watermark } = await put(owner, 3)
  expect(owner.log).toMatch(/does not own the store any more, and reads it/)
  expect(await owner.ids()).toEqual([1, 2, 3])
  await other.count(`?after=${watermark}`)
  expect(await other.ids()).toEqual([1, 2, 3])
})

test('only nodes open the routes of nodes, and the key of nodes opens nothing else', async () => {
  const owner = await write()
  const others = [read(), node('query', 'a-key-of-another-cluster'), node('query', null)]
  const [reader, stranger, lonely] = (await Promise.all(others)) as [Node, Node, Node]
  await make(owner)
  const { owner: id } = await owner.cluster()
  const to = { 'x-vicinal-to': String(id) }
  const inside = `/internal${POINTS}`
  const points = { points: [point(1)] }
  const status = async (at: Node, key: string, path: string, more = {}) =>
    (await at.ask('PUT', path, points, { 'api-key': key, ...more })).status
  for (const at of [owner, reader]) {
    expect(await status(at, API_KEY, inside, to)).toBe(401)
    expect(await status(at, 'another-key-than-theirs', inside, to)).toBe(401)
    expect(await status(at, CLUSTER_KEY, POINTS)).toBe(401)
    const asked = async (key: string, method: string, path: string) =>
      (await at.ask(method, path, method === 'GET' ? undefined : {}, { 'api-key': key, ...to })).status
    expect(await asked(CLUSTER_KEY, 'GET', '/internal/collections')).toBe(401)
    for (const [method, path] of [
      ['POST', `${inside}/count`],
      ['GET', '/internal/push'],
    ] as const) {
      expect(await asked(API_KEY, method, path)).toBe(401)
      // Only the node that the sender meant answers.
      if (at !== owner) expect(await asked(CLUSTER_KEY, method, path)).toBe(503)
    }
  }
  expect(await status(owner, CLUSTER_KEY, inside, to)).toBe(200)
  expect(await status(owner, CLUSTER_KEY, inside, { 'x-vicinal-to': 'another node' })).toBe(503)
  expect(await status(reader, CLUSTER_KEY, inside, to)).toBe(503)
  // Bodies of nodes are checked as those of clients are.
  const wrong = await owner.ask('PUT', inside, { points: [{ id: 1, vector: [1] }] }, { 'api-key': CLUSTER_KEY, ...to })
  expect(wrong).toMatchObject({ status: 400, error: expect.stringMatching(/got 1/) })

  const refused = await upsert(stranger, 2)
  expect(refused).toMatchObject({ status: 503, error: expect.stringMatching(/does not know the cluster key/) })
  // Its own log and readiness say it, too.
  const readiness = async () => String((await stranger.ask('GET', '/readyz')).result)
  await expect.poll(readiness, PATIENCE).toMatch(/does not know the cluster key of this node/)
  await expect.poll(() => stranger.log, PATIENCE).toMatch(/does not know the cluster key of this node/)
  expect(stranger.log.match(/does not know the cluster key of this node/g)).toHaveLength(1)
  expect((await reader.ask('GET', '/readyz')).status).toBe(200)
  expect(await owner.ids()).toEqual([1])
  // It knows of the collection once it has followed the store so far.
  await expect.poll(async () => (await upsert(lonely, 3)).status, PATIENCE).toBe(403)
  expect(await status(lonely, API_KEY, inside, to)).toBe(404)
})
