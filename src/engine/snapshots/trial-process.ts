import { setPriority, constants as system } from 'node:os'
import { VicinalError } from '../../core/errors.js'
import { Disk } from '../../disk/disk.js'
import { volunteerToEnd } from '../../disk/process-bounds.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { tryStaged } from './staged-collection.js'
import type { TrialFailure, TrialReport, TrialTask } from './trial.js'

/**
 * The process in which a snapshot from outside is opened for the first time. If its files cause a crash, a hang or
 * growth without bound, only this process is hit. `trial.ts` watches it and ends it.
 */
const REPORT_EVERY_MS = 100

const send = (report: TrialReport) => void process.send?.(report)

// A normal exit would wait for threads.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.once('message', (task: TrialTask) => void run(task))

async function run({ root, collections, memoryBytes }: TrialTask): Promise<void> {
  // Threads that start after this call inherit the priority.
  setPriority(system.priority.PRIORITY_BELOW_NORMAL)
  await volunteerToEnd()
  memoryBudget.limit(memoryBytes)
  setInterval(() => send({ residentBytes: process.memoryUsage.rss() }), REPORT_EVERY_MS)
  try {
    const disk = new Disk(root)
    for (const collection of collections) await tryStaged(disk, collection)
    send({ failure: null })
  } catch (error) {
    send({ failure: failureOf(error) })
  }
}

function failureOf(error: unknown): TrialFailure {
  if (!(error instanceof VicinalError))
    return { code: 'INTERNAL', message: String((error as Error).stack), details: {} }
  const { code, message, details } = error
  return { code, message, details }
}
