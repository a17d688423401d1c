/**
 * Runs lanes on the embedded engine, phase by phase. It marks the beginning and the acknowledgement of each step, so
 * that they appear among the disk's changes in the shim's trace. Prints a summary as one line of JSON.
 *
 *     lane-runner '<RunPlan as JSON>'
 */
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../../../src/index.js'
import type { LaneOptions } from '../../oracle/fault-lane.js'
import { type Failure, freshProgress, makeLanes, type Progress, runLane } from '../../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../../oracle/fault-workload.js'
import { type Sabotage, sabotage } from '../sabotage.js'

export interface RunPlan {
  folder: string
  seed: number
  lanes: number
  options: Partial<LaneOptions>
  phases: { steps: number; next: 'reopen' | 'rest' | 'flush' | 'go on' }[]
  /** File for marks. */
  marks?: string
  /** How the process ends: by closing the database, or at once as if killed. */
  end: 'close' | 'exit'
  /** A deliberate fault of this run. */
  sabotage?: Sabotage
}

export interface RunReport {
  progress: Progress[]
  failures: Failure[]
}

/** Longer than two ticks of the background work. */
const REST_MS = 1_200

const plan = JSON.parse(process.argv[2] ?? '') as RunPlan
const marks = plan.marks === undefined ? null : openSync(plan.marks, 'a')
const mark = (text: string) => marks !== null && writeSync(marks, text)

if (plan.sabotage) await sabotage(plan.sabotage)
let database = await open(plan.folder)
await database.createCollection(MAIN, MAIN_OPTIONS)
mark('main')
const lanes = makeLanes(plan.lanes, plan.seed, plan.options)
const progress = freshProgress(lanes)
const failures: Failure[] = []
let until = 0
for (const { steps, next } of plan.phases) {
  until += steps
  await Promise.all(
    lanes.map((lane, i) =>
      runLane({
        database,
        lane,
        progress: progress[i] as Progress,
        until,
        onBegin: ({ lane, begun }) => mark(`begin ${lane} ${begun}`),
        onAcknowledged: ({ lane, acknowledged }) => mark(`done ${lane} ${acknowledged}`),
        onFailure: (failure) => failures.push(failure),
      }),
    ),
  )
  if (next === 'flush') await (await database.collection(MAIN)).flush()
  // The background work goes by the clock.
  if (next === 'rest') await sleep(REST_MS)
  if (next === 'reopen') {
    await database.close()
    database = await open(plan.folder)
  }
}
const report: RunReport = { progress, failures }
const text = `${JSON.stringify(report)}\n`
if (plan.end === 'close') {
  await database.close()
  process.stdout.write(text)
} else {
  // No exit handler may run: the process ends as if killed.
  writeSync(1, text)
  process.kill(process.pid, 'SIGKILL')
}
