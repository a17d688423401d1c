import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { open } from '../../src/index.js'
import { damagedCachesOn } from './cache.contract.js'
import { databasesOn } from './database.contract.js'
import { type S3Server, startProxy, startS3 } from './s3-server.js'
import { snapshotsOn } from './snapshots.contract.js'

const VARIABLES = ['AWS_ENDPOINT', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']

describe('a database on an S3 store', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3('bucket')
  })
  afterAll(() => {
    server?.stop()
    for (const name of VARIABLES) delete process.env[name]
  })
  const reach = (port: number) =>
    Object.assign(process.env, {
      AWS_ENDPOINT: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
      AWS_REGION: 'us-east-1',
    })
  beforeEach(() => void reach(server.port))

  describe('damage', () => damagedCachesOn(() => `s3://bucket/${randomUUID()}/prefix`))
  describe('snapshots', () => snapshotsOn(() => `s3://bucket/${randomUUID()}/prefix`))
  databasesOn(() => `s3://bucket/${randomUUID()}/prefix`)

  test('a store that ignores conditions is refused, by name and without its keys', async () => {
    const proxy = await startProxy(server.port, ({ headers }) => delete headers['if-none-match'])
    const cache = mkdtempSync(join(tmpdir(), 'vicinal-store-'))
    try {
      reach(proxy.port)
      const address = `s3://bucket/${randomUUID()}/prefix`
      const error: unknown = await open(address, { cache }).catch((cause) => cause)
      expect(error).toMatchObject({ code: 'UNAVAILABLE', details: { store: address } })
      expect(String(error)).toMatch(/of 8 concurrent creations of one object 8 succeeded, and 1 should/)
      expect(JSON.stringify(error)).not.toContain('key-of-the-store')
    } finally {
      proxy.stop()
      rmSync(cache, { recursive: true, force: true })
    }
  })

  test('what cannot be reached is told, without the request', async () => {
    reach(1)
    const cache = mkdtempSync(join(tmpdir(), 'vicinal-store-'))
    const error: unknown = await open('s3://bucket/none', { cache }).catch((cause) => cause)
    rmSync(cache, { recursive: true, force: true })
    expect(error).toMatchObject({ code: 'UNAVAILABLE' })
    expect(String(error)).toMatch(
      /the store s3:\/\/bucket\/none at http:\/\/127\.0\.0\.1:1 could not read vicinal\.json/,
    )
    expect(String(error)).not.toMatch(/Signature|key-of-the-store/)
  })
})
