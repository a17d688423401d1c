/** The thread of one task. It reads the shard that the database's thread has open, and ends with the task. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { VicinalError } from '../core/errors.js'
import { schemaOf } from '../core/schema.js'
import { Shard } from '../native/shard.js'
import { pairsOf } from './pairs.js'
import type { QualityTask, WorkerAnswer } from './quality-thread.js'
import { figuresOf } from './report.js'
import type { Subject } from './samples.js'

const port = parentPort as MessagePort
const stop = new AbortController()
port.on('message', () => stop.abort(new VicinalError('CANCELLED', 'the operation was cancelled')))

async function answerTo(task: QualityTask): Promise<WorkerAnswer> {
  try {
    const shard = Shard.shared(task.shard)
    try {
      const subject: Subject = { shard, schema: schemaOf(task.config), signal: stop.signal }
      const { kind, asked } = task
      return { ok: true, result: await (kind === 'report' ? figuresOf(subject, asked) : pairsOf(subject, asked)) }
    } finally {
      await shard.close()
    }
  } catch (error) {
    if (!(error instanceof VicinalError)) return { ok: false, code: null, message: String(error), details: {} }
    return { ok: false, code: error.code, message: error.message, details: error.details }
  }
}

port.postMessage(await answerTo(workerData as QualityTask))
port.close()
