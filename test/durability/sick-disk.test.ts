import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IMAGE_SIZE, MAIN } from '../oracle/fault-workload.js'
import { inScratch, runChild } from './child.js'
import { ServerProcess } from './server-process.js'
import { FOR_EVER, ShimControl } from './shim/control.js'
import { shimEnvironment } from './shim/shim.js'

function prepared(scratch: string) {
  const root = join(scratch, 'root')
  mkdirSync(root)
  const control = ShimControl.create(join(scratch, 'control'))
  control.set(['noRealSync'])
  return { folder: join(root, 'data'), control, env: shimEnvironment({ root, control: control.path }) }
}

describe('a full disk refuses writes as DISK_FULL, reads go on, and writing resumes without a restart', () => {
  it.each(['full-log', 'full-byte-by-byte', 'full-flush', 'full-manifest', 'full-compaction'])('%s', async (scene) => {
    await inScratch(async (scratch) => {
      const { folder, control, env } = prepared(scratch)
      const result = await runChild('sick-disk', [scene, folder, control.path], env)
      expect(result.stderr).toBe('')
      expect(result.code).toBe(0)
    })
  })

  it('over HTTP as 507', async () => {
    await inScratch(async (scratch) => {
      const { folder, control, env } = prepared(scratch)
      const server = await ServerProcess.start(folder, env)
      try {
        const call = async (method: string, path: string, body?: unknown) => {
          const headers = { 'content-type': 'application/json' }
          const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) }
          const response = await fetch(`${server.url}/collections/${MAIN}${path}`, init)
          return { status: response.status, text: await response.text() }
        }
        const put = (id: number) =>
          call('PUT', '/points?wait=true', { points: [{ id, vector: new Array(IMAGE_SIZE).fill(id) }] })
        expect((await call('PUT', '', { vectors: { size: IMAGE_SIZE, distance: 'Dot' } })).status).toBe(200)
        expect((await put(1)).status).toBe(200)
        control.fail({ kinds: ['write'], nth: 1, times: FOR_EVER, failure: 'ENOSPC', path: '.vlog' })
        const refused = await put(2)
        expect(refused.status).toBe(507)
        expect(refused.text).toMatch(/full|space/i)
        expect((await call('GET', '/points/1')).status).toBe(200)
        expect((await call('GET', '/points/2')).status).toBe(404)
        control.heal()
        expect((await put(2)).status).toBe(200)
      } finally {
        await server.end('SIGTERM')
      }
    })
  })
})

describe('a failing fsync', () => {
  it('of the log stops acknowledgements with a clear error, and reads go on', async () => {
    await inScratch(async (scratch) => {
      const { folder, control, env } = prepared(scratch)
      const result = await runChild('sick-disk', ['failing-log-sync', folder, control.path], env)
      expect(result.stderr).toBe('')
      expect(result.code).toBe(0)
    })
  })
})
