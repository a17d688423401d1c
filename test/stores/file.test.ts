import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type OpenOptions, open } from '../../src/index.js'
import { startService } from '../contract/service.js'
import { vicinal } from '../unit/cli/process.js'
import { databasesOn } from './database.contract.js'

describe('a database on a file store', () => {
  databasesOn((root) => pathToFileURL(join(root, 'bucket', 'prefix')).href)
})

function addressAndCache(): { store: string; cache: string } {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-store-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return { store: pathToFileURL(join(root, 'bucket')).href, cache: join(root, 'cache') }
}

test('writes one after the other each wait for the commit window', async () => {
  const { store, cache } = addressAndCache()
  const commitWindowMs = 200
  const database = await open(store, { cache, commitWindowMs })
  const things = await database.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const started = performance.now()
  for (let id = 1; id <= 5; id++) await things.upsert([{ id, vector: [id] }])
  expect(performance.now() - started).toBeGreaterThan(2 * commitWindowMs)
  await expect(open(store, { cache, commitWindowMs: 300 })).rejects.toThrow(
    /commitWindowMs: the folder is open already/,
  )
  await database.close()
})

test('options of a store are checked, and refused without one', async () => {
  const { store, cache } = addressAndCache()
  const wrong: [OpenOptions, RegExp][] = [
    [{ commitWindowMs: 0 }, /commitWindowMs: expected an integer from 1 to 10000, got 0/],
    [{ commitWindowMs: 10_001 }, /commitWindowMs: expected an integer from 1 to 10000, got 10001/],
    [{ cache: '' }, /cache: expected a path/],
  ]
  for (const [options, message] of wrong) await expect(open(store, { cache, ...options })).rejects.toThrow(message)
  await expect(open(cache, { commitWindowMs: 10 })).rejects.toThrow(
    /commitWindowMs: only a database on a store has one/,
  )
  await expect(open(':memory:', { cache })).rejects.toThrow(/cache: only a database on a store has one/)
})

test("a cache among the store's objects is refused, and so is a store in its cache", async () => {
  const { store } = addressAndCache()
  const folder = fileURLToPath(store)
  for (const cache of [folder, join(folder, 'cache'), dirname(folder)])
    await expect(open(store, { cache })).rejects.toThrow(/cache: expected a folder outside of the store's/)
  await (await open(store, { cache: `${folder}-cache` })).close()
})

test('a database that was fenced says so by onIssue', async () => {
  const { store, cache } = addressAndCache()
  const issues: string[] = []
  const first = await open(store, { cache, onIssue: ({ about, reason }) => issues.push(`${about}: ${reason}`) })
  const second = await open(store, { cache: `${cache}-two` })
  await expect(first.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('another node has opened it'),
  })
  expect(issues).toEqual([expect.stringMatching(/^store: another process has opened the store/)])
  await first.close().catch(() => undefined)
  await second.close()
})

test.each<[string[], RegExp]>([
  [['--role', 'query'], /--role: only a database on a store has it: add --store/],
  [['--cache', 'there'], /--cache: only a database on a store/],
  [['--store', 'file:///tmp/none', '--data', 'there'], /--data: .* expected --data or --store, got both/],
  [['--store', 'file:///tmp/none', '--commit-window-ms', '0'], /--commit-window-ms: expected 1 to 10000, got 0/],
  [['--store', 'file:///tmp/none', '--cache', '/tmp/none/cache'], /cache: expected a folder outside of the store's/],
])('serve %j is refused, and nothing is made', async (args, message) => {
  const folder = dirname(addressAndCache().cache)
  const { code, stderr } = await vicinal(['serve', '--port', '0', ...args], folder, {
    VICINAL_CLUSTER_KEY: 'k'.repeat(16),
  })
  expect(code).not.toBe(0)
  expect(stderr).toMatch(message)
  expect(readdirSync(folder).filter((name) => name !== 'state')).toEqual([])
})

test('a short cluster key is refused, without a part of it', async () => {
  const { store, cache } = addressAndCache()
  const { code, stderr } = await vicinal(['serve', '--port', '0', '--store', store, '--cache', cache], dirname(cache), {
    VICINAL_CLUSTER_KEY: 'secret',
  })
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/the cluster key: expected at least 16 characters, got 6/)
  expect(stderr).not.toMatch(/secret/)
})

test('a cache folder has one node, whatever it does with the store', async () => {
  const { store, cache } = addressAndCache()
  const owner = await open(store, { cache })
  const refused = { code: 'LOCKED', message: expect.stringContaining(`cache: another node uses the folder ${cache}`) }
  await expect(open(store, { cache, readOnly: true })).rejects.toMatchObject(refused)
  await owner.close()
  const reader = await open(store, { cache, readOnly: true })
  await expect(open(store, { cache, readOnly: true })).rejects.toMatchObject(refused)
  await expect(open(store, { cache })).rejects.toMatchObject(refused)
  await reader.close()
  await (await open(store, { cache })).close()
})

test('a service whose node was replaced does not refuse a write for what is not in its old state', async () => {
  const { store, cache } = addressAndCache()
  const first = await open(store, { cache })
  await first.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const { call } = await startService({ database: first })
  const payload = { payload: { seen: true }, points: [1] }
  expect((await call('POST', '/collections/things/points/payload', payload)).status).toBe(404)
  const second = await open(store, { cache: `${cache}-two` })
  await (await second.collection('things')).upsert([{ id: 1, vector: [1] }])
  expect((await call('POST', '/collections/things/points/payload', payload)).status).toBe(503)
  expect((await call('POST', '/collections/more/points/payload', payload)).status).toBe(503)
  await first.close().catch(() => undefined)
  await second.close()
})

test('a trickle of writes stays in the log, unless the collection sets an age', async () => {
  const { store, cache } = addressAndCache()
  const database = await open(store, { cache })
  const vectors = { size: 1, distance: 'Dot' } as const
  const rare = await database.createCollection('rare', { vectors })
  const often = await database.createCollection('often', { vectors, optimizersConfig: { flushIntervalSec: 1 } })
  // Longer than the age at which a folder's changes go into the table.
  for (let id = 1; id <= 14; id++) {
    await Promise.all([rare.upsert([{ id, vector: [id] }]), often.upsert([{ id, vector: [id] }])])
    // The writes are to come one by one over some time: there is nothing to wait for.
    await sleep(500)
  }
  const files = readdirSync(fileURLToPath(store), { recursive: true }).map(String)
  const commits = files.filter((file) => /_versions\/.*\.manifest$/.test(file))
  expect(commits.length).toBeGreaterThanOrEqual(3)
  expect(new Set(commits.map((file) => file.split('/')[1])).size).toBe(1)
  await database.close()
  const again = await open(store, { cache })
  expect(await (await again.collection('rare')).count()).toBe(14)
  await again.close()
})
