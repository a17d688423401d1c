/** Nodes by their roles: one that waits for an owner, one with the role write alone, and nodes behind certificates. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../unit/cli/process.js'
import {
  API_KEY,
  CLUSTER_KEY,
  make,
  Node,
  node,
  nodes,
  PATIENCE,
  POINTS,
  read,
  root,
  startsNodes,
  store,
  upsert,
  write,
} from './nodes.js'

startsNodes()

test('a query node on a store without an owner waits, says so, and goes on once there is one', async () => {
  const port = await freePort()
  const waiting = new Node(
    `http://127.0.0.1:${port}`,
    start(
      [
        'serve',
        '--port',
        String(port),
        '--log-level',
        'error',
        '--store',
        store(),
        '--cache',
        join(root, 'waits'),
        '--role',
        'query',
      ],
      root,
      { VICINAL_API_KEY: API_KEY, VICINAL_CLUSTER_KEY: CLUSTER_KEY },
    ),
  )
  nodes.push(waiting)
  const asked = (path: string) => waiting.ask('GET', path).catch(() => ({ status: 0, result: '', error: '' }))
  await expect.poll(async () => (await asked('/livez')).status, PATIENCE).toBe(200)
  const noOwner = /the store has no owner yet: start a node with the role write/
  await expect.poll(async () => String((await asked('/readyz')).result), PATIENCE).toMatch(noOwner)
  expect(await asked('/readyz')).toMatchObject({ status: 503 })
  expect(await asked('/collections')).toMatchObject({ status: 503, error: expect.stringMatching(noOwner) })
  const owner = await write()
  await make(owner)
  await upsert(owner, 1)
  await expect.poll(async () => (await asked('/readyz')).status, PATIENCE).toBe(200)
  await expect
    .poll(async () => (await waiting.ask('POST', `${POINTS}/count`, {})).result, PATIENCE)
    .toEqual({ count: 1 })
  expect(waiting.log).toMatch(noOwner)
})

test('a query node that waits for an owner stops when it is asked to', async () => {
  const waiting = start(
    [
      'serve',
      '--port',
      '0',
      '--log-level',
      'error',
      '--store',
      store(),
      '--cache',
      join(root, 'waits'),
      '--role',
      'query',
    ],
    root,
  )
  const exited = once(waiting, 'exit')
  let log = ''
  waiting.stderr?.on('data', (text) => {
    log += text
  })
  await expect.poll(() => log, PATIENCE).toMatch(/no owner yet/)
  waiting.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

test('a node with the role write alone has a query node answer reads of points, and says so where there is none', async () => {
  const owner = await node('write')
  await make(owner)
  expect((await upsert(owner, 1)).status).toBe(200)
  const alone = await owner.ask('POST', `${POINTS}/count`, {})
  expect(alone).toMatchObject({ status: 503, error: expect.stringMatching(/role write alone, and knows of no node/) })
  expect(alone.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await owner.must('GET', '/collections/things')).toMatchObject({ points_count: 1 })
  const reader = await read()
  const count = async () => (await owner.retried('POST', `${POINTS}/count`, {})) as { count: number }
  expect(await count()).toEqual({ count: 1 })
  for (let id = 2; id <= 5; id++) {
    await upsert(owner, id)
    expect(await count()).toEqual({ count: id })
    expect(await owner.must('GET', `${POINTS}/${id}`)).toMatchObject({ payload: { n: id } })
  }
  const { nodes: known } = await owner.cluster()
  expect(known.find(({ url }) => url === owner.url)).toMatchObject({ roles: ['write'] })
  expect(await owner.ask('POST', `${POINTS}/count`, { filter: 1 })).toMatchObject({ status: 400 })
  await reader.end('SIGKILL')
  await expect.poll(async () => (await owner.ask('POST', `${POINTS}/count`, {})).status, PATIENCE).toBe(503)
})

test('a read that one query node does not answer is answered by another, and a dead node is not asked', async () => {
  const owner = await node('write')
  await make(owner)
  await upsert(owner, 1)
  const [first, second] = await Promise.all([read(), read()])
  const count = () => owner.ask('POST', `${POINTS}/count`, {})
  const known = async () => (await owner.cluster()).nodes.map(({ url }) => url)
  await expect.poll(known, PATIENCE).toHaveLength(3)
  await expect.poll(async () => (await count()).status, PATIENCE).toBe(200)
  const all = async () => {
    for (let at = 0; at < 12; at++) expect(await count()).toMatchObject({ status: 200, result: { count: 1 } })
  }
  await all()
  await (first as Node).end('SIGKILL')
  await all()
  const stranger = await node('query', 'a-key-of-another-cluster')
  await expect.poll(known, PATIENCE).toContain(stranger.url)
  await all()
  const later = await node('write')
  await expect.poll(async () => (await later.ask('POST', `${POINTS}/count`, {})).status, PATIENCE).toBe(200)
  for (let at = 0; at < 12; at++) expect((await later.ask('POST', `${POINTS}/count`, {})).status).toBe(200)
  expect(await (second as Node).count()).toBe(1)
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

test.skipIf(!hasOpenssl)('nodes reach each other by TLS, with a certificate of their own', async () => {
  const [cert, certKey] = [join(root, 'cert.pem'), join(root, 'key.pem')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', certKey, '-out', cert, '-days', '2']
  execFileSync('openssl', [...made, '-subj', '/CN=vicinal', '-addext', 'subjectAltName=IP:127.0.0.1'], {
    stdio: 'ignore',
  })
  const tls = ['--tls-cert', cert, '--tls-key', certKey]
  const owner = await node('write,query', CLUSTER_KEY, { args: tls, env: { NODE_EXTRA_CA_CERTS: cert } })
  const reader = await node('query', CLUSTER_KEY, { env: { NODE_EXTRA_CA_CERTS: cert } })
  const distrustful = await node('query')
  expect(owner.url).toMatch(/^https:/)
  await make(reader)
  expect((await upsert(reader, 1)).status).toBe(200)
  expect(await reader.count()).toBe(1)
  await expect.poll(() => reader.ownerUrl(), PATIENCE).toBe(owner.url)
  // A node that does not trust the certificate sends nothing, and reads what the store has.
  await expect.poll(async () => (await upsert(distrustful, 2)).error, PATIENCE).toMatch(/did not answer/)
  await expect.poll(() => distrustful.count(), PATIENCE).toBe(1)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
