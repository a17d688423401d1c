/** Snapshots over HTTP: Qdrant's client and our own, malformed forms, and permissions. */
import { createHash } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { QdrantClient } from '@qdrant/js-client-rest'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import type { OpenOptions } from '../../src/index.js'
import { open } from '../../src/index.js'
import { bytesField, nameOf, repaired, unpacked, withMessage } from '../oracle/forged-snapshot.js'
import { type Service, startService } from './service.js'

const KEYS = { apiKeys: ['writer'], readOnlyApiKeys: ['reader'] }
const WRITER = { 'api-key': 'writer' }
const BOUNDARY = 'xxx'

let folder: string
let database: Database
let service: Service
const start = async (options: OpenOptions = {}) => {
  const made = await mkdtemp(join(tmpdir(), 'vicinal-wire-snapshots-'))
  onTestFinished(() => rm(made, { recursive: true }))
  const opened = await open(made, options)
  onTestFinished(() => opened.close())
  folder = made
  database = opened
  service = await startService({ database, ...KEYS, requestTimeoutMs: 30_000 })
}
beforeEach(async () => {
  await start()
  const collection = await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 1], payload: { id } })))
})

interface Described {
  name: string
  size: number
  checksum: string
  creation_time: string
}
const call = (method: string, path: string, body?: unknown) => service.call(method, path, body, WRITER)
const made = async (path = '/collections/a/snapshots') => (await call('POST', path)).json.result as Described
const fileOf = async (name: string) => (await call('GET', `/collections/a/snapshots/${name}`)).bytes

function form(file: Buffer, name = 'snapshot', more = ''): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="../../x"\r\n\r\n`
  return Buffer.concat([Buffer.from(more + head), file, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])
}
const upload = (path: string, body: Buffer, headers: Record<string, string> = WRITER, boundary = BOUNDARY) =>
  service.call('POST', path, body, { ...headers, 'content-type': `multipart/form-data; boundary=${boundary}` })
const countOf = async (name: string) => (await database.collection(name)).count()

describe('snapshots over HTTP', () => {
  it('does nothing where `wait` makes no sense', async () => {
    for (const [method, path] of [
      ['POST', '/collections/a/snapshots?wait=1'],
      ['DELETE', '/collections/a/snapshots/nope?wait=1'],
      ['PUT', '/collections/a/snapshots/recover?wait=True'],
    ] as const) {
      const answer = await call(method, path, method === 'PUT' ? { location: 'file:///nowhere' } : undefined)
      expect(answer.status, path).toBe(400)
    }
    expect((await call('GET', '/collections/a/snapshots')).json.result).toEqual([])
  })

  it('made at the same time have different names; a bounded number waits, and more are refused, with or without wait', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => call('POST', '/collections/a/snapshots')))
    const names = made.map(({ json }) => (json.result as Described).name)
    expect(new Set(names).size).toBe(6)
    expect(
      ((await call('GET', '/collections/a/snapshots')).json.result as Described[]).map(({ name }) => name).sort(),
    ).toEqual(names.sort())
    const most = LIMITS.snapshotsAtOnce + LIMITS.snapshotsWaiting
    const tries = Array.from({ length: most + 30 }, (_, i) =>
      call('POST', `/collections/a/snapshots${i % 2 === 0 ? '?wait=false' : ''}`),
    )
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 202, 429]))
    expect(statuses.filter((status) => status === 429).length).toBeLessThanOrEqual(30)
    expect(statuses[0]).toBe(202)
  })

  it('made for one answer are deleted when the caller hangs up, even before the first byte', async () => {
    const left = async () => {
      const open = readdirSync('/proc/self/fd').map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`)
        } catch {
          return ''
        }
      })
      const files = (await readdir(join(folder, 'snapshots')).catch(() => [])).filter((name) =>
        name.endsWith('.snapshot'),
      )
      return [...files, ...open.filter((path) => path.startsWith(folder) && path.includes('.snapshot'))]
    }
    for (const hangUpMs of [1, 5, 20, 60, 150]) {
      const request = get(`${service.url}/collections/a/shards/0/snapshot`, { headers: WRITER })
      request.on('error', () => {})
      // Callers hang up at different places of the service's work.
      await sleep(hangUpMs)
      request.destroy()
    }
    const answered = get(`${service.url}/collections/a/shards/0/snapshot`, { headers: WRITER })
    answered.on('response', (response) => response.destroy())
    answered.on('error', () => {})
    await expect.poll(left).toEqual([])
    // Everything that began has ended; operations that had not begun have left nothing since.
    const unfinished = async () => (await readdir(folder)).filter((name) => name.startsWith('tmp-'))
    await expect.poll(unfinished).toEqual([])
    await expect.poll(left).toEqual([])
  })

  it('are refused if existing data must not be replaced', async () => {
    const { name } = await made()
    const file = await fileOf(name)
    const location = `file://${folder}/snapshots/${name}`
    for (const [path, body] of [
      ['/collections/a/snapshots/recover', { location, replace: false }],
      ['/snapshots/recover', { location, replace: false }],
    ] as const) {
      expect(await call('PUT', path, body)).toMatchObject({ status: 409 })
    }
    expect(await upload('/collections/a/snapshots/upload?replace=false', form(file))).toMatchObject({ status: 409 })
    expect(await call('PUT', '/collections/b/snapshots/recover', { location, replace: false })).toMatchObject({
      status: 200,
    })
    expect(await call('PUT', '/collections/a/snapshots/recover', { location, replace: 1 })).toMatchObject({
      status: 400,
    })
    const remote = await connect(service.url, { apiKey: 'writer' })
    await expect(remote.recoverCollection('a', { location }, { replace: false })).rejects.toThrow(/already exists/)
    async function* bytes() {
      yield file
    }
    await expect(remote.recoverCollection('a', { chunks: bytes() }, { replace: false })).rejects.toThrow(
      /already exists/,
    )
    await remote.recoverCollection('a', { location }, { replace: true })
    await remote.close()
  })

  it('are made, listed, downloaded, uploaded and deleted', async () => {
    const description = await made()
    expect(description).toMatchObject({ size: expect.any(Number), checksum: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(description.creation_time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+$/)
    expect((await call('GET', '/collections/a/snapshots')).json.result).toEqual([description])
    const download = await call('GET', `/collections/a/snapshots/${description.name}`)
    expect(download.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(description.size),
      'content-disposition': `attachment; filename="${description.name}"`,
    })
    expect(createHash('sha256').update(download.bytes).digest('hex')).toBe(description.checksum)
    const uploaded = await upload(
      `/collections/b/snapshots/upload?priority=snapshot&checksum=${description.checksum}`,
      form(download.bytes, 'snapshot', `--${BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhi\r\n`),
    )
    expect(uploaded).toMatchObject({ status: 200, json: { result: true, status: 'ok' } })
    expect(await countOf('b')).toBe(3)
    expect(await call('DELETE', `/collections/a/snapshots/${description.name}`)).toMatchObject({
      json: { result: true },
    })
    expect((await call('DELETE', `/collections/a/snapshots/${description.name}`)).status).toBe(404)
  })

  it('are recovered from a location, into the same or another collection', async () => {
    const { name, checksum } = await made()
    await (await database.collection('a')).delete([1])
    const location = `file://${folder}/snapshots/${name}`
    for (const to of ['a', 'c']) {
      const answer = await call('PUT', `/collections/${to}/snapshots/recover`, {
        location,
        checksum,
        priority: 'replica',
      })
      expect(answer).toMatchObject({ status: 200, json: { result: true } })
      expect(await countOf(to)).toBe(3)
    }
    expect((await call('PUT', '/collections/a/snapshots/recover', { location: 'file:///etc/passwd' })).status).toBe(403)
    expect((await call('PUT', '/collections/a/snapshots/recover', {})).status).toBe(400)
    expect((await call('PUT', '/collections/a/snapshots/recover', { location: 'http://localhost/x' })).status).toBe(403)
  })

  it('with wait=false are accepted, and appear after a while', async () => {
    const accepted = await call('POST', '/collections/a/snapshots?wait=false')
    expect(accepted).toMatchObject({ status: 202, json: { status: 'accepted' } })
    const listed = async () => (await call('GET', '/collections/a/snapshots')).json.result as Described[]
    await expect.poll(async () => (await listed()).length).toBe(1)
    const location = `file://${folder}/snapshots/${(await listed())[0]?.name}`
    expect((await call('PUT', '/collections/d/snapshots/recover?wait=false', { location })).status).toBe(202)
    await expect.poll(() => database.hasCollection('d')).toBe(true)
    expect((await call('PUT', '/collections/d/snapshots/recover?wait=false', { location: 'file:///x' })).status).toBe(
      202,
    )
    await expect.poll(() => service.log.some((line) => line.includes('after its answer'))).toBe(true)
  })

  it('of shard 0 are those of the collection, and other shards do not exist', async () => {
    const description = await made('/collections/a/shards/0/snapshots')
    expect((await call('GET', '/collections/a/snapshots')).json.result).toEqual([description])
    const streamed = await call('GET', '/collections/a/shards/0/snapshot')
    expect((await upload('/collections/e/shards/0/snapshots/upload', form(streamed.bytes))).status).toBe(200)
    expect(await countOf('e')).toBe(3)
    await expect.poll(async () => ((await call('GET', '/collections/a/snapshots')).json.result as []).length).toBe(1)
    expect((await call('GET', '/collections/a/shards/1/snapshots')).status).toBe(404)
    expect((await call('GET', '/collections/a/shards/x/snapshots')).status).toBe(400)
    expect((await call('PUT', '/collections/a/shards/1/snapshots/recover', { location: 'file:///x' })).status).toBe(404)
  })

  it('of the whole database are made, downloaded and restored by another service', async () => {
    const { name, size } = await made('/snapshots')
    expect((await call('GET', '/snapshots')).json.result).toMatchObject([{ name, size }])
    const file = (await call('GET', `/snapshots/${name}`)).bytes
    expect(file.length).toBe(size)
    await start()
    expect((await upload('/snapshots/upload', form(file))).status).toBe(200)
    expect(await countOf('a')).toBe(3)
    expect((await upload('/collections/x/snapshots/upload', form(file))).status).toBe(400)
  })

  it('need a key with write access before a byte is read', async () => {
    const { name } = await made()
    const file = await fileOf(name)
    const before = await readdir(folder)
    expect((await upload('/collections/b/snapshots/upload', form(file), {})).status).toBe(401)
    expect((await upload('/collections/b/snapshots/upload', form(file), { 'api-key': 'reader' })).status).toBe(403)
    expect((await service.call('POST', '/collections/a/snapshots', undefined, { 'api-key': 'reader' })).status).toBe(
      403,
    )
    expect(
      (await service.call('GET', '/collections/a/shards/0/snapshot', undefined, { 'api-key': 'reader' })).status,
    ).toBe(403)
    expect(await readdir(folder)).toEqual(before)
  })

  it('refuse malformed forms and leave nothing behind', async () => {
    const { name } = await made()
    const file = await fileOf(name)
    const before = await readdir(folder, { recursive: true })
    const path = '/collections/b/snapshots/upload'
    const parts = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="p"\r\n\r\nx\r\n`.repeat(1000)
    const refused = [
      await upload(path, form(file, 'other')),
      await upload(path, form(Buffer.from('no archive'))),
      await upload(path, form(file.subarray(0, 1000))),
      await upload(path, form(file, 'snapshot', parts)),
      await upload(path, Buffer.from(`--${BOUNDARY}--\r\n`)),
      await upload(path, Buffer.from('nothing of a form')),
      await upload(path, form(file), WRITER, 'another'),
      await upload(path, form(file).subarray(0, 2000)),
      await upload(path, form(Buffer.concat([file]), 'snapshot', form(file).toString('latin1').slice(0, 300))),
      await upload(`${path}?checksum=${'0'.repeat(64)}`, form(file)),
      await upload(`${path}?priority=best`, form(file)),
      await call('POST', path, { location: 'x' }),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 400))
    expect((await upload('/collections/a/points', form(file))).status).toBe(415)
    const bad = '/collections/..%2f..%2fx/snapshots/upload'
    expect((await upload(bad, form(file))).status).toBe(400)
    await expect.poll(() => readdir(folder, { recursive: true })).toEqual(before)
    expect(await database.collections()).toEqual(['a'])
  })

  it('with tables that lead elsewhere or crash their opener are refused with an error; the service goes on', async () => {
    const collection = await database.collection('a')
    await collection.upsert(Array.from({ length: 300 }, (_, id) => ({ id, vector: [id, 1] })))
    await collection.flush()
    await collection.delete([...Array(90).keys()])
    await collection.upsert([{ id: 1, vector: [1, 1] }])
    await collection.flush()
    for (const [from, to] of [
      ['/collections/a/snapshots', '/collections/a/snapshots/upload'],
      ['/snapshots', '/snapshots/upload'],
    ] as const) {
      const file = (await call('GET', `${from}/${(await made(from)).name}`)).bytes
      const files = unpacked(file)
      const version = nameOf(files, /_versions/)
      const base = bytesField(18, bytesField(4, 's3://bucket/table.lance').bytes)
      const elsewhere = withMessage(files.get(version) as Buffer, (fields) => [...fields, base])
      const led = await upload(to, form(repaired(new Map(files).set(version, elsewhere))))
      expect(led.status).toBe(400)
      expect(led.text).toMatch(/the snapshot is damaged: 0\/table\.lance\/.*field 18 is not expected/)
      const deletions = nameOf(files, /_deletions\/.*\.arrow$/)
      const fatal = Buffer.from(files.get(deletions) as Buffer)
      fatal.writeUInt16LE(0x7f40, fatal.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) - 4)
      const ended = await upload(to, form(repaired(new Map(files).set(deletions, fatal))))
      expect(ended.status).toBe(400)
      expect(ended.text).toMatch(/the snapshot is damaged: the process that opened it ended by SIGABRT/)
      expect(await countOf('a')).toBe(211)
    }
  })

  it('with too many bytes are cut off while they come', async () => {
    await start({ maxSnapshotBytes: 100_000 })
    const answer = await upload('/collections/b/snapshots/upload', form(Buffer.alloc(5_000_000))).catch(() => null)
    // A client that still sends may see the connection end before the answer.
    if (answer) expect(answer.status).toBe(413)
    await expect.poll(async () => (await readdir(folder)).filter((name) => name.startsWith('tmp-'))).toEqual([])
  })

  it('leave nothing behind if their client hangs up', async () => {
    const head = `POST /collections/b/snapshots/upload HTTP/1.1\r\nHost: localhost\r\napi-key: writer\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 1000000\r\n\r\n`
    const { connect: dial } = await import('node:net')
    const socket = dial(service.port, '127.0.0.1')
    socket.write(Buffer.concat([Buffer.from(head), form(Buffer.alloc(50_000)).subarray(0, 40_000)]))
    const unfinished = async () => (await readdir(folder)).filter((name) => name.startsWith('tmp-'))
    await expect.poll(async () => (await unfinished()).length).toBe(1)
    socket.destroy()
    await expect.poll(unfinished).toEqual([])
    expect(await database.hasCollection('b')).toBe(false)
  })

  it('are fetched from a URL if that is enabled, and never from this machine', async () => {
    await start({ snapshotUrls: true })
    const inside = createServer((_request, response) => response.end('secret'))
    await new Promise<void>((done) => inside.listen(0, '127.0.0.1', done))
    onTestFinished(() => void inside.close())
    const { port } = inside.address() as AddressInfo
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '[::ffff:7f00:1]']) {
      const answer = await call('PUT', '/collections/b/snapshots/recover', {
        location: `http://${host}:${port}/x`,
        api_key: 'k',
      })
      expect(answer.status, host).toBe(403)
      expect(answer.text).not.toContain('secret')
    }
  })
})

describe('snapshots by clients', () => {
  it('of Qdrant work as they do there', async () => {
    const client = new QdrantClient({ url: service.url, headers: WRITER, checkCompatibility: false })
    const description = await client.createSnapshot('a')
    expect(description?.size).toBeGreaterThan(0)
    const name = description?.name as string
    expect((await client.listSnapshots('a')).map((one) => one.name)).toEqual([name])
    await client.delete('a', { wait: true, points: [1, 2] })
    expect(await client.recoverSnapshot('a', { location: `file://${folder}/snapshots/${name}` })).toBe(true)
    expect((await client.count('a')).count).toBe(3)
    expect(await client.deleteSnapshot('a', name)).toBe(true)
    const full = await client.createFullSnapshot()
    expect((await client.listFullSnapshots()).map((one) => one.name)).toEqual([full?.name])
    expect(await client.deleteFullSnapshot(full?.name as string)).toBe(true)
  })

  it('of ours behave like the library', async () => {
    const remote = await connect(service.url, { apiKey: 'writer' })
    onTestFinished(() => remote.close())
    const collection = await remote.collection('a')
    const description = await collection.snapshots.create()
    expect(await collection.snapshots.list()).toEqual([description])
    expect(await (await database.collection('a')).snapshots.list()).toMatchObject([
      { name: description.name, checksum: description.checksum },
    ])
    const { bytes, chunks } = await collection.snapshots.read(description.name)
    expect(bytes).toBe(description.bytes)
    const { checksum } = description
    const restored = await remote.recoverCollection('copy', { chunks }, { checksum, priority: 'snapshot' })
    expect(await restored.count()).toBe(3)
    const again = (await collection.snapshots.read(description.name)).chunks
    await expect(remote.recoverCollection('x', { chunks: again }, { checksum: 'f'.repeat(64) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('checksum'),
    })
    const location = `file://${folder}/snapshots/${description.name}`
    expect(await (await remote.recoverCollection('by-location', { location })).count()).toBe(3)
    await collection.snapshots.delete(description.name)
    await expect(collection.snapshots.read(description.name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const all = await remote.snapshots.create()
    const names = await remote.recover({ chunks: (await remote.snapshots.read(all.name)).chunks })
    expect(names).toEqual(['a', 'by-location', 'copy'])
  })
})
