import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { freshProgress, makeLanes } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { inScratch } from './child.js'
import { checkAfterKill, lifeOf } from './server-life.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

/** With fewer acknowledged steps a run proves nothing. Each write to a store waits for a batch. */
const RUNS = [
  { of: 'a folder', isStore: false, cycles: scaled(25), least: 2_000 },
  { of: 'a file store', isStore: true, cycles: scaled(4), least: 200 },
]
const LANES = 7
const LIFE_MS = { least: 100, most: 1_500 }
/** One life in this many lasts longer than the age at which changes are flushed to the table. */
const LONG_LIFE = { every: 6, ms: 6_500 }
/** On a store, changes stay longer in the log by default. */
const FLUSHED = { flushIntervalSec: 5 }

describe('kill -9 of the server under mixed load', () => {
  it.each(RUNS)(
    'on $of loses nothing acknowledged in $cycles cycles',
    async ({ of, isStore, cycles, least }) => {
      const seed = runSeed(`kill -9, ${of}`)
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        const lanes = makeLanes(LANES, seed, { ids: 150, forgetful: true, bulk: { count: 1_200, every: 70 } })
        const progress = freshProgress(lanes)
        const done = () => progress.reduce((sum, lane) => sum + lane.acknowledged, 0)
        let server = await ServerProcess.start(join(scratch, 'data'), {}, { isStore })
        try {
          for (let cycle = 0; cycle < cycles; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            if (cycle === 0) await database.createCollection(MAIN, { ...MAIN_OPTIONS, optimizersConfig: FLUSHED })
            const lifeMs =
              cycle % LONG_LIFE.every === 1 ? LONG_LIFE.ms : LIFE_MS.least + random.below(LIFE_MS.most - LIFE_MS.least)
            // The last life makes up for steps that a slow machine has missed before.
            const isEnough = () => cycle < cycles - 1 || done() >= least
            const failures = await lifeOf(server, database, lanes, progress, lifeMs, isEnough)
            await database.close()
            expect(failures, `cycle ${cycle}, seed ${seed}: steps failed before the kill`).toEqual([])
            server = await ServerProcess.start(join(scratch, 'data'), {}, { isStore })
            await checkAfterKill(server, lanes, progress, random)
          }
        } finally {
          await server.end('SIGKILL')
        }
        const acknowledged = done()
        process.stderr.write(`kill -9: ${acknowledged} acknowledged operations in ${cycles} cycles\n`)
        expect(acknowledged).toBeGreaterThanOrEqual(least)
      })
    },
    scaledMinutes(6),
  )
})
