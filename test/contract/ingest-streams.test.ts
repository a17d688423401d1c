import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { lineOf, openStream } from './open-stream.js'
import { startService } from './service.js'

const PATH = '/collections/a/ingest'
const NDJSON = { 'content-type': 'application/x-ndjson' }

async function database(): Promise<Database> {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
  return database
}

describe('a stream of points over HTTP', () => {
  it('ends once the token of its sender has expired, and the audit log says so', async () => {
    const key = 'a key that may write, of 32 bytes or more'
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const exp = Math.floor(Date.now() / 1000) + 3_600
    const token = await new SignJWT({ access: [{ collection: 'a', access: 'prw' }], exp, sub: 'eva' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(key))
    const audited: string[] = []
    const { port } = await startService({
      database: await database(),
      apiKeys: [key],
      jwtRbac: true,
      audit: { write: (line) => void audited.push(line) },
    })
    const { sent, answered, lines, last } = openStream(port, { 'api-key': token })
    const count = 20_000
    for (let id = 0; id < count; id++) sent.write(lineOf(id))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    vi.setSystemTime((exp + 60) * 1000)
    sent.end(lineOf(count))
    expect(await answered).toBe(200)
    const { result, status } = last()
    expect(status).toMatchObject({ code: 'UNAUTHENTICATED', error: 'The token has expired' })
    expect(result.position).toBeGreaterThan(0)
    expect(result.position).toBeLessThanOrEqual(count)
    await expect.poll(() => audited.length).toBe(1)
    expect(JSON.parse(audited[0] as string)).toMatchObject({ subject: 'eva', outcome: 'UNAUTHENTICATED', status: 200 })
  })

  it('tells its progress while it is still sent', async () => {
    const { port } = await startService({ database: await database() })
    const { sent, answered, lines, last } = openStream(port)
    const count = 20_000
    for (let id = 0; id < count; id++) sent.write(lineOf(id))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    expect(JSON.parse(lines[0] as string)).toEqual({ progress: expect.objectContaining({ rejected: 0 }) })
    sent.end(lineOf(count))
    expect(await answered).toBe(200)
    expect(last()).toMatchObject({ result: { accepted: count + 1, position: count + 1 }, status: 'ok' })
  })

  it('without progress has its answer at its end, as proxies need it', async () => {
    const db = await database()
    const { port } = await startService({ database: db })
    const { sent, answered, lines, last } = openStream(port, {}, `${PATH}?progress=false`)
    let isAnswering = false
    sent.once('response', () => {
      isAnswering = true
    })
    const count = 40_000
    for (let id = 0; id < count; id++) sent.write(lineOf(id))
    // Two whole batches, of which others would be told by now.
    const stored = async () => (await (await db.collection('a')).count()) as number
    await expect.poll(stored).toBeGreaterThanOrEqual(32_768)
    expect([isAnswering, lines]).toEqual([false, []])
    sent.end(lineOf(count))
    expect(await answered).toBe(200)
    expect(last()).toMatchObject({ result: { accepted: count + 1 }, status: 'ok' })
  })

  it('outlives the time that other requests have', async () => {
    const { port } = await startService({ database: await database(), requestTimeoutMs: 1, bodyWindowMs: 600_000 })
    const { sent, answered, last } = openStream(port)
    sent.write(lineOf(1))
    // The server looks at the time once a second. A second look has seen that the first one let the stream be.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    sent.end(lineOf(2))
    expect(await answered).toBe(200)
    expect(last()).toMatchObject({ result: { accepted: 2 }, status: 'ok' })
  })

  it('that stalls is ended, and its error stands in the last line', async () => {
    const bounds = { bodyWindowMs: 500, minBodyBytesPerSecond: 10 }
    const { port } = await startService({ database: await database(), ...bounds })
    const { sent, answered, lines, last } = openStream(port)
    for (let id = 0; id < 20_000; id++) sent.write(lineOf(id))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    expect(await answered).toBe(200)
    expect(last()).toMatchObject({ status: { code: 'TIMEOUT' } })
    expect(last().result.position).toBeGreaterThan(0)
    sent.destroy()
  })

  it('that is refused before its first batch has the status of its error', async () => {
    const { call } = await startService({ database: await database() })
    const source = { 'idempotency-key': 'camera' }
    const asked: [string, Record<string, string>, number, string][] = [
      ['/collections/b/ingest', NDJSON, 404, 'NOT_FOUND'],
      [PATH, { 'content-type': 'application/json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [PATH, { 'content-type': 'text/csv' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [PATH, { ...NDJSON, 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [`${PATH}?from=5`, NDJSON, 400, 'INVALID_ARGUMENT'],
      [`${PATH}?from=x`, { ...NDJSON, ...source }, 400, 'INVALID_ARGUMENT'],
      [`${PATH}?from=5`, { ...NDJSON, ...source }, 409, 'OUT_OF_ORDER'],
      [PATH, { 'content-type': 'application/vnd.apache.arrow.stream' }, 400, 'INVALID_ARGUMENT'],
    ]
    for (const [path, headers, status, code] of asked) {
      const answer = await call('POST', path, lineOf(1), headers)
      expect([answer.status, answer.json.status], path).toEqual([status, expect.objectContaining({ code })])
    }
  })

  it('keeps a row to the bytes of a body, and holds no longer one', async () => {
    const { call } = await startService({ database: await database(), maxBodyBytes: 2_000 })
    const long = `{"id":2,"vector":[1,2],"payload":{"text":"${'x'.repeat(5_000)}"}}\n`
    const answer = await call('POST', PATH, lineOf(1) + long + lineOf(3), NDJSON)
    const told = JSON.parse(answer.text.trim().split('\n').at(-1) as string)
    expect(told.result).toMatchObject({ accepted: 2, rejected: 1, errors: [{ row: 1, code: 'TOO_LARGE' }] })
  })

  it('waits for its turn while others hold all bytes, and goes on', async () => {
    const { port, call } = await startService({ database: await database(), maxBodyBytesInWork: 200_000 })
    // Each holds the beginning of a row of more bytes than there is room for.
    const streams = Array.from({ length: 3 }, () => openStream(port))
    const text = 'x'.repeat(300_000)
    for (const [id, { sent }] of streams.entries()) sent.write(`{"id":${id},"vector":[1,2],"payload":{"text":"${text}`)
    for (const { sent } of streams) sent.end('"}}\n')
    for (const { answered, last } of streams) {
      expect(await answered).toBe(200)
      expect(last()).toMatchObject({ result: { accepted: 1 }, status: 'ok' })
    }
    expect((await call('GET', '/collections/a/ingest/none')).json.result).toEqual({ position: 0 })
  })

  it('whose sender hangs up keeps its whole batches, and leaves nothing in work', async () => {
    const { port, call } = await startService({ database: await database() })
    const { sent, lines } = openStream(port, { 'idempotency-key': 'camera' })
    for (let id = 0; id < 20_000; id++) sent.write(lineOf(id))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    sent.destroy()
    const told = JSON.parse(lines[0] as string) as { progress: { position: number } }
    const position = async () => {
      const { result } = (await call('GET', `${PATH}/camera`)).json as { result: { position: number } }
      return result.position
    }
    expect(await position()).toBeGreaterThanOrEqual(told.progress.position)
  })
})
