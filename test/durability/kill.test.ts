import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import { type Lane, observe } from '../oracle/fault-lane.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { type Failure, freshProgress, makeLanes, type Progress, runLane } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { inScratch } from './child.js'
import { ServerProcess } from './server-process.js'
import { scaled, scaledMinutes } from './soak.js'

const CYCLES = scaled(25)
/** Below this the run is void: nothing was proved. */
const LEAST_ACKNOWLEDGED = 2_000
const LANES = 7
const LIFE_MS = { least: 100, most: 1_500 }
/** One life in so many lasts longer than the age at which changes are flushed to the table. */
const LONG_LIFE = { every: 6, ms: 6_500 }

/** Works until the server is killed under it. */
async function lifeOf(
  server: ServerProcess,
  database: Database,
  lanes: readonly Lane[],
  progress: Progress[],
  lifeMs: number,
): Promise<Failure[]> {
  let dead = false
  const early: Failure[] = []
  const working = lanes.map((lane, i) =>
    runLane({
      database,
      lane,
      progress: progress[i] as Progress,
      until: Number.POSITIVE_INFINITY,
      // Acknowledged without waiting for the disk: kill -9 must not lose these either.
      unsynced: (step) => lane.number % 2 === 0 && step % 3 === 0,
      onFailure: (failure) => {
        if (!dead) early.push(failure)
      },
      stopped: () => dead,
    }),
  )
  await Promise.race([sleep(lifeMs), Promise.all(working)])
  dead = true
  await server.end('SIGKILL')
  await Promise.all(working)
  return early
}

/** Starts the server again and holds what it serves against what the lanes know. */
async function checkAfterKill(
  server: ServerProcess,
  lanes: readonly Lane[],
  progress: Progress[],
  random: Random,
): Promise<void> {
  const database = await connect(server.url)
  const observed = await observe(database)
  for (const [i, lane] of lanes.entries()) {
    const { acknowledged, begun } = progress[i] as Progress
    const done = await lane.positionIn(observed, acknowledged, begun)
    progress[i] = { lane: lane.number, acknowledged: done, begun: done }
  }
  await checkConsistency(await database.collection(MAIN), random)
  await database.close()
}

describe('kill -9 of the server under mixed load', () => {
  it(
    `loses nothing acknowledged in ${CYCLES} cycles`,
    async () => {
      const seed = runSeed('kill -9')
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        const lanes = makeLanes(LANES, seed, { ids: 150, forgetful: true, bulk: { count: 1_200, every: 70 } })
        const progress = freshProgress(lanes)
        let server = await ServerProcess.start(join(scratch, 'data'))
        try {
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            const database = await connect(server.url, { retries: 0 })
            if (cycle === 0) await database.createCollection(MAIN, MAIN_OPTIONS)
            const lifeMs =
              cycle % LONG_LIFE.every === 1 ? LONG_LIFE.ms : LIFE_MS.least + random.below(LIFE_MS.most - LIFE_MS.least)
            const failures = await lifeOf(server, database, lanes, progress, lifeMs)
            await database.close()
            expect(failures, `cycle ${cycle}, seed ${seed}: steps failed before the kill`).toEqual([])
            server = await ServerProcess.start(join(scratch, 'data'))
            await checkAfterKill(server, lanes, progress, random)
          }
        } finally {
          await server.end('SIGKILL')
        }
        const acknowledged = progress.reduce((sum, lane) => sum + lane.acknowledged, 0)
        process.stderr.write(`kill -9: ${acknowledged} acknowledged operations in ${CYCLES} cycles\n`)
        expect(acknowledged).toBeGreaterThanOrEqual(LEAST_ACKNOWLEDGED)
      })
    },
    scaledMinutes(6),
  )
})
