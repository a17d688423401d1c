import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { ended, inScratch, startChild } from './child.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

const KILLS = scaled(8)
const POINTS = 200

describe('kill -9 while collections are replaced by snapshots', () => {
  it(
    'leaves one of the two collections complete, and no remains',
    async () => {
      const random = new Random(runSeed('snapshots under kill -9'))
      let changes = 0
      await inScratch(async (folder) => {
        const snapshots: string[] = []
        const database = await open(folder)
        const collection = await database.createCollection('swapped', { vectors: { size: 2, distance: 'Dot' } })
        for (const which of [0, 1]) {
          const row = (id: number) => ({ id: 2 * id + which, vector: [id, which], payload: { which } })
          await collection.delete({ all: true })
          await collection.upsert(Array.from({ length: POINTS + which }, (_, id) => row(id)))
          if (which === 0) await collection.flush()
          snapshots.push((await collection.snapshots.create()).name)
        }
        await database.close()
        // A busy machine makes fewer changes between two kills.
        for (let kill = 0; kill < KILLS || (changes <= KILLS && kill < 6 * KILLS); kill++) {
          const child = startChild('snapshot-swapper', [folder, ...snapshots])
          const end = ended(child)
          await once(child.stdout as NodeJS.ReadableStream, 'data')
          // The kill comes at a random moment.
          await sleep(random.below(1_000))
          child.kill('SIGKILL')
          const last = Number((await end).stdout.trimEnd().split('\n').at(-1))
          changes += last + 1
          const reopened = await open(folder)
          expect(await reopened.collections()).toEqual(['swapped'])
          const found = await reopened.collection('swapped')
          const { points } = await found.scrollPage({ limit: 1000, withVector: true })
          const which = points.length - POINTS
          expect([last % 2, (last + 1) % 2]).toContain(which)
          for (const [i, { id, payload, vector }] of points.entries()) {
            expect([id, payload, vector]).toEqual([2 * i + which, { which }, Float32Array.of(i, which)])
          }
          const entries = readdirSync(folder).filter((name) => /^(c|tmp|trash)-/.test(name))
          expect(entries, 'one folder of one collection').toHaveLength(1)
          const whole = await found.snapshots.list()
          for (const { name, bytes } of whole) {
            let read = 0
            for await (const chunk of (await found.snapshots.read(name)).chunks) read += chunk.byteLength
            expect(read).toBe(bytes)
            // A snapshot that the killed process had made but not deleted yet.
            if (!snapshots.includes(name)) await found.snapshots.delete(name)
          }
          await reopened.close()
        }
        expect(readdirSync(join(folder, 'snapshots')).filter((name) => name.endsWith('.snapshot'))).toHaveLength(2)
      })
      expect(changes, 'acknowledged changes').toBeGreaterThan(KILLS)
    },
    scaledMinutes(2),
  )
})

describe('kill -9 while a snapshot is made for one answer, or read', () => {
  it(
    'leaves nothing of it after the next start',
    async () => {
      await inScratch(async (folder) => {
        const database = await open(folder)
        // More than the buffers between the service and a reader that does not read.
        const size = 512
        const collection = await database.createCollection('streamed', { vectors: { size, distance: 'Dot' } })
        const count = 8_000
        const ids = Uint32Array.from({ length: count }, (_, id) => id)
        await collection.upsert({ ids, vectors: new Float32Array(count * size).fill(0.5) })
        await database.close()
        for (const killMs of [5, 40, 120, 'reading'] as const) {
          const server = await ServerProcess.start(folder)
          const request = get(`${server.url}/collections/streamed/shards/0/snapshot`)
          request.on('error', () => {})
          if (killMs === 'reading') {
            const [response] = await once(request, 'response')
            response.on('error', () => {})
            expect(Number(response.headers['content-length'])).toBeGreaterThan(count * size * 4)
            const list = await (await fetch(`${server.url}/collections/streamed/snapshots`)).json()
            expect(list).toMatchObject({ result: [] })
            // The kill comes at different moments of the making.
          } else await sleep(killMs)
          await server.end('SIGKILL')
          request.destroy()
          const reopened = await open(folder)
          expect(await (await reopened.collection('streamed')).count()).toBe(count)
          await reopened.close()
          const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
          expect(entries.filter((name) => /^tmp-|\.snapshot/.test(name))).toEqual([])
        }
      })
    },
    scaledMinutes(2),
  )
})
