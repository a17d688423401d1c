import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import type { ConfigChange } from '../../src/core/schema.js'
import { QUANTIZATIONS } from '../../src/core/schema.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { freshProgress, makeLanes } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { inScratch } from './child.js'
import { checkAfterKill, lifeOf } from './server-life.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(10)
const LIFE_MS = { least: 300, most: 1_500 }
const CHANGE_EVERY_MS = 150
const M = [6, 12, 16, 24]

/** Graph and codes of the configuration, as far as the test changes them. */
interface Configured {
  m: number
  quantization: string
}

/** Changes the configuration again and again until the server is gone. One of two changes is then in force. */
class Changer {
  acknowledged: Configured | null = null
  begun: Configured | null = null
  count = 0

  async run(database: Database, random: Random): Promise<void> {
    const collection = await database.collection(MAIN)
    try {
      for (;;) {
        const quantization = QUANTIZATIONS[random.below(QUANTIZATIONS.length)] ?? 'auto'
        const m = M[random.below(M.length)] ?? 16
        this.begun = { m, quantization }
        const change: ConfigChange = { hnswConfig: { m }, quantization }
        await collection.updateConfig(change)
        this.acknowledged = this.begun
        this.count++
        // Each change gets time to begin a rebuild, and most are overtaken by the next.
        await sleep(CHANGE_EVERY_MS)
      }
    } catch {
      // The server is gone, which ends the loop.
    }
  }

  async check(database: Database): Promise<void> {
    const { config } = await (await database.collection(MAIN)).info()
    const found = { m: config.hnswConfig.m, quantization: config.quantization }
    if (this.begun) expect([this.acknowledged, this.begun]).toContainEqual(found)
    this.acknowledged = found
    this.begun = found
  }
}

describe('kill -9 of the server while its index is rebuilt', () => {
  it(
    `loses nothing acknowledged in ${CYCLES} cycles, and ends with the last configuration`,
    async () => {
      const seed = runSeed('kill -9 while rebuilding')
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        const lanes = makeLanes(3, seed, { ids: 400, forgetful: true, bulk: { count: 2_500, every: 20 } })
        const progress = freshProgress(lanes)
        const changer = new Changer()
        let server = await ServerProcess.start(join(scratch, 'data'))
        try {
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            if (cycle === 0) await database.createCollection(MAIN, MAIN_OPTIONS)
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
          expect(await collection.info()).toMatchObject({ status: 'green' })
          await checkConsistency(collection, random)
          await database.close()
        } finally {
          await server.end('SIGKILL')
        }
        process.stderr.write(`kill -9 while rebuilding: ${changer.count} changes in ${CYCLES} cycles\n`)
        expect(changer.count).toBeGreaterThanOrEqual(CYCLES)
      })
    },
    scaledMinutes(4),
  )
})
