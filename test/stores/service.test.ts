/** A service on an S3 store, as a process: its end while the store does not answer, and the places where its key for the store may be. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Objects } from '../../src/bucket/objects.js'
import { Random } from '../oracle/fault-random.js'
import { serve } from '../unit/cli/process.js'
import { FaultyProxy } from './faulty-proxy.js'
import { type S3Server, startS3 } from './s3-server.js'

const SECRET = 'the-secret-key-of-the-store'
const PATIENCE = { timeout: 120_000, interval: 100 }
const STOP_MS = 2_000
let server: S3Server
beforeAll(async () => {
  server = await startS3('bucket')
})
afterAll(() => server?.stop())

const access = (port: number) => ({
  AWS_ENDPOINT: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_REGION: 'us-east-1',
})

async function started(prefix: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-service-'))
  const proxy = await FaultyProxy.start(server.port, new Random(1))
  onTestFinished(() => {
    proxy.stop()
    rmSync(root, { recursive: true, force: true })
  })
  const store = ['--store', `s3://bucket/${prefix}`, '--cache', join(root, 'cache'), '--commit-window-ms', '10']
  const { child, url } = await serve([...store, ...args], root, { ...access(proxy.port), ...env })
  let told = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (told += text))
  const ask = async (method: string, path: string, body?: unknown) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url + path, { method, headers, ...sent })
    const text = await answer.text()
    told += text
    return { status: answer.status, text }
  }
  const ready = async () => (await ask('GET', '/readyz')).status
  await expect.poll(ready, PATIENCE).toBe(200)
  const vectors = { vectors: { size: 2, distance: 'Dot' } }
  expect((await ask('PUT', '/collections/things', vectors)).status).toBe(200)
  return { root, proxy, child, ask, told: () => told }
}

const points = { points: [{ id: 1, vector: [1, 2] }] }

test('a service whose store does not answer ends within its time to stop', async () => {
  const { proxy, child, ask } = await started('stop', ['--shutdown-timeout-ms', String(STOP_MS)])
  proxy.hold = () => new Promise(() => undefined)
  const writing = ask('PUT', '/collections/things/points', points).catch(() => null)
  await expect.poll(() => proxy.injected.get('held') ?? 0, PATIENCE).toBeGreaterThan(0)
  const startedMs = performance.now()
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  await writing
  // Requests and the database have the time each, on a busy machine.
  expect(performance.now() - startedMs).toBeLessThan(4 * STOP_MS)
})

test('the key of the store is in no environment of a thread, and in nothing that a service tells or writes', async () => {
  const seen = mkdtempSync(join(tmpdir(), 'vicinal-seen-'))
  onTestFinished(() => rmSync(seen, { recursive: true, force: true }))
  const preload = join(seen, 'preload.mjs')
  writeFileSync(
    preload,
    `import { writeFileSync } from 'node:fs'
     import { threadId } from 'node:worker_threads'
     setInterval(() => writeFileSync(${JSON.stringify(`${seen}/thread-`)} + threadId, JSON.stringify(process.env)), 100).unref()`,
  )
  const { root, proxy, child, ask, told } = await started(
    'secret',
    ['--log-level', 'trace', '--serving-threads', '2'],
    {
      NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`,
    },
  )
  for (let i = 0; i < 5; i++) expect((await ask('PUT', '/collections/things/points', points)).status).toBe(200)
  for (const path of ['/collections/things/snapshots', '/collections/things/flush']) await ask('POST', path, {})
  for (const path of ['/telemetry', '/metrics', '/cluster', '/collections/things']) await ask('GET', path)
  // A refusal by the store is told as well.
  proxy.everyNth = 1
  await ask('PUT', '/collections/things/points', points)
  await ask('PUT', '/collections/things/snapshots/recover', { location: 's3://bucket/other/snapshots/a.snapshot' })
  proxy.heal()

  const threads = () => readdirSync(seen).filter((name) => name.startsWith('thread-'))
  expect(threads().length).toBeGreaterThan(1)
  const nowMs = Date.now()
  await expect
    .poll(() => threads().some((name) => statSync(join(seen, name)).mtimeMs > nowMs + 500), PATIENCE)
    .toBe(true)
  for (const name of threads()) expect(readFileSync(join(seen, name), 'utf8'), name).not.toContain(SECRET)
  expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain(SECRET)
  expect(told()).not.toContain(SECRET)

  child.kill('SIGTERM')
  await once(child, 'exit')
  const objects = await Objects.open(parseStore('s3://bucket/secret', access(server.port)))
  const listed = await objects.list('')
  expect(listed.length).toBeGreaterThan(5)
  for (const { path } of listed) expect(String(await objects.read(path)), path).not.toContain(SECRET)
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true }))
    if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name), 'latin1'), file.name).not.toContain(SECRET)
})
