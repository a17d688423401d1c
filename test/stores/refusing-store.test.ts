/** A store that refuses everything, or answers nothing: an opening ends by name, and is taken over by the next one. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseStore, type StoreAddress } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { GroupReader } from '../../src/bucket/group-reader.js'
import { Objects } from '../../src/bucket/objects.js'
import { prepareStore } from '../../src/bucket/prepared-store.js'
import { REPOSITORY } from '../durability/child.js'
import { Random } from '../oracle/fault-random.js'
import { FaultyProxy, REPEATED, type StoreRequest } from './faulty-proxy.js'
import { type S3Server, startS3 } from './s3-server.js'

/** 28 s, and time for a busy machine. */
const SOON_MS = 45_000
const SHUTDOWN_MS = 10_000
const KEY = new Uint8Array(Buffer.from('c/one'))
const SECRET = 'key-of-the-store'

let server: S3Server
beforeAll(async () => {
  server = await startS3('bucket')
})
const proxies: FaultyProxy[] = []
const folders: string[] = []
afterAll(() => {
  for (const store of proxies) store.stop()
  server?.stop()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const variables = (port: number) => ({
  AWS_ENDPOINT: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_REGION: 'us-east-1',
})

/** A store with a database, behind a proxy. */
async function madeStore(): Promise<{ store: FaultyProxy; url: string; address: StoreAddress }> {
  const url = `s3://bucket/${randomUUID()}`
  const direct = parseStore(url, variables(server.port))
  await prepareStore(direct)
  const group = await Group.open(direct)
  await group.write({ puts: [[KEY, KEY]] })
  await group.close()
  const store = await FaultyProxy.start(server.port, new Random(1))
  proxies.push(store)
  return { store, url, address: parseStore(url, variables(store.port)) }
}

const isOfLog = ({ path }: StoreRequest) => path.includes('/log/')
const FAULTS: Record<string, [(store: FaultyProxy) => void, RegExp]> = {
  'refuses by 403': [(store) => Object.assign(store, { refuses: () => 403 }), /status 403/],
  'lists, and refuses to read': [
    (store) => Object.assign(store, { refuses: (of: StoreRequest) => (of.path.includes('list-type') ? null : 403) }),
    /status 403/,
  ],
  'answers 500 for ever': [(store) => Object.assign(store, { refuses: () => 500 }), /status 500/],
  'cannot be reached': [(store) => Object.assign(store, { isCut: true }), /could not list log\/manifest\//],
  'answers nothing': [(store) => Object.assign(store, { silent: () => true }), /the store does not answer/],
}

const OPENINGS = {
  reader: async (address: StoreAddress) => await GroupReader.open(address),
  owner: async (address: StoreAddress) => await Group.open(address),
}

describe.concurrent.each(Object.entries(OPENINGS))('a %s', (_, open) => {
  test.concurrent.each(Object.entries(FAULTS))(
    'of a store that %s is refused by name, and later goes on',
    async (__, [fault, reason]) => {
      const { store, address } = await madeStore()
      fault(store)
      const beganMs = performance.now()
      const error: unknown = await open(address).catch((cause) => cause)
      expect(performance.now() - beganMs).toBeLessThan(SOON_MS)
      expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(reason) })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(new RegExp(`${REPEATED}|${SECRET}`))
      store.heal()
      const group = await open(address)
      expect(await group.get(KEY)).toEqual(KEY)
      await group.close()
    },
    3 * SOON_MS,
  )
})

test(
  'a query node ends with the reason',
  async () => {
    const { store, url } = await madeStore()
    store.refuses = (request) => (isOfLog(request) ? 403 : null)
    const root = mkdtempSync(join(tmpdir(), 'vicinal-refusing-'))
    folders.push(root)
    const args = ['serve', '--port', '0', '--store', url, '--cache', join(root, 'cache'), '--role', 'query']
    const beganMs = performance.now()
    const ended = await new Promise<{ code: unknown; signal: unknown; stderr: string }>((resolve) => {
      const env = { PATH: process.env.PATH, HOME: root, ...variables(store.port) }
      execFile(
        process.execPath,
        [join(REPOSITORY, 'dist/cli/main.js'), ...args],
        { env, cwd: root },
        (error, _, stderr) => resolve({ code: error?.code ?? 0, signal: error?.signal ?? null, stderr }),
      )
    })
    // Its last call of the database is never answered, so that it is killed.
    expect(performance.now() - beganMs).toBeLessThan(SOON_MS + SHUTDOWN_MS)
    expect([ended.code === 1 || ended.signal === 'SIGKILL', ended]).toMatchObject([
      true,
      { stderr: expect.stringMatching(/could not list log\/.*status 403/) },
    ])
    expect(ended.stderr).not.toContain(REPEATED)
  },
  2 * SOON_MS,
)

test(
  'a database that answers slowly is waited for while its store answers',
  async () => {
    const { store, address } = await madeStore()
    const manifests = (await (await Objects.open(address)).list('log/manifest/')).length
    expect(manifests).toBeGreaterThan(0)
    let release: () => void = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    store.hold = ({ method, path }) => (method === 'GET' && path.includes('/log/wal/') ? released : null)
    const opening = GroupReader.open(address)
    const timer = setTimeout(release, SOON_MS)
    const reader = await opening
    clearTimeout(timer)
    expect(await reader.get(KEY)).toEqual(KEY)
    await reader.close()
  },
  3 * SOON_MS,
)
