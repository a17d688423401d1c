/** The audit log: its lines, their subjects, and their loss when the disk takes none. */
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LineFile, lineCounts } from '../../src/disk/line-file.js'
import { DatabaseGate } from '../../src/server/database-gate.js'
import { routeTable } from '../../src/server/routes/table.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { API_KEY, make, node, point, startsNodes } from '../stores/nodes.js'
import { serve } from '../unit/cli/process.js'
import { PATIENCE } from './collector.js'
import { type Entry, entriesOf } from './entries.js'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-audit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const shortOf = ({ subject, action, collection, outcome, status }: Entry) =>
  [subject, action, collection, outcome, status].join(' | ')

const COLLECTION = { vectors: { size: 2, distance: 'Dot' } }
const SECRET = 'my-diary'

test('each write, refusal and administrative read has one line, on every thread, and no other read has one', async () => {
  const folder = temporaryFolder()
  const keys = { VICINAL_API_KEY: 'a-key-that-writes', VICINAL_READ_ONLY_API_KEY: 'a-key-that-reads' }
  const args = ['--audit-log', 'audit.jsonl', '--serving-threads', '2']
  const { url, child } = await serve(args, folder, keys)
  let asked = 0
  const ask = async (key: string | null, method: string, path: string, body?: unknown) => {
    const headers = { 'content-type': 'application/json', 'x-request-id': `r${asked++}`, connection: 'close' }
    const keyed = key === null ? headers : { ...headers, 'api-key': key }
    return (await fetch(url + path, { method, headers: keyed, ...(body ? { body: JSON.stringify(body) } : {}) })).status
  }
  const points = { points: [{ id: 1, vector: [1, 2], payload: { text: SECRET } }] }
  const query = { query: [1, 2], filter: { must: [{ key: 'text', match: { value: SECRET } }] } }
  const [writer, reader] = [keys.VICINAL_API_KEY, keys.VICINAL_READ_ONLY_API_KEY]
  await ask(writer, 'PUT', '/collections/a', COLLECTION)
  await ask(writer, 'PUT', '/collections/a/points?wait=true', points)
  // Both threads get some of them.
  for (let at = 0; at < 6; at++) await ask(reader, 'POST', '/collections/a/points/query', query)
  await ask(writer, 'PUT', '/collections/a/points', { points: [{ id: 1, vector: [1] }] })
  await ask(writer, 'DELETE', '/collections/gone')
  await ask(reader, 'DELETE', '/collections/a')
  await ask(null, 'POST', '/collections/a/points/query', query)
  await ask('a-key-of-nobody', 'POST', '/collections/a/points/query', query)
  await ask(reader, 'GET', '/collections/a/snapshots')
  await ask(reader, 'GET', '/collections/a')
  await ask(reader, 'GET', '/metrics')
  const file = join(folder, 'audit.jsonl')
  await expect.poll(() => entriesOf(file).length, PATIENCE).toBe(8)
  expect(entriesOf(file).map(shortOf).sort()).toEqual(
    [
      'write key | PUT /collections/{name} | a | ok | 200',
      'write key | PUT /collections/{name}/points | a | ok | 200',
      'write key | PUT /collections/{name}/points | a | INVALID_ARGUMENT | 400',
      'write key | DELETE /collections/{name} | gone | ok | 200',
      'read-only key | DELETE /collections/{name} | a | FORBIDDEN | 403',
      'anyone | POST /collections/{name}/points/query | a | UNAUTHENTICATED | 401',
      'anyone | POST /collections/{name}/points/query | a | UNAUTHENTICATED | 401',
      'read-only key | GET /collections/{name}/snapshots | a | ok | 200',
    ].sort(),
  )
  for (const entry of entriesOf(file)) {
    expect(entry).toMatchObject({ reqId: expect.stringMatching(/^r\d+$/), address: '127.0.0.1' })
    expect(new Date(entry.time).toISOString()).toBe(entry.time)
  }
  for (const secret of [SECRET, 'a-key-that', 'a-key-of']) expect(readFileSync(file, 'utf8')).not.toContain(secret)

  // Moved away, as logrotate does.
  renameSync(file, join(folder, 'audit.1'))
  child.kill('SIGHUP')
  const write = async () => {
    await ask(writer, 'PUT', '/collections/a/points?wait=true', points)
    try {
      return entriesOf(file).length
    } catch {
      return 0
    }
  }
  await expect.poll(write, PATIENCE).toBeGreaterThan(0)
})

test('administrative are the reads that the route table says', () => {
  const gate = new DatabaseGate(new MemoryDatabase(), () => {})
  const routes = routeTable({ gate, metrics: null as never, isClosing: () => false, mayRead: () => true, peers: null })
  const marked = routes
    .filter(({ isAdministrative }) => isAdministrative)
    .map(({ method, path }) => `${method} ${path}`)
  expect(marked).toEqual(expect.arrayContaining(['GET /telemetry', 'GET /quotas', 'GET /snapshots']))
  // A download needs the rights of a write, so it has a line as one.
  expect(routes.find(({ path }) => path === '/snapshots/:snapshot')?.access).toBe('write')
  expect(routes.filter(({ isAdministrative, access }) => isAdministrative && access !== 'read')).toEqual([])
})

test('a full disk loses lines, says so, and stops nothing', async () => {
  const troubles: [string, number][] = []
  const lost = lineCounts.lost
  // Every write to it fails as on a full disk.
  const file = await LineFile.open('/dev/full', (error, count) => troubles.push([error.message, count]))
  file.write('{"a":1}\n')
  file.write('{"a":2}\n')
  await file.close()
  expect(troubles).toEqual([[expect.stringContaining('ENOSPC'), 2]])
  expect(lineCounts.lost - lost).toBe(2)
})

test('a service goes on while its audit log is on a full disk', async () => {
  const { url, child } = await serve(['--audit-log', '/dev/full'], temporaryFolder(), {})
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors += text
  })
  const headers = { 'content-type': 'application/json' }
  const made = await fetch(`${url}/collections/a`, { method: 'PUT', headers, body: JSON.stringify(COLLECTION) })
  expect(made.status).toBe(200)
  const metrics = async () => await (await fetch(`${url}/metrics`)).text()
  await expect.poll(metrics, PATIENCE).toContain('audit_lines_lost_total 1')
  await expect.poll(() => errors, PATIENCE).toMatch(/the audit log loses lines, and the service goes on: ENOSPC/)
})

test('lines of several files of one name are whole, before and after the file is opened anew', async () => {
  const path = join(temporaryFolder(), 'lines')
  const files = await Promise.all([1, 2].map(() => LineFile.open(path, (error) => expect(error).toBeNull())))
  for (let at = 0; at < 2_000; at++) files[at % 2]?.write(`${JSON.stringify({ at, text: 'x'.repeat(at % 97) })}\n`)
  renameSync(path, `${path}.1`)
  await files[0]?.reopen()
  await Promise.all(files.map((file) => file.close()))
  const all = [path, `${path}.1`].flatMap((one) => entriesOf(one) as unknown as { at: number }[])
  expect(all.map(({ at }) => at).sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, at) => at))
})

startsNodes()

test("of a write that a node passes on, the owner's line names the caller", async () => {
  const folder = temporaryFolder()
  const owner = await node('write,query', undefined, { args: ['--audit-log', join(folder, 'owner')] })
  const reader = await node('query', undefined, { args: ['--audit-log', join(folder, 'reader')] })
  await make(owner)
  await reader.retried('GET', '/collections/things')
  const headers = { 'x-request-id': 'passed-on' }
  const { status } = await reader.ask('PUT', '/collections/things/points?wait=true', { points: [point(1)] }, headers)
  expect(status).toBe(200)
  const line = (name: string) => () => entriesOf(join(folder, name)).filter(({ reqId }) => reqId === 'passed-on')
  const seen = { subject: 'write key', action: 'PUT /collections/{name}/points', collection: 'things', outcome: 'ok' }
  await expect.poll(line('owner'), PATIENCE).toMatchObject([seen])
  await expect.poll(line('reader'), PATIENCE).toMatchObject([{ ...seen, forwarded: true }])
  expect(readFileSync(join(folder, 'owner'), 'utf8')).not.toContain(API_KEY)
})
