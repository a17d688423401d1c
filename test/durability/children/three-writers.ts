/**
 * Lets Node, Lance or the kernel write below one folder, each in its own way.
 *
 *     three-writers <folder> <node | lance | kernel>
 */
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { open as openAsync } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { addon as loadAddon } from '../../../src/native/load.js'

const require = createRequire(import.meta.url)
const [folder = '', writer] = process.argv.slice(2)

async function node(): Promise<void> {
  mkdirSync(join(folder, 'node/deep'), { recursive: true })
  writeFileSync(join(folder, 'node/whole'), 'a whole file')
  copyFileSync(join(folder, 'node/whole'), join(folder, 'node/copy'))
  appendFileSync(join(folder, 'node/whole'), ', and more')
  truncateSync(join(folder, 'node/copy'), 7)
  const handle = await openAsync(join(folder, 'node/deep/vector'), 'w')
  await handle.writev([Buffer.alloc(3000, 1), Buffer.alloc(3000, 2)], 100)
  await handle.datasync()
  await handle.close()
  mkdirSync(join(folder, 'node/gone'))
  writeFileSync(join(folder, 'node/gone/file'), 'removed')
  rmSync(join(folder, 'node/gone'), { recursive: true })
  const synced = openSync(join(folder, 'node'), 'r')
  fsyncSync(synced)
  closeSync(synced)
}

async function lance(): Promise<void> {
  const { connect } = require('@lancedb/lancedb') as typeof import('@lancedb/lancedb')
  const connection = await connect(join(folder, 'lance'))
  const table = await connection.createTable('table', [{ id: 'a', n: 1 }])
  await table.add([{ id: 'b', n: 2 }])
  await table
    .mergeInsert('id')
    .whenMatchedUpdateAll()
    .whenNotMatchedInsertAll()
    .execute([{ id: 'b', n: 3 }])
  await table.optimize({ cleanupOlderThan: new Date() })
  table.close()
}

async function native(): Promise<void> {
  mkdirSync(join(folder, 'kernel'))
  const addon = loadAddon()
  const shard = addon.createShard({
    vectors: [{ name: '', dim: 4, metric: 'l2', m: 8, efConstruct: 32 }],
    segmentBytes: 1 << 20,
    trackChanges: true,
  })
  const ids = new Uint32Array(5)
  ids[1] = 7
  const vectors = [{ vector: 0, data: new Float32Array([1, 2, 3, 4]), rows: null }]
  await addon.upsert(shard, { ids, seq: 1, vectors, payloads: null })
  await addon.checkpoint(shard, join(folder, 'kernel'))
  await addon.closeShard(shard)
}

if (writer === 'node') await node()
if (writer === 'lance') await lance()
if (writer === 'kernel') await native()
