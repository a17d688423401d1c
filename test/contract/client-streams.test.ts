/** The client's streams through a proxy that records questions, and can cut or refuse streams. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect } from '../../src/client/index.js'
import type { Collection } from '../../src/core/database.js'
import { open } from '../../src/engine/database/open.js'
import type { ServerOptions } from '../../src/server/app.js'
import { startService } from './service.js'

/** Far longer than a program takes on a busy machine. */
const HANGS_MS = 300_000
const FAST = { minDelayMs: 1, maxDelayMs: 5 }
const QUERY_PATH = '/collections/a/points/query'
const REFUSED = 'HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'

interface HeardLine {
  url: string
  /** First lines of requests. */
  heard: string[]
  refuses: boolean
  cut(): void
}

async function lineTo(port: number): Promise<HeardLine> {
  const sockets = new Set<Socket>()
  const line: HeardLine = {
    url: '',
    heard: [],
    refuses: false,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
  }
  const server = createServer((near) => {
    const far = connectSocket(port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    near.on('data', (bytes) => {
      const first = /^(?:GET|PUT|POST|DELETE) \S+/.exec(bytes.toString('latin1'))?.[0]
      if (first) line.heard.push(first)
      if (line.refuses && first && /upgrade: websocket/i.test(bytes.toString('latin1'))) near.end(REFUSED)
      else far.write(bytes)
    })
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    line.cut()
    server.close()
  })
  line.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return line
}

const near = (x: number) => ({ query: [x, 1], limit: 2 })
const expected = [{ id: 9 }, { id: 8 }]

describe('queries of the client', () => {
  let line: HeardLine
  let collection: Collection

  async function start(options: ConnectOptions = {}, served: Partial<ServerOptions> = {}) {
    const service = await startService(served)
    line = await lineTo(service.port)
    const database = await connect(line.url, { ...FAST, streams: true, ...options })
    onTestFinished(() => database.close())
    collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
    await collection.upsert(Array.from({ length: 10 }, (_, id) => ({ id, vector: [id, 1] })))
    line.heard.length = 0
    return service
  }
  const asked = () => line.heard.filter((first) => first.includes(QUERY_PATH))
  const requests = () => asked().filter((first) => first.startsWith('POST'))
  const streams = () => asked().filter((first) => first.startsWith('GET'))
  const expectFound = async () => expect(await collection.query(near(1))).toMatchObject(expected)

  it('go through one stream in order, and batches through another', async () => {
    await start()
    for (let times = 0; times < 20; times++) await expectFound()
    expect(await collection.queryBatch([near(1), near(-1)])).toMatchObject([expected, [{ id: 0 }, { id: 1 }]])
    expect(asked()).toEqual([`GET ${QUERY_PATH}`, `GET ${QUERY_PATH}/batch`])
  })

  it('use as many streams as questions at once, and requests beyond the most streams', async () => {
    await start({ maxConnections: 3 })
    await Promise.all(Array.from({ length: 12 }, expectFound))
    expect(streams()).toHaveLength(3)
    expect(requests().length).toBeGreaterThan(0)
    line.heard.length = 0
    await expectFound()
    expect(asked()).toEqual([])
  })

  it('are requests if streams are off, if the call has its own deadline, or if they are long', async () => {
    await start({ streams: false })
    await expectFound()
    expect(asked()).toEqual([`POST ${QUERY_PATH}`])
    await start()
    expect(await collection.query({ ...near(1), timeoutMs: 5000 })).toMatchObject(expected)
    const ids = Array.from({ length: 120_000 }, (_, id) => id + 1_000_000)
    expect(await collection.query({ ...near(1), filter: { mustNot: [{ hasId: ids }] } })).toMatchObject(expected)
    expect(streams()).toEqual([])
    expect(requests()).toHaveLength(2)
  })

  it('are requests for a while after a service has refused streams', async () => {
    await start()
    line.refuses = true
    for (let times = 0; times < 5; times++) await expectFound()
    expect(streams()).toHaveLength(1)
    expect(requests()).toHaveLength(5)
  })

  it('are requests if they are too long for the messages of this service', async () => {
    await start({}, { maxBodyBytes: 4096 })
    const ids = Array.from({ length: 1000 }, (_, id) => id + 1_000_000)
    const long = { ...near(1), filter: { mustNot: [{ hasId: ids }] } }
    // A request of that length is refused with a reason.
    for (let times = 0; times < 3; times++)
      await expect(collection.query(long)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(streams()).toHaveLength(1)
    await expectFound()
  })

  it('are sent again as requests if the connection breaks, and streams come back later', async () => {
    await start({ maxConnections: 4 })
    // More often than there may be streams at once.
    for (let times = 0; times < 20; times++) {
      await expectFound()
      line.heard.length = 0
      const found = collection.query(near(1))
      line.cut()
      expect(await found).toMatchObject(expected)
      expect(streams()).toEqual([])
    }
    line.heard.length = 0
    await expectFound()
    expect(streams()).toHaveLength(1)
  })

  it('each get their own answer, however many run at once and even if some are aborted', async () => {
    await start({ maxConnections: 4 })
    for (let round = 0; round < 3; round++)
      await Promise.all(
        Array.from({ length: 100 }, async (_, i) => {
          const id = i % 10
          const stopped = new AbortController()
          const asked = { query: [1, 1], limit: 1, filter: { must: [{ hasId: [id] }] }, signal: stopped.signal }
          const found = collection.query(asked).then(
            (hits) => hits.map((hit) => hit.id),
            (error) => error.code,
          )
          if (i % 3 === 0) setTimeout(() => stopped.abort(), i % 7)
          expect([[id], 'CANCELLED']).toContainEqual(await found)
          if (i % 3 !== 0) expect(await found).toEqual([id])
        }),
      )
  })

  it('move the streams of one path to another if there may be no more', async () => {
    await start({ maxConnections: 1 })
    for (let times = 0; times < 2; times++) {
      line.heard.length = 0
      await expectFound()
      expect(await collection.queryBatch([near(1)])).toMatchObject([expected])
      expect(asked()).toEqual([`GET ${QUERY_PATH}`, `GET ${QUERY_PATH}/batch`])
    }
  })

  it('fail as requests do, and the stream goes on', async () => {
    await start()
    for (const options of [{ streams: true }, { streams: false }]) {
      const database = await connect(line.url, options)
      onTestFinished(() => database.close())
      const asking = await database.collection('a')
      line.heard.length = 0
      await expect(asking.query({ query: [1, 2, 3] })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/2.*3|3.*2/),
        details: expect.objectContaining({ field: 'query' }),
      })
      expect(await asking.query(near(1))).toMatchObject(expected)
      expect(streams()).toHaveLength(options.streams ? 1 : 0)
    }
    await start()
    const gone = collection
    await collection.query(near(1))
    line.heard.length = 0
    const other = await connect(line.url, { streams: true })
    onTestFinished(() => other.close())
    await other.deleteCollection('a')
    await expect(gone.query(near(1))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(asked()).toEqual([])
  })

  it('end when their caller aborts, and others go on', async () => {
    await start()
    await expectFound()
    const stopped = new AbortController()
    const found = collection.query({ ...near(1), signal: stopped.signal })
    stopped.abort()
    await expect(found).rejects.toMatchObject({ code: 'CANCELLED' })
    await expectFound()
  })
})

describe('a program', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vicinal-client-'))
    onTestFinished(() => rm(folder, { recursive: true }))
  })

  it('ends by itself although it has idle streams', async () => {
    const database = await open(folder)
    onTestFinished(() => database.close())
    const service = await startService({ database })
    const collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
    await collection.upsert([{ id: 7, vector: [1, 2] }])
    const program = `
      const { connect } = await import(${JSON.stringify(new URL('../../dist/client/index.js', import.meta.url).href)})
      const collection = await (await connect(${JSON.stringify(service.url)}, { streams: true })).collection('a')
      const [{ id }] = await collection.query({ query: [1, 2], limit: 1 })
      console.log(id)`
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: HANGS_MS })
    expect((await run).stdout.trim()).toBe('7')
  })
})
