/** A service with a full disk or damaged data reports it: in its log, in /issues, and by /readyz. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { open } from '../../src/index.js'
import { inScratch } from './child.js'
import { ServerProcess } from './server-process.js'
import { FOR_EVER, ShimControl } from './shim/control.js'
import { shimEnvironment } from './shim/shim.js'

const WAIT = { timeout: 120_000, interval: 100 }
const KEY = 'a-key-of-some-length'

function prepared(scratch: string) {
  const root = join(scratch, 'root')
  mkdirSync(root)
  const control = ShimControl.create(join(scratch, 'control'))
  control.set(['noRealSync'])
  const env = { ...shimEnvironment({ root, control: control.path }), VICINAL_API_KEY: KEY, VICINAL_LOG_LEVEL: 'info' }
  return { folder: join(root, 'data'), control, env }
}

function asking(server: ServerProcess) {
  const ask = async (method: string, path: string, body?: unknown, key: string | null = KEY) => {
    const headers = { 'content-type': 'application/json', ...(key === null ? {} : { 'api-key': key }) }
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(`${server.url}${path}`, init)
    return { status: response.status, text: await response.text() }
  }
  const logged = (part: string) => server.log.split('\n').filter((line) => line.includes(part))
  return { ask, logged }
}

test('a failed background commit is logged once, appears in /issues, and leaves the service ready', async () => {
  await inScratch(async (scratch) => {
    const { folder, control, env } = prepared(scratch)
    const server = await ServerProcess.start(folder, env)
    try {
      const { ask, logged } = asking(server)
      for (const name of ['sick', 'well']) {
        await ask('PUT', `/collections/${name}`, { vectors: { size: 2, distance: 'Dot' } })
      }
      expect((await ask('GET', '/readyz', undefined, null)).text).toBe('all shards are ready')
      control.fail({ kinds: ['write', 'mkdir'], nth: 1, times: FOR_EVER, failure: 'ENOSPC', path: 'table.lance' })
      await ask('PUT', '/collections/sick/points?wait=true', { points: [{ id: 1, vector: [1, 2] }] })
      await expect.poll(() => logged('DISK_FULL').length, WAIT).toBe(1)
      expect(JSON.parse(logged('DISK_FULL')[0] as string)).toMatchObject({
        level: 'error',
        collection: 'sick',
        about: 'background work',
      })
      expect((await ask('GET', '/issues')).text).toMatch(/Collection `sick`: .*(space|full)/i)
      const told = await ask('GET', '/readyz')
      expect(told.status).toBe(200)
      expect(told.text).toMatch(/^ready, and 1 of the collections are red\nsick: .*(space|full)/i)
      // Only a request with a key sees names of collections.
      for (const key of [null, 'wrong']) {
        const open = await ask('GET', '/readyz', undefined, key)
        expect([open.status, open.text]).toEqual([200, expect.stringMatching(/^ready, and some collections are red/)])
        expect(open.text).not.toContain('sick')
      }
      // The commit is retried, fails again without another line in the log, and then succeeds.
      await expect.poll(() => control.injected, WAIT).toBeGreaterThan(control.injected)
      control.heal()
      await expect.poll(() => logged('is over').length, WAIT).toBe(1)
      expect(logged('DISK_FULL')).toHaveLength(2)
      await expect.poll(async () => (await ask('GET', '/readyz')).text, WAIT).toBe('all shards are ready')
    } finally {
      await server.end('SIGTERM')
    }
  })
})

test("a failed sync of a log is in the service's log although no one waited for the write", async () => {
  await inScratch(async (scratch) => {
    const { folder, control, env } = prepared(scratch)
    const server = await ServerProcess.start(folder, env)
    try {
      const { ask, logged } = asking(server)
      await ask('PUT', '/collections/sick', { vectors: { size: 2, distance: 'Dot' } })
      await ask('POST', '/collections/sick/warm')
      control.fail({ kinds: ['fsync'], nth: 1, times: FOR_EVER, failure: 'EIO', path: '.vlog' })
      expect((await ask('PUT', '/collections/sick/points', { points: [{ id: 1, vector: [1, 2] }] })).status).toBe(200)
      await expect.poll(() => logged('"about":"writes"').length, WAIT).toBe(1)
      expect((await ask('GET', '/issues')).text).toContain('takes no more writes')
      // The result of a check is valid for a second.
      await expect
        .poll(async () => (await ask('GET', '/readyz')).text, WAIT)
        .toMatch(/^ready.*\nsick: .*takes no more writes/)
    } finally {
      await server.end('SIGKILL')
    }
  })
})

test('a collection that cannot be opened is logged; the service is ready for the others, and unready without any', async () => {
  await inScratch(async (scratch) => {
    const folder = join(scratch, 'data')
    const database = await open(folder)
    const uuids: string[] = []
    for (const name of ['broken', 'whole']) {
      await database.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })
      uuids.push(...readdirSync(folder).filter((entry) => entry.startsWith('c-') && !uuids.includes(entry)))
    }
    await database.close()
    const damage = (collection: string) => {
      const log = join(folder, collection, 'log')
      const [file] = readdirSync(log)
      writeFileSync(join(log, file as string), 'no log at all, but for some text that is long enough to be read as one')
    }
    damage(uuids[0] as string)
    /** Opens both, as their first use does. */
    const warm = async ({ url }: ServerProcess) => {
      for (const name of ['broken', 'whole']) await fetch(`${url}/collections/${name}/warm`, { method: 'POST' })
    }
    const readiness = async ({ url }: ServerProcess) => {
      const answer = await fetch(`${url}/readyz`)
      return `${answer.status} ${await answer.text()}`
    }
    const logged = (server: ServerProcess) =>
      server.log.split('\n').filter((line) => line.includes('"about":"opening"'))
    const first = await ServerProcess.start(folder, { VICINAL_LOG_LEVEL: 'info' })
    await warm(first)
    await expect.poll(() => readiness(first), WAIT).toMatch(/^200 ready, and 1 of the/)
    await warm(first)
    const text = async (path: string) => await (await fetch(first.url + path)).text()
    const metrics = await text('/metrics')
    expect(metrics).toContain('collection_red{id="broken"} 1')
    expect(metrics).toContain('collection_red{id="whole"} 0')
    expect(metrics).toContain('collections_total 2')
    expect(JSON.parse(await text('/issues')).result.issues).toEqual([
      expect.objectContaining({ description: expect.stringMatching(/^Collection `broken`: .*log/) }),
    ])
    expect(await text('/cluster/telemetry')).toMatch(/"broken".*"Dead"/)
    expect(await text('/telemetry?details_level=3')).toMatch(/"id":"broken".*"red".*"Dead"/)
    expect(logged(first)).toHaveLength(1)
    await first.end('SIGTERM')
    damage(uuids[1] as string)
    const second = await ServerProcess.start(folder, { VICINAL_LOG_LEVEL: 'info' })
    await warm(second)
    await expect.poll(() => readiness(second), WAIT).toMatch(/^503 not ready, and 2 of the/)
    expect(logged(second)).toHaveLength(2)
    await second.end('SIGTERM')
  })
})

test('a collection whose very name cannot be read is told by why that is', async () => {
  await inScratch(async (scratch) => {
    const folder = join(scratch, 'data')
    const database = await open(folder)
    await database.createCollection('a', { vectors: { size: 2, distance: 'Dot' } })
    await database.close()
    const [uuid] = readdirSync(folder).filter((entry) => entry.startsWith('c-'))
    writeFileSync(join(folder, uuid as string, 'manifest'), 'no manifest at all')
    // The catalogue is a copy of what manifests say.
    rmSync(join(folder, 'catalogue'))
    const server = await ServerProcess.start(folder, {}, { isReady: false })
    const readiness = async () => {
      const answer = await fetch(`${server.url}/readyz`)
      return `${answer.status} ${await answer.text()}`
    }
    const why = /of the collections are red\none of an unknown name: c-[0-9a-f-]+\/manifest: /
    expect(await readiness()).toMatch(/^503 not ready, and 1 of/)
    expect(await readiness()).toMatch(why)
    const text = async (path: string) => await (await fetch(server.url + path)).text()
    expect(await text('/metrics')).toContain('collection_red{id="_unknown"} 1')
    expect(await text('/issues')).toMatch(/A collection whose name cannot be read: c-/)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ vectors: { size: 2, distance: 'Dot' } })
    expect((await fetch(`${server.url}/collections/b`, { method: 'PUT', headers, body })).status).toBe(200)
    await expect.poll(readiness, WAIT).toMatch(/^200 ready, and 1 of/)
    expect(await readiness()).toMatch(why)
    await server.end('SIGTERM')
  })
})
