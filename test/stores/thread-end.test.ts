/**
 * Threads of a store's database end while the store still owes them answers. Each runs in a process of its own: an answer
 * to a thread that is gone would end the process without a word.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Random, runSeed } from '../oracle/fault-random.js'
import { FaultyProxy, type StoreRequest } from './faulty-proxy.js'
import { type S3Server, startS3 } from './s3-server.js'

const PATIENCE = { timeout: 60_000, interval: 20 }
const DIST = new URL('../../dist/', import.meta.url).href
let server: S3Server
let proxy: FaultyProxy

beforeAll(async () => {
  server = await startS3('bucket')
})
afterAll(() => server.stop())
afterEach(() => proxy.stop())

/** `next` resolves with each line of the standard input. */
const PREFACE = `
  import { createInterface } from 'node:readline'
  import { parseStore } from '${DIST}bucket/address.js'
  import { Group } from '${DIST}bucket/group.js'
  import { GroupReader } from '${DIST}bucket/group-reader.js'
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const next = () => lines.next()
  const say = (text) => process.stdout.write(text + '\\n')
  const key = (text) => Buffer.from(text)
  const address = parseStore('s3://bucket/' + process.env.PREFIX, process.env)
`

async function child(script: string) {
  proxy = await FaultyProxy.start(server.port, new Random(runSeed('ends of threads')))
  const running = spawn(process.execPath, ['--input-type=module', '-e', PREFACE + script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      PREFIX: randomUUID(),
      AWS_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
  })
  const exit = once(running, 'exit') as Promise<[number | null, string | null]>
  const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]()
  const said = async () => (await lines.next()).value as string | undefined
  return { exit, said, goOn: () => running.stdin.write('\n') }
}

/** Holds all requests of a kind until the function that it returns is called. */
function holdAll(isHeld: (request: StoreRequest) => boolean): () => void {
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  proxy.hold = (request) => (isHeld(request) ? released : null)
  return () => {
    proxy.hold = null
    release()
  }
}

const heldCount = () => proxy.injected.get('held') ?? 0

test.each([
  ['opens its database anew', 'position(true)', '/manifest/'],
  ['reads from a table', "get(key('c/a'))", '/compacted/'],
])(
  'a reader is closed while it %s, and the store answers then',
  async (_, call, part) => {
    // Two batches of half of the memory are flushed into a table.
    const { exit, said, goOn } = await child(
      `const group = await Group.open(address, { memoryBytes: 8 << 20 })
     for (const name of ['c/a', 'c/b', 'c/d']) await group.write({ puts: [[key(name), Buffer.alloc(4 << 20, 1)]] })
     const reader = await GroupReader.open(address)
     say('open')
     await next()
     reader.${call}.catch(() => undefined)
     await next()
     await reader.close()
     say('closed')
     await next()
     await group.write({ puts: [[key('c/e'), key('2')]] })
     say('alive')
     await group.close()
     process.exit(0)`,
    )
    expect(await said()).toBe('open')
    const release = holdAll(({ method, path }) => method === 'GET' && path.includes(part))
    goOn()
    await expect.poll(heldCount, PATIENCE).toBeGreaterThan(0)
    goOn()
    expect(await said()).toBe('closed')
    release()
    goOn()
    expect(await said()).toBe('alive')
    expect(await exit).toEqual([0, null])
  },
  120_000,
)

test.each(Array.from({ length: 10 }, (_, round) => [round % 2 === 0 ? 'write' : 'read', round >> 1]))(
  'an exit beside a %s under way ends the process with its own code (%i)',
  async (call) => {
    const { exit, said, goOn } = await child(
      `const group = await Group.open(address)
     await group.write({ puts: [[key('c/a'), key('1')]] })
     const reader = await GroupReader.open(address)
     const calls = { write: () => group.write({ puts: [[key('c/b'), key('2')]] }), read: () => reader.position(true) }
     say('open')
     await next()
     calls.${call}().catch(() => undefined)
     await next()
     process.exit(7)`,
    )
    expect(await said()).toBe('open')
    const release = holdAll(({ method, path }) => (call === 'write' ? method === 'PUT' : path.includes('/manifest/')))
    goOn()
    await expect.poll(heldCount, PATIENCE).toBeGreaterThan(0)
    goOn()
    // The store answers about when the process takes its threads away.
    setTimeout(release, 5)
    expect(await exit).toEqual([7, null])
  },
  120_000,
)

test('a process whose opening was given up ends by itself, though SlateDB asks on', async () => {
  const { exit, said, goOn } = await child(
    `say('up')
     await next()
     await Group.open(address).catch((error) => say(error.code))
     process.stdin.destroy()`,
  )
  expect(await said()).toBe('up')
  proxy.refuses = ({ path }) => (path.includes('/manifest/') ? 403 : null)
  goOn()
  expect(await said()).toBe('UNAVAILABLE')
  const refused = proxy.injected.get('refused') ?? 0
  expect(refused).toBeGreaterThan(1)
  expect(await exit).toEqual([0, null])
}, 120_000)
