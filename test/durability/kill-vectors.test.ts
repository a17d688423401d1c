import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/core/database.js'
import type { PointVector } from '../../src/core/point.js'
import type { VectorNameConfig } from '../../src/core/schema.js'
import type { Random } from '../oracle/fault-random.js'
import { makeLanes } from '../oracle/fault-run.js'
import { MAIN } from '../oracle/fault-workload.js'
import { type Changer, killWhileChanging } from './changed-lives.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(6)
const NAME = 'extra'
/** A vector in the lanes' collection: the lanes' points never have it, so it is in none of their answers. */
const OWN = 'own'
const OWN_POINTS = 200

/** Identifies the vector that has the name by its dimensions; 0 means none. */
type Size = number

/**
 * Adds and drops a vector again and again, in the lanes' collection and in one of its own, until the server is gone.
 */
class VectorChanger implements Changer {
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

/** The collection of the changer's own points. */
async function begin(database: Database): Promise<void> {
  const own = await database.createCollection(OWN, { vectors: { base: { size: 2, distance: 'Dot' } } })
  await own.upsert(Array.from({ length: OWN_POINTS }, (_, id) => ({ id, vector: { base: [id, 1] } })))
}

describe('kill -9 of the server while vectors are added and dropped', () => {
  it(
    `loses nothing acknowledged in ${CYCLES} cycles, and shows nothing of a dropped vector`,
    () =>
      killWhileChanging({
        title: 'kill -9 while vectors change',
        cycles: CYCLES,
        lifeMs: { least: 500, most: 2_500 },
        // The progress of a machine that is also busy with other tests.
        leastChanges: CYCLES / 2,
        changer: new VectorChanger(),
        // Lane 0 checks the list of collections, which this test's own collection would disturb.
        lanes: (seed) => makeLanes(4, seed, { ids: 400, forgetful: true, bulk: { count: 2_500, every: 20 } }).slice(1),
        begin,
      }),
    scaledMinutes(4),
  )
})
