/** Key files of a running service: reread when they change, kept if the new ones are invalid, and warned about. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { listening, start } from './process.js'

const FIRST = 'first-key-0123456789'
const SECOND = 'second-key-0123456789'
const THIRD = 'third-key-0123456789'
/** The promise is 5 s; a machine that is busy with other tests may take far longer. */
const WAIT = { timeout: 120_000, interval: 100 }

test('a changed key file takes effect without a restart, however it is replaced; an invalid one changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  // Like in Kubernetes: a link to a link to a folder, which is swapped.
  for (const [name, key] of [
    ['v1', FIRST],
    ['v2', THIRD],
  ] as const) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'keys'), `${key}\n`, { mode: 0o600 })
  }
  symlinkSync('v1', join(folder, 'data'))
  symlinkSync('data/keys', join(folder, 'keys'))
  const env = { VICINAL_READ_ONLY_API_KEY: 'short' }
  const child = start(['serve', '--port', '0', '--api-key-file', 'keys', '--data', 'db'], folder, env)
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  const { url } = await listening(child)
  const statusOf = async (key: string) => (await fetch(`${url}/collections`, { headers: { 'api-key': key } })).status
  expect(await statusOf(FIRST)).toBe(200)
  expect(await statusOf(SECOND)).toBe(401)

  // In place, with two keys for a while.
  writeFileSync(join(folder, 'v1', 'keys'), `${FIRST}\n${SECOND}\n`)
  await expect.poll(() => statusOf(SECOND), WAIT).toBe(200)
  expect(await statusOf(FIRST)).toBe(200)
  writeFileSync(join(folder, 'v1', 'keys'), `${SECOND}\n`)
  await expect.poll(() => statusOf(FIRST), WAIT).toBe(401)

  // Empty or missing: one error that names the file, and the previous keys stay.
  writeFileSync(join(folder, 'v1', 'keys'), '\n')
  await expect.poll(() => log, WAIT).toContain('no key in it')
  expect(await statusOf(SECOND)).toBe(200)
  rmSync(join(folder, 'v1', 'keys'))
  await expect.poll(() => log, WAIT).toContain('ENOENT')
  expect(await statusOf(SECOND)).toBe(200)

  chmodSync(join(folder, 'v2', 'keys'), 0o644)
  symlinkSync('v2', join(folder, 'data-next'))
  renameSync(join(folder, 'data-next'), join(folder, 'data'))
  await expect.poll(() => statusOf(THIRD), WAIT).toBe(200)
  expect(await statusOf(SECOND)).toBe(401)

  // SIGHUP once ended the process.
  child.kill('SIGHUP')
  await expect.poll(() => log, WAIT).toMatch(/"changed":\[\],.*read again/)
  expect(await statusOf(THIRD)).toBe(200)
  expect(await statusOf('short')).toBe(200)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])

  const lines = log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  const about = (part: string) => lines.filter(({ msg }) => msg.includes(part))
  expect(about('its earlier keys stay valid')).toMatchObject([
    { level: 'error', file: 'keys', reason: expect.stringContaining('no key') },
    { level: 'error', file: 'keys', reason: expect.stringContaining('ENOENT') },
  ])
  expect(about('at least 16 characters')).toMatchObject([
    { level: 'warn', from: 'VICINAL_READ_ONLY_API_KEY', short: 1 },
  ])
  expect(about('readable by other users')).toMatchObject([{ level: 'warn', file: 'keys', mode: '644' }])
  for (const key of [FIRST, SECOND, THIRD, '"short"}']) expect(log).not.toContain(key)
})

test('a short key and a file that others can read cause warnings at the start; SIGHUP does not end the service', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'keys'), `shorty\n${FIRST}\n`)
  chmodSync(join(folder, 'keys'), 0o640)
  const child = start(['serve', '--port', '0', '--api-key-file', 'keys'], folder)
  let log = ''
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  const { url } = await listening(child)
  child.kill('SIGHUP')
  await expect.poll(() => log, WAIT).toContain('read again')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(log).toMatch(/"from":"keys","short":1/)
  expect(log).toMatch(/"file":"keys","mode":"640"/)
  expect(log).not.toContain('shorty')
})

test('tokens end on every serving thread with the key in the file that has signed them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [old, next] = ['o', 'n'].map((letter) => letter.repeat(32)) as [string, string]
  const write = (...keys: string[]) => writeFileSync(join(folder, 'keys'), `${keys.join('\n')}\n`, { mode: 0o600 })
  write(old)
  const args = ['--port', '0', '--api-key-file', 'keys', '--jwt-rbac', '--serving-threads', '2']
  const child = start(['serve', ...args], folder)
  const { url } = await listening(child)
  const signed = (key: string) =>
    new SignJWT({ access: 'r' }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))
  // New connections go to the threads in turn.
  const statuses = async (token: string) => {
    const headers = { 'api-key': token, connection: 'close', 'content-type': 'application/json' }
    const ask = () => fetch(`${url}/collections/none/points/count`, { method: 'POST', headers, body: '{}' })
    return [...new Set((await Promise.all(Array.from({ length: 6 }, ask))).map(({ status }) => status))]
  }
  const [early, late] = await Promise.all([signed(old), signed(next)])
  expect(await statuses(early)).toEqual([404])
  expect(await statuses(late)).toEqual([401])
  write(old, next)
  child.kill('SIGHUP')
  await expect.poll(() => statuses(late), WAIT).toEqual([404])
  expect(await statuses(early)).toEqual([404])
  write(next)
  child.kill('SIGHUP')
  await expect.poll(() => statuses(early), WAIT).toEqual([401])
  expect(await statuses(late)).toEqual([404])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
