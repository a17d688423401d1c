import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { ended, inScratch, startChild } from './child.js'
import { scaled, scaledMinutes } from './soak.js'

const KILLS = scaled(8)
const POINTS = 200

describe('kill -9 while collections are replaced by snapshots', () => {
  it(
    'leaves the whole of one or the other, and no remains',
    async () => {
      const random = new Random(runSeed('snapshots under kill -9'))
      let changes = 0
      await inScratch(async (folder) => {
        const snapshots: string[] = []
        const database = await open(folder)
        const collection = await database.createCollection('swapped', { vectors: { size: 2, distance: 'Dot' } })
        for (const which of [0, 1]) {
          const row = (id: number) => ({ id: 2 * id + which, vector: [id, which], payload: { which } })
          await collection.delete({ filter: {} })
          await collection.upsert(Array.from({ length: POINTS + which }, (_, id) => row(id)))
          if (which === 0) await collection.flush()
          snapshots.push((await collection.snapshots.create()).name)
        }
        await database.close()
        for (let kill = 0; kill < KILLS; kill++) {
          const child = startChild('snapshot-swapper', [folder, ...snapshots])
          const end = ended(child)
          await once(child.stdout as NodeJS.ReadableStream, 'data')
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
            // One that the killed process had made and not deleted yet.
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
