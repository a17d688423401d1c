/** A node of a store in this process: what others see of it while it changes its role. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'
import { Objects } from '../../../src/bucket/objects.js'
import { Heartbeats } from '../../../src/cluster/heartbeats.js'
import { ClusterNode } from '../../../src/cluster/node.js'
import { EmbeddedDatabase } from '../../../src/engine/database/embedded-database.js'
import type { NodeStore } from '../../../src/engine/stores/node-store.js'
import { settled } from '../../../src/log/group.js'

const PATIENCE = { timeout: 300_000, interval: 20 }

async function started() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-node-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const address = parseStore(pathToFileURL(join(root, 'bucket')).href)
  const heartbeats = new Heartbeats(await Objects.open(address))
  const node = async (name: string, change: (store: NodeStore) => void = () => {}) => {
    const found = new ClusterNode({
      address,
      cacheFolder: join(root, name),
      roles: ['write', 'query'],
      ownerTimeoutMs: 400,
      keys: ['key'],
      log: () => {},
    })
    const database = await found.start(`http://${name}.example`, async (store) => {
      change(store)
      return await EmbeddedDatabase.open(store)
    })
    const stop = async () => {
      await found.stop()
      await database.close()
      await found.leave()
    }
    return { found, database, stop }
  }
  return { heartbeats, node }
}

test('a new owner tells of itself before its collections move, and goes on however long that takes', async () => {
  const { heartbeats, node } = await started()
  const first = await node('first')
  await first.database.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const held = settled()
  const second = await node('second', (store) => {
    const list = store.list.bind(store)
    store.list = (registry) =>
      list({
        ...registry,
        async replaced(present) {
          await held.promise
          await registry.replaced?.(present)
        },
      })
  })
  const beat = async () => (await heartbeats.list()).find(({ url }) => url === 'http://second.example')
  await expect.poll(async () => (await beat())?.epoch, PATIENCE).toBeNull()
  await first.stop()
  await expect.poll(async () => (await beat())?.epoch, PATIENCE).toBe(2)
  await expect.poll(() => heartbeats.toldEpoch(), PATIENCE).toBe(2)
  const then = (await beat())?.beat as number
  await expect.poll(async () => (await beat())?.beat, PATIENCE).toBeGreaterThan(then + 3)
  expect(second.found.isOwner).toBe(false)
  held.resolve()
  await expect.poll(() => second.found.isOwner, PATIENCE).toBe(true)
  await (await second.database.collection('things')).upsert([{ id: 1, vector: [1] }])
  await second.stop()
  expect(await heartbeats.list()).toEqual([])
})
