import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { connect } from '../../../src/client/index.js'
import { serve, vicinal } from './process.js'

const KEY = 'a key that may write and has 32 bytes or more'

it('makes tokens that a service with the same key takes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-token-'))
  const env = { VICINAL_API_KEY: KEY }
  writeFileSync(join(folder, 'keys'), `short\n${KEY}\n`)
  const token = async (...args: string[]) => (await vicinal(['token', ...args], folder, env)).stdout.trim()
  const reads = await token('--access', 'r', '--collection', 'words', '--expires', '1h', '--subject', 'eva')
  const { payload } = await jwtVerify(reads, Buffer.from(KEY))
  expect(payload).toEqual({ access: [{ collection: 'words', access: 'r' }], exp: expect.any(Number), sub: 'eva' })
  const fromFile = await vicinal(['token', '--access', 'm', '--api-key-file', 'keys'], folder)
  const { url } = await serve(['--jwt-rbac', '--serving-threads', '2'], folder, env)

  const writer = await connect(url, { apiKey: fromFile.stdout.trim() })
  const words = await writer.createCollection('words', { vectors: { size: 2, distance: 'Dot' } })
  await writer.createCollection('others', { vectors: { size: 2, distance: 'Dot' } })
  await words.upsert([{ id: 1, vector: [1, 1] }], { wait: true })
  await writer.close()
  const reader = await connect(url, { apiKey: reads })
  expect(await reader.collections()).toEqual(['words'])
  const read = await reader.collection('words')
  expect(await read.query({ query: [1, 1] })).toHaveLength(1)
  await expect(read.upsert([{ id: 2, vector: [1, 1] }])).rejects.toMatchObject({
    code: 'FORBIDDEN',
    details: { collection: 'words', required: 'rw' },
  })
  await expect(reader.collection('others')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await reader.close()
})

it('says what it needs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-token-'))
  const env = { VICINAL_API_KEY: KEY }
  const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [['--access', 'r'], { VICINAL_API_KEY: 'short' }, /at least 32 bytes/],
    [['--access', 'rw'], env, /expected r, m without --collection, got rw/],
    [['--access', 'm', '--collection', 'a'], env, /expected r, rw, prw with --collection, got m/],
    [['--access', 'r', '--expires', 'soon'], env, /such as 30m, 1h or 7d, got soon/],
  ]
  for (const [args, environment, what] of cases) {
    const { code, stderr } = await vicinal(['token', ...args], folder, environment)
    expect([code, stderr]).toEqual([2, expect.stringMatching(what)])
  }
})
