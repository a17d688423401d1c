/**
 * Runs one script of steps again and again, each time in a new folder. The Nth, the N+stride-th, ... call of the disk
 * fails, until a run has no failure any more. After each run the disk is healed, the database is opened again, and
 * everything acknowledged is looked for. Prints a report as one line of JSON.
 *
 *     error-sweep '<SweepPlan as JSON>'
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { open } from '../../../src/index.js'
import { type Failure, freshProgress, makeLanes, runLane } from '../../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../../oracle/fault-workload.js'
import { checkCrash } from '../crash-check.js'
import { type Rule, ShimControl } from '../shim/control.js'

export interface SweepPlan {
  root: string
  control: string
  seed: number
  /** Steps before and after a reopening, over both lanes. */
  steps: number
  /** Points written at once at the start, enough for a close to write segments; 0: none. */
  bulk: number
  rule: Omit<Rule, 'nth'>
  first: number
  stride: number
  /** Error codes that a failed call may have. */
  codes: readonly string[]
}

export interface SweepReport {
  /** Runs in which a call failed; the last N of them. */
  runs: number
  last: number
  /** Calls that match the rule in a run without failures. */
  calls: number
  /** Runs in which no step failed for the caller, and runs in which one did. */
  unnoticed: number
  reported: number
  acknowledged: number
  violations: string[]
}

const plan = JSON.parse(process.argv[2] ?? '') as SweepPlan
const control = new ShimControl(plan.control)
const LANES = 3
const MAX_VIOLATIONS = 10
const NO_STEP = { lane: -1, step: -1 }

let doing = ''
process.once('exit', () => {
  // A promise that never settles ends the process silently.
  if (doing !== '') process.stderr.write(`ended while ${doing}\n`)
})

/** The lanes' state is the same in every run. */
const bulk = plan.bulk > 0 ? { bulk: { count: plan.bulk, every: 1_000 } } : {}
const lanes = makeLanes(LANES, plan.seed, { ids: 60, flushes: 25, ...bulk })
const report: SweepReport = { runs: 0, last: 0, calls: 0, unnoticed: 0, reported: 0, acknowledged: 0, violations: [] }
for (let nth = plan.first; report.violations.length < MAX_VIOLATIONS; nth += plan.stride) {
  const folder = join(plan.root, `run-${nth}`)
  const struck = await runOnce(folder, nth)
  rmSync(folder, { recursive: true, force: true })
  if (!struck) break
  report.last = nth
}
doing = ''
process.stdout.write(`${JSON.stringify(report)}\n`)

/** Resolves to whether a call failed at all. */
async function runOnce(folder: string, nth: number): Promise<boolean> {
  const progress = freshProgress(lanes)
  const failures: Failure[] = []
  const complain = (what: string) => report.violations.push(`call ${nth}: ${what}`)
  /**
   * Other operations that may fail: opening, closing, creating the collection. Two failures in a row cannot come from
   * the one failed call.
   */
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    for (let i = 0; i < 2; i++) {
      doing = `call ${nth} fails: ${what}; ${JSON.stringify(failures)} ${JSON.stringify(progress)}`
      try {
        return await work()
      } catch (error) {
        failures.push({ ...NO_STEP, ...told(error, `${what}: `) })
      }
    }
    return null
  }
  let created = false
  const runAll = async (database: Database, until: number) => {
    if (!created) {
      const made = await attempt('create', async () => {
        if (!(await database.hasCollection(MAIN))) await database.createCollection(MAIN, MAIN_OPTIONS)
        return true
      })
      if (!made) return
      created = true
    }
    doing = `call ${nth} fails: working; ${JSON.stringify(failures)}`
    await Promise.all(
      lanes.map((lane, i) =>
        runLane({
          onBegin: ({ lane, begun }) => {
            doing += ` ${lane}:${begun}`
          },
          onAcknowledged: ({ lane }) => {
            doing += ` ${lane}:ok`
          },
          database,
          lane,
          progress: progress[i]!,
          until: lane.number === 0 ? Math.ceil(until / 10) : Math.ceil(until * 0.45),
          retries: 1,
          onFailure: (failure) => {
            failures.push(failure)
            doing += ` ${failure.lane}:${failure.message}`
          },
        }),
      ),
    )
    // However writes fail, the data in memory can be read, unless the collection could not be opened.
    const main = await database.collection(MAIN).catch((error) => failures.push({ ...NO_STEP, ...told(error) }))
    if (typeof main !== 'object') return
    await main.count().catch((error) => {
      if (/cannot be served/.test(String(error))) failures.push({ ...NO_STEP, ...told(error) })
      else complain(`reading failed: ${String(error)}`)
    })
  }

  control.fail({ ...plan.rule, nth })
  try {
    for (const until of [plan.steps / 2, plan.steps]) {
      const database = await attempt('open', () => open(folder))
      if (!database) continue
      await runAll(database, until)
      await attempt('close', () => database.close())
    }
  } finally {
    control.heal()
  }
  if (control.injected === 0) {
    report.calls = control.matched
    return false
  }
  for (const { code, message } of failures)
    if (!plan.codes.includes(code)) complain(`unclear error ${code}: ${message}`)
  doing = `call ${nth} failed: looking at what is left`
  try {
    await checkCrash({ folder, lanes, progress, created, seed: plan.seed }, nth % 20 === 0)
  } catch (error) {
    complain(
      `${String(error)}\nafter ${failures.map(({ lane, step, message }) => `[lane ${lane} step ${step}] ${message}`).join('; ')}`,
    )
  }
  report.runs++
  report[failures.length > 0 ? 'reported' : 'unnoticed']++
  report.acknowledged += progress.reduce((sum, lane) => sum + lane.acknowledged, 0)
  return true
}

function told(error: unknown, what = ''): Pick<Failure, 'code' | 'message'> {
  return { code: error instanceof VicinalError ? error.code : 'NO_VICINAL_ERROR', message: `${what}${String(error)}` }
}
