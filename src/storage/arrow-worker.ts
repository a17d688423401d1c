import { getHeapStatistics } from 'node:v8'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { VicinalError } from '../core/errors.js'
import { type ArrowAnswer, type ArrowRequest, type ArrowResults, type ArrowTask, toWire } from './arrow-thread.js'
import { buffersOf } from './batch-arrays.js'
import {
  checksumsIn,
  columnsSchema,
  fromArrow,
  fromFile,
  highestSeq,
  tableSchema,
  toArrow,
  toFile,
} from './lance-batches.js'
import { allColumns } from './table-layout.js'

/**
 * The thread that turns rows into Arrow and back, one task after the other. It has no state and no native code. It may
 * therefore end at any moment, and only its tasks are lost.
 */
const port = parentPort as MessagePort

port.on('message', ({ id, task }: ArrowRequest) => {
  const { answer, given } = answered(id, task)
  port.postMessage(answer, given)
})

function answered(id: number, task: ArrowTask): { answer: ArrowAnswer; given: ArrayBuffer[] } {
  try {
    const { result, given } = run(task)
    return { answer: { id, heapBytes: heapBytes(), ok: true, result }, given }
  } catch (error) {
    const failure = toWire(outOfMemory(error) ?? error)
    return { answer: { id, heapBytes: heapBytes(), ok: false, failure }, given: [] }
  }
}

function run(task: ArrowTask): { result: ArrowResults[ArrowTask['kind']]; given: ArrayBuffer[] } {
  switch (task.kind) {
    case 'schema': {
      const rows = toFile(tableSchema(task.vectors), null)
      return { result: rows, given: [rows.buffer] }
    }
    case 'columns': {
      const rows = toFile(columnsSchema(task.vectors), null)
      return { result: rows, given: [rows.buffer] }
    }
    case 'encode': {
      const schema = tableSchema(task.vectors)
      const rows = toFile(schema, toArrow(allColumns(task.batch, task.vectors), schema))
      return { result: { rows, maxSeq: highestSeq(task.batch) }, given: [rows.buffer] }
    }
    case 'decode': {
      const batch = fromArrow(fromFile(task.rows), task.vectors)
      return { result: batch, given: buffersOf(batch) }
    }
    case 'checksums': {
      const crcs = checksumsIn(fromFile(task.rows))
      return { result: crcs, given: [crcs.buffer as ArrayBuffer] }
    }
  }
}

function heapBytes(): number {
  return getHeapStatistics().total_physical_size
}

/** The rows are undamaged; memory is short right now. */
function outOfMemory(error: unknown): VicinalError | null {
  if (!(error instanceof RangeError && /allocation failed/.test(error.message))) return null
  return new VicinalError('OVERLOADED', 'out of memory while rows were turned into Arrow or back', { cause: error })
}
