/** A reader that is cut off from the store goes on by what the owner pushes, and one cut off from the owner by the store. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/index.js'
import { serve } from '../unit/cli/process.js'
import { startS3 } from './s3-server.js'

const PATIENCE = { timeout: 300_000, interval: 50 }

/** Passes connections on to a port, unless it is cut. */
async function startRelay() {
  const sockets = new Set<Socket>()
  const relay = { port: 0, to: 0, isCut: false, connections: () => sockets.size / 2, cut }
  const server = createServer((incoming) => {
    if (relay.isCut) return void incoming.destroy()
    const outgoing = dial(relay.to, '127.0.0.1')
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  function cut() {
    relay.isCut = true
    for (const socket of sockets) socket.destroy()
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  relay.port = (server.address() as AddressInfo).port
  onTestFinished(() => {
    cut()
    server.close()
  })
  return relay
}

test('a reader gets batches from the owner without the store, and from the store without the owner', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-push-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const s3 = await startS3('bucket')
  onTestFinished(() => s3.stop())
  const [toStore, toOwner] = [await startRelay(), await startRelay()]
  toStore.to = s3.port
  const node = async (role: string, port: number, more: string[] = []) => {
    const args = ['--store', 's3://bucket/push', '--cache', join(root, role), '--role', role, ...more]
    const { url } = await serve(args, root, {
      VICINAL_CLUSTER_KEY: 'a-key-that-only-nodes-have',
      AWS_ENDPOINT: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
      AWS_REGION: 'us-east-1',
    })
    const database = await connect(url)
    onTestFinished(() => database.close())
    return { url, database }
  }
  const owner = await node('write', s3.port, ['--advertise', `http://127.0.0.1:${toOwner.port}`])
  toOwner.to = Number(new URL(owner.url).port)
  const written = await owner.database.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  await written.upsert([{ id: 1, vector: [1] }])
  const reader = await node('query', toStore.port)
  const count = async () => {
    const found = await reader.database.collection('things').catch(() => null)
    return found ? await found.count() : null
  }
  await expect.poll(count, PATIENCE).toBe(1)
  await expect.poll(() => toOwner.connections(), PATIENCE).toBeGreaterThan(0)
  await written.upsert([{ id: 2, vector: [2] }])
  await expect.poll(count, PATIENCE).toBe(2)

  toStore.cut()
  const { watermark } = await written.upsert([{ id: 3, vector: [3] }])
  await expect.poll(count, PATIENCE).toBe(3)
  const read = await reader.database.collection('things')
  expect(await read.count({ after: watermark as string })).toBe(3)

  toStore.isCut = false
  toOwner.cut()
  await written.upsert([{ id: 4, vector: [4] }])
  await expect.poll(count, PATIENCE).toBe(4)

  toOwner.isCut = false
  await expect.poll(() => toOwner.connections(), PATIENCE).toBeGreaterThan(0)
  await written.upsert([{ id: 5, vector: [5] }])
  await expect.poll(count, PATIENCE).toBe(5)
})
