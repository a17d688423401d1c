import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type OpenOptions, open } from '../../src/index.js'
import { startService } from '../contract/service.js'
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
