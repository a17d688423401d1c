import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../durability/child.js'
import { listening, start } from '../unit/cli/process.js'
import { ControlGroup } from './control-group.js'

const folder = scratchFolder()
/** Like a container's limit of pids: the system refuses threads beyond it. */
const group = ControlGroup.ofThreads('vicinal-threads')
afterAll(async () => {
  group?.remove()
  await rm(folder, { recursive: true })
})

test.skipIf(group === null)(
  'a service without a free thread answers an error where it needs one, goes on, and is complete once it has threads',
  async () => {
    const threads = group as ControlGroup
    const service = start(['serve', '--port', '0', '--data', join(folder, 'data')], folder)
    threads.take(service)
    const { url } = await listening(service)
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, text: await response.text() }
    }
    onTestFinished(() => threads.boundThreads('max'))
    const ok = async (method: string, path: string, body?: unknown) => {
      const answer = await ask(method, path, body)
      expect(answer, `${method} ${path}: ${answer.text}`).toMatchObject({ status: 200 })
      return JSON.parse(answer.text).result
    }
    const points = (from: number, count: number) => ({
      points: Array.from({ length: count }, (_, at) => ({ id: from + at, vector: [at % 7, at % 5, 1, from % 3] })),
    })
    const made = { vectors: { size: 4, distance: 'Euclid' } }
    await ok('PUT', '/collections/c', made)
    await ok('PUT', '/collections/c/points?wait=true', points(0, 2_000))
    await ok('POST', '/collections/c/points/query', { query: [1, 2, 3, 4], limit: 3 })

    threads.boundThreads(Math.max(1, threads.threads))
    // Adding a vector needs a thread of its own.
    const refused = await ask('PUT', '/collections/c/vectors/more', { dense: { size: 4, distance: 'Dot' } })
    expect(refused.status, refused.text).toBe(503)
    expect(refused.text).toMatch(/no thread/)
    for (let at = 0; at < 20; at++) {
      await ok('PUT', '/collections/c/points?wait=true', points(2_000 + 10 * at, 10))
      await ok('POST', '/collections/c/points/query', { query: [1, 2, 3, 4], limit: 3 })
    }
    await ok('GET', '/collections/c')
    expect(service.exitCode).toBeNull()

    threads.boundThreads('max')
    await ok('PUT', '/collections/c/vectors/more', { dense: { size: 4, distance: 'Dot' } })
    expect(await ok('POST', '/collections/c/points/count', { exact: true })).toEqual({ count: 2_200 })
    service.kill()
    await once(service, 'close')
  },
)
