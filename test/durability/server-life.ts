/** A server that works until it is killed, and the data that it must have after the next start. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import { type Lane, observe } from '../oracle/fault-lane.js'
import type { Random } from '../oracle/fault-random.js'
import { type Failure, type Progress, runLane } from '../oracle/fault-run.js'
import { MAIN } from '../oracle/fault-workload.js'
import type { ServerProcess } from './server-process.js'

/** Added to `lifeMs`. If there is no progress, the test reports that. */
const LONGEST_LIFE_MS = 180_000

/**
 * Works until the server is killed. A slow machine gets little done in `lifeMs`, so the server lives on until
 * `isEnough`.
 */
export async function lifeOf(
  server: ServerProcess,
  database: Database,
  lanes: readonly Lane[],
  progress: Progress[],
  lifeMs: number,
  isEnough: () => boolean = () => true,
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
  let isOver = false
  const ended = Promise.all(working).finally(() => {
    isOver = true
  })
  await Promise.race([sleep(lifeMs), ended])
  const endMs = performance.now() + LONGEST_LIFE_MS
  while (!isEnough() && !isOver && early.length === 0 && performance.now() < endMs) await sleep(20)
  dead = true
  await server.end('SIGKILL')
  await ended
  return early
}

/** Starts the server again and compares its data with the lanes' state. */
export async function checkAfterKill(
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
