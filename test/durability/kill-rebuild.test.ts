import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/core/database.js'
import type { ConfigChange } from '../../src/core/schema.js'
import { QUANTIZATIONS } from '../../src/core/schema.js'
import type { Random } from '../oracle/fault-random.js'
import { makeLanes } from '../oracle/fault-run.js'
import { MAIN } from '../oracle/fault-workload.js'
import { type Changer, killWhileChanging } from './changed-lives.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(10)
const CHANGE_EVERY_MS = 150
const M = [6, 12, 16, 24]

/** Graph and codes of the configuration, as far as the test changes them. */
interface Configured {
  m: number
  quantization: string
}

/** Changes the configuration again and again until the server is gone. One of two changes is then in force. */
class ConfigChanger implements Changer {
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
    () =>
      killWhileChanging({
        title: 'kill -9 while rebuilding',
        cycles: CYCLES,
        lifeMs: { least: 300, most: 1_500 },
        leastChanges: CYCLES,
        changer: new ConfigChanger(),
        lanes: (seed) => makeLanes(3, seed, { ids: 400, forgetful: true, bulk: { count: 2_500, every: 20 } }),
      }),
    scaledMinutes(4),
  )
})
