import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import type { PointVector } from '../../src/core/point.js'
import type { VectorNameConfig } from '../../src/core/schema.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { freshProgress, makeLanes } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { inScratch } from './child.js'
import { checkAfterKill, lifeOf } from './server-life.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(6)
const LIFE_MS = { least: 500, most: 2_500 }
/** The progress of a machine that is also busy with other tests. */
const LEAST_CHANGES = CYCLES / 2
const NAME = 'extra'
/** A vector in the lanes' collection: the lanes' points never have it, so it is in none of their answers. */
const OWN = 'own'
const OWN_POINTS = 200

/** Identifies the vector that has the name by its dimensions; 0 means none. */
type Size = number

/**
 * Adds and drops a vector again and again, in the lanes' collection and in one of its own, until the server is gone.
 */
class Changer {
  acknowledged: Size = 0
  begun: Size = 0
  /** Its own points that certainly have the vector. */
  written: number[] = []
  count = 0

  async run(database: Database, random: Random): Promise<void> {
    try {
      const [main, own] = [await database.collection(MAIN), await database.collection(OWN)]
      for (;;) {
        const size = this.acknowledged === 0 ? 2 + random.below(6) : 0
        this.begun = size
        const config: VectorNameConfig = { dense: { size, distance: 'Dot' } }
        const change = (collection: typeof main) =>
          size === 0 ? collection.deleteVectorName(NAME) : collection.createVectorName(NAME, config)
        await Promise.all([change(main), change(own)])
        this.acknowledged = size
        this.written = []
        this.count++
        if (size > 0) {
          const ids = random.distinct(20, OWN_POINTS)
          await own.updateVectors(ids.map((id) => ({ id, vector: { [NAME]: vectorOf(id, size) } as PointVector })))
          this.written = ids
        }
        // The next change comes at a random moment of the work for this one.
        await sleep(random.below(100))
      }
    } catch {
      // The server is gone, which ends the loop.
    }
  }

  async check(database: Database): Promise<void> {
    for (const name of [MAIN, OWN]) {
      const { config } = await (await database.collection(name)).info()
      expect([this.acknowledged, this.begun]).toContain(sizeIn(config.vectors))
    }
    const own = await database.collection(OWN)
    const size = sizeIn((await own.info()).config.vectors)
    const ids = Array.from({ length: OWN_POINTS }, (_, id) => id)
    for (const { id, vector } of await own.retrieve(ids, { withVector: true })) {
      const found = (vector as Record<string, Float32Array>)[NAME]
      expect(found ? [...found] : vectorOf(Number(id), size)).toEqual(vectorOf(Number(id), size))
      if (size === this.acknowledged && this.written.includes(Number(id))) expect(found).toBeDefined()
    }
    if (sizeIn((await (await database.collection(MAIN)).info()).config.vectors) !== size) {
      for (const name of [MAIN, OWN]) await (await database.collection(name)).deleteVectorName(NAME)
      this.acknowledged = 0
    } else {
      this.acknowledged = size
    }
    this.begun = this.acknowledged
    if (this.acknowledged === 0) this.written = []
  }
}

function sizeIn(vectors: readonly { name: string; size: number }[]): Size {
  return vectors.find(({ name }) => name === NAME)?.size ?? 0
}

function vectorOf(id: number, size: Size): number[] {
  return Array.from({ length: size }, (_, i) => (i === 0 ? size : id + i))
}

describe('kill -9 of the server while vectors are added and dropped', () => {
  it(
    `loses nothing acknowledged in ${CYCLES} cycles, and shows nothing of a dropped vector`,
    async () => {
      const seed = runSeed('kill -9 while vectors change')
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        // Lane 0 checks the list of collections, which this test's own collection would disturb.
        const lanes = makeLanes(4, seed, { ids: 400, forgetful: true, bulk: { count: 2_500, every: 20 } }).slice(1)
        const progress = freshProgress(lanes)
        const changer = new Changer()
        let server = await ServerProcess.start(join(scratch, 'data'))
        try {
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            if (cycle === 0) {
              await database.createCollection(MAIN, MAIN_OPTIONS)
              const own = await database.createCollection(OWN, { vectors: { base: { size: 2, distance: 'Dot' } } })
              await own.upsert(Array.from({ length: OWN_POINTS }, (_, id) => ({ id, vector: { base: [id, 1] } })))
            }
            const { count } = changer
            let hasEnded = false
            const changing = changer.run(database, random).finally(() => {
              hasEnded = true
            })
            const lifeMs = LIFE_MS.least + random.below(LIFE_MS.most - LIFE_MS.least)
            // A changer that has failed makes no more changes, so it is not waited for.
            const isEnough = () => hasEnded || changer.count > count
            const failures = await lifeOf(server, database, lanes, progress, lifeMs, isEnough)
            await changing
            await database.close()
            expect(failures, `cycle ${cycle}, seed ${seed}: steps failed before the kill`).toEqual([])
            server = await ServerProcess.start(join(scratch, 'data'))
            await checkAfterKill(server, lanes, progress, random)
            const again = await connect(server.url)
            await changer.check(again)
            await again.close()
          }
          const database = await connect(server.url)
          const collection = await database.collection(MAIN)
          await collection.waitForIndex()
          expect(await collection.info()).toMatchObject({ status: 'green', warnings: [] })
          await checkConsistency(collection, random)
          await database.close()
        } finally {
          await server.end('SIGKILL')
        }
        process.stderr.write(`kill -9 while vectors change: ${changer.count} changes in ${CYCLES} cycles\n`)
        expect(changer.count).toBeGreaterThanOrEqual(LEAST_CHANGES)
      })
    },
    scaledMinutes(4),
  )
})
