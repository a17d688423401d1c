/**
 * Runs the model test with restarts. Sometimes the database is closed and opened again. Sometimes it is abandoned, as
 * by kill -9, and a copy of its folder is opened instead. Prints a summary as one line of JSON; a mismatch ends the
 * run.
 *
 *     model-runner '<ModelPlan as JSON>'
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { open } from '../../../src/index.js'
import { Model, type ModelOptions } from '../../oracle/fault-model.js'
import { Random } from '../../oracle/fault-random.js'
import { copyAtOneMoment } from '../../oracle/folder-copy.js'
import { type Sabotage, sabotage } from '../sabotage.js'

export interface ModelPlan {
  scratch: string
  seed: number
  operations: number
  options: ModelOptions
  /** One restart in this many operations, on average. */
  restartEvery: number
  /**
   * Points rewritten at once, one time in this many operations. This makes segments grow, compact and be checkpointed.
   */
  bulk: { count: number; every: number }
  sabotage?: Sabotage
  /** The folder holds a store and a cache, in place of a database. */
  isStore?: boolean
}

export interface ModelReport {
  reads: number
  writes: number
  closed: number
  abandoned: number
}

const plan = JSON.parse(process.argv[2] ?? '') as ModelPlan
if (plan.sabotage) await sabotage(plan.sabotage)
const random = new Random(plan.seed)
const model = new Model(random, plan.options)
const report: ModelReport = { reads: 0, writes: 0, closed: 0, abandoned: 0 }
let folder = join(plan.scratch, 'data-0')
let database = await opened(folder)
await model.create(database)

for (let done = 0; done < plan.operations; done++) {
  try {
    if (random.below(plan.restartEvery) === 0) await restart()
    if (random.below(plan.bulk.every) === 0) await model.bulk(database, plan.bulk.count)
    await model.operation(database)
  } catch (cause) {
    throw new Error(`operation ${done}, seed ${plan.seed}: ${String(cause)}`, { cause })
  }
}
await restart()
await database.close()
process.stdout.write(`${JSON.stringify({ ...report, reads: model.reads, writes: model.writes })}\n`)

async function opened(folder: string) {
  if (!plan.isStore) return await open(folder)
  return await open(pathToFileURL(join(folder, 'bucket')).href, { cache: join(folder, 'cache') })
}

async function restart(): Promise<void> {
  if (random.chance(0.5)) {
    await database.close()
    report.closed++
  } else {
    folder = join(plan.scratch, `data-${++report.abandoned}`)
    copyAtOneMoment(join(plan.scratch, `data-${report.abandoned - 1}`), folder)
    // The abandoned database still works in the background. It is closed; its later writes do not matter.
    await database.close()
    rmSync(join(plan.scratch, `data-${report.abandoned - 1}`), { recursive: true, force: true })
  }
  database = await opened(folder)
  await model.compareAll(database)
}
