/**
 * Runs the model test, with restarts: now and then the database is closed and opened again, or left as it is, as by
 * kill -9, and a copy of its folder opened instead. Prints what was done as one line of JSON; a mismatch ends it.
 *
 *     model-runner '<ModelPlan as JSON>'
 */
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../../src/index.js'
import { Model, type ModelOptions } from '../../oracle/fault-model.js'
import { Random } from '../../oracle/fault-random.js'
import { type Sabotage, sabotage } from '../sabotage.js'

export interface ModelPlan {
  scratch: string
  seed: number
  operations: number
  options: ModelOptions
  /** One restart in so many operations, on average. */
  restartEvery: number
  /** Points put again in one go, one time in so many operations: makes segments grow, compact and be checkpointed. */
  bulk: { count: number; every: number }
  sabotage?: Sabotage
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
let database = await open(folder)
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

async function restart(): Promise<void> {
  if (random.chance(0.5)) {
    await database.close()
    report.closed++
  } else {
    folder = join(plan.scratch, `data-${++report.abandoned}`)
    copyAtOneMoment(join(plan.scratch, `data-${report.abandoned - 1}`), folder)
    // The one left behind still works in the background; it is put away, and what it writes then is of no matter.
    await database.close()
    rmSync(join(plan.scratch, `data-${report.abandoned - 1}`), { recursive: true, force: true })
  }
  database = await open(folder)
  await model.compareAll(database)
}

/** Nothing is being written by us, but background work may be: copies until nothing changed meanwhile. */
function copyAtOneMoment(from: string, to: string): void {
  for (;;) {
    const before = fingerprint(from)
    cpSync(from, to, { recursive: true })
    if (fingerprint(from) === before) return
    rmSync(to, { recursive: true, force: true })
  }
}

function fingerprint(of: string): string {
  const entries = readdirSync(of, { recursive: true, encoding: 'utf8' }).sort()
  return entries
    .map(
      (name) =>
        `${name} ${statSync(join(of, name), { throwIfNoEntry: false })?.mtimeMs} ${statSync(join(of, name), { throwIfNoEntry: false })?.size}`,
    )
    .join('\n')
}
