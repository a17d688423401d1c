/** Several nodes on one store, each a process: any of them answers anything. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/client/index.js'
import { serve, start } from '../unit/cli/process.js'

const CLUSTER_KEY = 'a-key-that-only-nodes-have'
const API_KEY = 'a-key-that-clients-have'
/** On a busy machine an owner may be silent for longer: no test depends on which node owns the store. */
const OWNER_TIMEOUT_MS = 2_000
/** Far above what anything here takes, for a machine that does other work. */
const PATIENCE = { timeout: 300_000, interval: 50 }
const POINTS = '/collections/things/points'

let root: string
let nodes: Node[]
let started = 0

interface Answer {
  status: number
  headers: Headers
  result: unknown
  error: string | undefined
}

class Node {
  log = ''

  constructor(
    readonly url: string,
    readonly child: ChildProcess,
  ) {
    child.stderr?.on('data', (text) => {
      this.log += text
    })
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(this.url + path, {
      method,
      headers: { 'content-type': 'application/json', 'api-key': API_KEY, ...headers },
      ...sent,
    })
    const text = await answer.text()
    const { result, status } = text.startsWith('{') ? JSON.parse(text) : { result: text, status: 'ok' }
    return { status: answer.status, headers: answer.headers, result, error: status?.error }
  }

  async must(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, result, error } = await this.ask(method, path, body)
    expect(status, `${method} ${path}: ${error}`).toBe(200)
    return result
  }

  /** The same until the node does not say that it is to be tried again. */
  async retried(method: string, path: string, body?: unknown): Promise<unknown> {
    const deadlineMs = performance.now() + PATIENCE.timeout
    for (; ; await sleep(PATIENCE.interval)) {
      const answer = await this.ask(method, path, body)
      if (answer.status !== 503 || performance.now() > deadlineMs) {
        expect(answer.status, `${method} ${path}: ${answer.error}`).toBe(200)
        return answer.result
      }
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    }
  }

  async count(query = ''): Promise<number> {
    return ((await this.must('POST', `${POINTS}/count${query}`, {})) as { count: number }).count
  }

  async ids(): Promise<number[]> {
    const found = (await this.must('POST', `${POINTS}/scroll`, { limit: 10_000, with_payload: false })) as {
      points: { id: number }[]
    }
    return found.points.map(({ id }) => id)
  }

  async cluster(): Promise<{ owner: string | null; nodes: { id: string; url: string; roles: string[] }[] }> {
    return ((await this.must('GET', '/cluster')) as { vicinal: never }).vicinal
  }

  async ownerUrl(): Promise<string | undefined> {
    const { owner, nodes } = await this.cluster()
    return nodes.find(({ id }) => id === owner)?.url
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    await exited
  }
}

const store = () => pathToFileURL(join(root, 'bucket')).href

async function node(role: string, clusterKey: string | null = CLUSTER_KEY): Promise<Node> {
  const cache = join(root, `cache-${started++}`)
  const args = ['--store', store(), '--cache', cache, '--role', role, '--owner-timeout-ms', String(OWNER_TIMEOUT_MS)]
  const { child, url } = await serve(args, root, {
    VICINAL_API_KEY: API_KEY,
    ...(clusterKey === null ? {} : { VICINAL_CLUSTER_KEY: clusterKey }),
  })
  const served = new Node(url, child)
  nodes.push(served)
  return served
}

const write = () => node('write,query')
const read = () => node('query')

const point = (id: number) => ({ id, vector: [id, 1, 2, 3], payload: { n: id } })
const upsert = (at: Node, from: number, count = 1) =>
  at.ask('PUT', `${POINTS}?wait=true`, { points: Array.from({ length: count }, (_, i) => point(from + i)) })
const make = (at: Node) => at.retried('PUT', '/collections/things', { vectors: { size: 4, distance: 'Dot' } })

beforeEach(() => {
  nodes = []
  root = mkdtempSync(join(tmpdir(), 'vicinal-cluster-'))
})
afterEach(async () => {
  for (const { child } of nodes) child.kill('SIGKILL')
  for (const { child } of nodes) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  rmSync(root, { recursive: true, force: true })
})

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
    expect((await at.ask('POST', `${inside}/count`, {}, { 'api-key': CLUSTER_KEY, ...to })).status).toBe(401)
  }
  expect(await status(owner, CLUSTER_KEY, inside, to)).toBe(200)
  expect(await status(owner, CLUSTER_KEY, inside, { 'x-vicinal-to': 'another node' })).toBe(503)
  expect(await status(reader, CLUSTER_KEY, inside, to)).toBe(503)
  // Bodies of nodes are checked as those of clients are.
  const wrong = await owner.ask('PUT', inside, { points: [{ id: 1, vector: [1] }] }, { 'api-key': CLUSTER_KEY, ...to })
  expect(wrong).toMatchObject({ status: 400, error: expect.stringMatching(/got 1/) })

  const refused = await upsert(stranger, 2)
  expect(refused).toMatchObject({ status: 503, error: expect.stringMatching(/does not know the cluster key/) })
  expect(await owner.ids()).toEqual([1])
  // It knows of the collection once it has followed the store so far.
  await expect.poll(async () => (await upsert(lonely, 3)).status, PATIENCE).toBe(403)
  expect(await status(lonely, API_KEY, inside, to)).toBe(404)
})

test('a query node on a store without an owner waits, says so, and goes on once there is one', async () => {
  const port = await freePort()
  const waiting = new Node(
    `http://127.0.0.1:${port}`,
    start(
      [
        'serve',
        '--port',
        String(port),
        '--log-level',
        'error',
        '--store',
        store(),
        '--cache',
        join(root, 'waits'),
        '--role',
        'query',
      ],
      root,
      { VICINAL_API_KEY: API_KEY, VICINAL_CLUSTER_KEY: CLUSTER_KEY },
    ),
  )
  nodes.push(waiting)
  const asked = (path: string) => waiting.ask('GET', path).catch(() => ({ status: 0, result: '', error: '' }))
  await expect.poll(async () => (await asked('/livez')).status, PATIENCE).toBe(200)
  const noOwner = /the store has no owner yet: start a node with the role write/
  await expect.poll(async () => String((await asked('/readyz')).result), PATIENCE).toMatch(noOwner)
  expect(await asked('/readyz')).toMatchObject({ status: 503 })
  expect(await asked('/collections')).toMatchObject({ status: 503, error: expect.stringMatching(noOwner) })
  const owner = await write()
  await make(owner)
  await upsert(owner, 1)
  await expect.poll(async () => (await asked('/readyz')).status, PATIENCE).toBe(200)
  await expect
    .poll(async () => (await waiting.ask('POST', `${POINTS}/count`, {})).result, PATIENCE)
    .toEqual({ count: 1 })
  expect(waiting.log).toMatch(noOwner)
})

test('a query node that waits for an owner stops when it is asked to', async () => {
  const waiting = start(
    [
      'serve',
      '--port',
      '0',
      '--log-level',
      'error',
      '--store',
      store(),
      '--cache',
      join(root, 'waits'),
      '--role',
      'query',
    ],
    root,
  )
  const exited = once(waiting, 'exit')
  let log = ''
  waiting.stderr?.on('data', (text) => {
    log += text
  })
  await expect.poll(() => log, PATIENCE).toMatch(/no owner yet/)
  waiting.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
