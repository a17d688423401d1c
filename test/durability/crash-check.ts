import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import { type Lane, observe } from '../oracle/fault-lane.js'
import { Random } from '../oracle/fault-random.js'
import { type Progress, runLane } from '../oracle/fault-run.js'
import { MAIN } from '../oracle/fault-workload.js'

/** Steps after a recovery, which show that the database works normally. */
const FURTHER_STEPS = 5

export interface Crash {
  folder: string
  lanes: readonly Lane[]
  /** The begun and the acknowledged steps of each lane at the crash. */
  progress: readonly Progress[]
  /** Whether the creation of the main collection was acknowledged. */
  created: boolean
  seed: number
}

/**
 * Opens the data after a crash and checks the promises. Everything acknowledged is present, and nothing that had not
 * begun. Every operation is complete or absent, and all ways of reading agree. With `goOn`, it continues the work,
 * closes, opens and checks once more. Throws LaneViolation or Inconsistency.
 */
export async function checkCrash(crash: Crash, goOn: boolean): Promise<void> {
  let database = await open(crash.folder)
  try {
    if (!crash.created && !(await database.hasCollection(MAIN))) return
    const found = await look(database, crash)
    if (!goOn) return
    for (const [i, lane] of crash.lanes.entries()) {
      const from = found[i] as number
      const progress = { lane: lane.number, acknowledged: from, begun: from }
      await runLane({
        database,
        lane,
        progress,
        until: from + FURTHER_STEPS,
        onFailure: ({ message }) => fail(message),
      })
    }
    await database.close()
    database = await open(crash.folder)
    const progress = found.map((from, lane) => ({
      lane,
      acknowledged: from + FURTHER_STEPS,
      begun: from + FURTHER_STEPS,
    }))
    await look(database, { ...crash, progress })
  } finally {
    await database.close()
  }
}

async function look(database: Database, { lanes, progress, seed }: Crash): Promise<number[]> {
  const observed = await observe(database)
  const positions: number[] = []
  for (const [i, lane] of lanes.entries()) {
    const { acknowledged, begun } = progress[i] as Progress
    positions.push(await lane.positionIn(observed, acknowledged, begun))
  }
  await checkConsistency(await database.collection(MAIN), new Random(seed))
  return positions
}

function fail(message: string): never {
  throw new Error(`a step after recovery failed: ${message}`)
}
