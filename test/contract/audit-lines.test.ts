/** Lines of the audit log about refusals: whom they name, and what they tell of aliases and of tokens. */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { withInner } from '../../src/core/inner-call.js'
import { Stop } from '../../src/core/stop.js'
import { open } from '../../src/index.js'
import type { ServerOptions } from '../../src/server/app.js'
import { valueExists } from '../../src/server/value-exists.js'
import { QUERY, refused } from './asking.js'
import { startService } from './service.js'

const WRITER = 'a key that may write, of 32 bytes or more'
const HOUR_S = 3_600
const now = () => Math.floor(Date.now() / 1_000)
const signed = (claims: object, key = WRITER) =>
  new SignJWT({ access: 'r', sub: 'eva', ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))
const NOBODY = { collection: 'users', matches: [{ key: 'name', value: 'eva' }] }

async function started(options: Partial<ServerOptions> = {}) {
  const lines: string[] = []
  const audit = { write: (line: string) => void lines.push(line) }
  const service = await startService({ apiKeys: [WRITER], jwtRbac: true, audit, ...options })
  const told = () => lines.map((line) => JSON.parse(line))
  const ask = (method: string, path: string, key: string, body?: object) =>
    service.call(method, path, body, { 'api-key': key })
  return { ...service, told, ask }
}

it('name the holder of a signed token that is refused, and nobody without a right signature', async () => {
  const { ask, told, url } = await started()
  const tokens: [token: string, subject: string][] = [
    [await signed({ exp: now() - HOUR_S }), 'eva'],
    [await signed({ nbf: now() + HOUR_S }), 'eva'],
    [await signed({ access: 'everything' }), 'eva'],
    [await signed({ value_exists: NOBODY }), 'eva'],
    [await signed({ exp: now() - HOUR_S, sub: undefined }), 'token'],
    [await signed({ exp: now() - HOUR_S }, 'a key that the service does not have, of 32 bytes'), 'anyone'],
  ]
  for (const [token] of tokens) expect((await ask('GET', '/collections', token)).status).toBe(401)
  for (const [token] of tokens.filter(([, subject]) => subject !== 'anyone').slice(0, 3))
    expect(await refused(url, QUERY, { headers: { 'api-key': token } })).toBe(401)
  const subjects = tokens.map(([, subject]) => subject)
  await expect.poll(() => told().length).toBe(tokens.length + 3)
  expect(told().map(({ subject }) => subject)).toEqual([...subjects, 'eva', 'eva', 'eva'])
  expect(new Set(told().map(({ outcome }) => outcome))).toEqual(new Set(['UNAUTHENTICATED']))
})

it('name the caller of a write that a service which only reads refuses', async () => {
  const { ask, told } = await started({ isReadOnly: true })
  expect((await ask('PUT', '/collections/a', WRITER, { vectors: { size: 2, distance: 'Dot' } })).status).toBe(403)
  await expect.poll(told).toMatchObject([{ subject: 'write key', outcome: 'READ_ONLY' }])
})

it('tell of a token with value_exists that finds no place for its look', async () => {
  const { ask, told, port } = await started({ maxConcurrentReads: 2 })
  const token = await signed({ value_exists: NOBODY })
  expect((await ask('GET', '/access', token)).status).toBe(401)
  // Each takes a place at its head, and keeps it while its body does not come.
  const head = `POST ${QUERY} HTTP/1.1\r\nHost: localhost\r\napi-key: ${await signed({})}\r\n`
  const socket = connect(port, '127.0.0.1')
  const other = connect(port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    other.destroy()
  })
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n`)
  const second = head.replace(await signed({}), WRITER)
  other.write(`${second}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n`)
  const answer = () => ask('GET', '/access', token)
  await expect.poll(async () => (await answer()).status).toBe(429)
  await expect.poll(() => told().at(-1)).toMatchObject({ subject: 'eva', outcome: 'OVERLOADED', status: 429 })
})

it('tell the names of aliases that are changed, and a bounded number of them', async () => {
  const { ask, told } = await started()
  const alias = (name: string) => ({ create_alias: { alias_name: name, collection_name: 'a' } })
  const change = (...actions: object[]) => ask('POST', '/collections/aliases', WRITER, { actions })
  await ask('PUT', '/collections/a', WRITER, { vectors: { size: 2, distance: 'Dot' } })
  await change(alias('one'))
  await change(
    { rename_alias: { old_alias_name: 'one', new_alias_name: 'two' } },
    { delete_alias: { alias_name: 'x' } },
  )
  await change(...Array.from({ length: 50 }, (_, at) => alias(`many-${at}`)))
  await change({ create_alias: { alias_name: 'one', collection_name: 'gone' } })
  await expect.poll(() => told().length).toBe(5)
  expect(told().slice(1)).toMatchObject([
    { collection: 'a', aliases: ['one'], outcome: 'ok' },
    { collection: null, aliases: ['one', 'two', 'x'], outcome: 'ok' },
    { collection: 'a', aliases: expect.objectContaining({ length: 32 }), moreAliases: 18, outcome: 'ok' },
    { collection: 'gone', aliases: ['one'], outcome: 'NOT_FOUND' },
  ])
})

it('the look for value_exists ends with its request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-value-exists-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await open(folder)
  onTestFinished(() => database.close())
  const users = await database.createCollection('users', { vectors: { size: 2, distance: 'Dot' } })
  await users.upsert([{ id: 1, vector: [1, 1], payload: { name: 'eva' } }])
  const stop = new Stop()
  const call = withInner({ timeoutMs: 60_000 }, { stop })
  expect(await valueExists(database, NOBODY, call)).toBe(true)
  stop.stop()
  await expect(valueExists(database, NOBODY, call)).rejects.toMatchObject({ code: 'CANCELLED' })
})
