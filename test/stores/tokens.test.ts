/** Tokens at a node that hands requests on: their rights, subjects and ends hold at the node that answers. */

import { join } from 'node:path'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { entriesOf } from '../observe/entries.js'
import {
  type Answer,
  API_KEY,
  CLUSTER_KEY,
  make,
  type Node,
  node,
  PATIENCE,
  POINTS,
  point,
  root,
  startsNodes,
} from './nodes.js'

startsNodes()

const signed = (claims: object) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(API_KEY))
const listed = (...names: string[]) =>
  signed({ access: names.map((collection) => ({ collection, access: 'rw' })), sub: 'Éva\ud800✓' })
const ALL = Buffer.from('"m"').toString('base64url')

async function two(ownerRole: string): Promise<{ owner: Node; reader: Node; audit: string }> {
  const audit = join(root, 'audit')
  const owner = await node(ownerRole, CLUSTER_KEY, { args: ['--jwt-rbac', '--audit-log', audit] })
  const reader = await node('query', CLUSTER_KEY, { args: ['--jwt-rbac'] })
  return { owner, reader, audit }
}

/** The answer of a node that is no longer waiting for another one. */
async function settled(at: Node, ...asked: Parameters<Node['ask']>): Promise<Answer> {
  let answer: Answer | undefined
  const status = async () => {
    answer = await at.ask(...asked)
    return answer.status
  }
  await expect.poll(status, PATIENCE).not.toBe(503)
  return answer as Answer
}

const follows = (at: Node, name: string) =>
  expect.poll(async () => (await at.ask('GET', `/collections/${name}`)).status, PATIENCE).toBe(200)

test('the rights of a token hold at the owner, and no client can tell it others', async () => {
  const { owner, reader, audit } = await two('write,query')
  await make(owner)
  const ingestion = { quarantine: 'aside', rules: [{ check: 'zero', action: 'quarantine' }] }
  const ruled = { vectors: { size: 4, distance: 'Dot' }, ingestion }
  await owner.must('PUT', '/collections/ruled', ruled)
  await owner.must('PUT', '/collections/ruled/points?wait=true', { points: [{ id: 7, vector: [0, 0, 0, 0] }] })
  await follows(reader, 'ruled')
  const asked = (token: string, method: string, path: string, body?: unknown, more = {}) =>
    settled(reader, method, path, body, { 'api-key': token, ...more })
  const things = await listed('things')
  const points = { points: [point(1)] }
  const id = { 'x-request-id': 'passed-on' }
  expect(await asked(things, 'PUT', `${POINTS}?wait=true`, points, id)).toMatchObject({ status: 200 })
  const line = { subject: 'Éva\ufffd✓', collection: 'things', outcome: 'ok' }
  const lines = () => entriesOf(audit).filter(({ reqId }) => reqId === 'passed-on')
  await expect.poll(lines, PATIENCE).toMatchObject([line])

  const told = { 'x-vicinal-rights': ALL, 'x-vicinal-actor': 'root' }
  for (const more of [{}, told]) {
    expect(await asked(things, 'PUT', '/collections/ruled/points', points, more)).toMatchObject({ status: 403 })
    expect(await asked(things, 'DELETE', '/collections/things', undefined, more)).toMatchObject({ status: 403 })
  }
  const { owner: own } = await owner.cluster()
  const inside = (more: object, path = `/internal${POINTS}`) =>
    settled(owner, 'PUT', path, points, { 'x-vicinal-to': String(own), ...more })
  expect(await inside({ 'api-key': things, ...told })).toMatchObject({ status: 401 })
  expect(await inside({ 'api-key': API_KEY, ...told })).toMatchObject({ status: 401 })
  // Of a node: what it says of its caller holds.
  const rights = (claim: unknown) => Buffer.from(JSON.stringify(claim)).toString('base64url')
  const node = { 'api-key': CLUSTER_KEY }
  expect(await inside({ ...node, 'x-vicinal-rights': rights([{ collection: 'things', access: 'r' }]) })).toMatchObject({
    status: 403,
  })
  expect(await inside({ ...node, 'x-vicinal-rights': 'garbage' })).toMatchObject({ status: 403 })
  const stream = { ...node, 'x-vicinal-to': String(own), 'content-type': 'application/x-ndjson' }
  const ended = await settled(owner, 'POST', '/internal/collections/things/ingest', point(2), {
    ...stream,
    'x-vicinal-expires': '1',
  })
  expect(ended.error).toBe('The token has expired')

  // The owner knows the quarantine, and has the rights of the token.
  const path = '/collections/ruled/ingest/repair'
  const repair = { ids: [7], fix: 'clamp' }
  const refusal = await asked(await listed('ruled'), 'POST', path, repair)
  expect(refusal).toMatchObject({ status: 403, error: 'Forbidden: access to collection "aside" is required' })
  expect((await asked(await listed('ruled', 'aside'), 'POST', path, repair)).status).toBe(200)
})

test('a node that answers reads of another one asks the rights to each collection that a query names', async () => {
  const { owner, reader } = await two('write')
  await make(owner)
  await owner.must('PUT', '/collections/others', { vectors: { size: 4, distance: 'Dot' } })
  for (const name of ['things', 'others'])
    await owner.must('PUT', `/collections/${name}/points?wait=true`, { points: [point(1)] })
  await follows(reader, 'others')
  const query = { query: 1, lookup_from: { collection: 'others' } }
  const status = async (token: string, body: object) =>
    (await settled(owner, 'POST', `${POINTS}/query`, body, { 'api-key': token })).status
  const both = await listed('things', 'others')
  await expect.poll(() => status(both, query), PATIENCE).toBe(200)
  expect(await status(await listed('things'), query)).toBe(403)
  expect(await status(await listed('things'), { prefetch: [query], query: [1, 1, 1, 1] })).toBe(403)
  expect(await status(await listed('things'), { query: [1, 1, 1, 1] })).toBe(200)
})
