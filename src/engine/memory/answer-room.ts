import type { CallOptions } from '../../core/call-options.js'
import { VicinalError } from '../../core/errors.js'
import { innerOf } from '../../core/inner-call.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Stoppable } from '../../core/stop.js'
import { Turns } from '../../query/turns.js'
import { memoryBudget, withRoom } from './memory-budget.js'

/** Rows of an answer are in memory up to three times: in the kernel's block, as points, and as bytes being sent. */
const ROW_COPIES = 3
/** Answers whose rows take less never wait for memory. */
const SMALL_BYTES = 512 * 1024
/** Room for each of many queries before its need is known: ten hits with payloads of a page. */
const LEAST_PART_BYTES = 16 * 1024

/** The bytes that the rows of each part of an answer may take. */
export type Rooms = readonly number[]

/**
 * Runs a read below the memory limit. Its answer has `parts` parts, one for each query. If an answer is larger than its
 * room, the kernel reports the needed bytes before it reads any row. The read then runs again with that much room.
 * Rejects with TOO_LARGE if the limit can never grant that much. The caller's holder keeps the room; without a holder
 * the room is given back with the answer.
 */
export function withAnswerRoom<T>(
  parts: number,
  call: CallOptions | undefined,
  scope: Stoppable,
  read: (rooms: Rooms) => MaybePromise<T>,
): MaybePromise<T> {
  const rooms = new Array<number>(parts).fill(Math.max(LEAST_PART_BYTES, Math.floor(SMALL_BYTES / parts)))
  const again = (error: unknown) => inRoom(grownFor(error, rooms), call, scope, read)
  if (bytesOf(rooms) > SMALL_BYTES) {
    return withRoom(ROW_COPIES * bytesOf(rooms), scope, innerOf(call)?.holder, () => read(rooms)).catch(again)
  }
  try {
    // Most answers are small and are complete at once.
    const answer = read(rooms)
    return answer instanceof Promise ? answer.catch(again) : answer
  } catch (error) {
    return again(error)
  }
}

async function inRoom<T>(
  rooms: Rooms,
  call: CallOptions | undefined,
  scope: Stoppable,
  read: (rooms: Rooms) => MaybePromise<T>,
): Promise<T> {
  // An answer that may not be sent yet must not take room from answers that are sent before it.
  const holder = innerOf(call)?.holder
  await holder?.turn()
  const release = await memoryBudget.reserve(ROW_COPIES * bytesOf(rooms), scope, holder)
  let answer: T
  try {
    answer = await read(rooms)
  } catch (error) {
    release()
    if (wantedOf(error) === undefined) throw error
    // The rows have grown meanwhile.
    return await inRoom(grownFor(error, rooms), call, scope, read)
  }
  if (holder) holder.hold(release)
  else release()
  return answer
}

/**
 * Reads the parts of an answer at the same time. The needs of all parts that exceed their room are reported together.
 */
export async function readParts<T>(
  rooms: Rooms,
  read: (at: number, mostBytes: number) => Promise<T>,
  turns = new Turns(),
): Promise<T[]> {
  const wantedBytes = new Array<number>(rooms.length).fill(0)
  const part = async (mostBytes: number, at: number) => {
    try {
      return await read(at, mostBytes)
    } catch (error) {
      wantedBytes[at] = (wantedOf(error) as number | undefined) ?? 0
      if (wantedBytes[at] === 0) throw error
      return undefined
    }
  }
  const answers = await turns.all(rooms.map((mostBytes, at) => () => part(mostBytes, at)))
  if (wantedBytes.every((bytes) => bytes === 0)) return answers as T[]
  throw new VicinalError('RESOURCE_EXHAUSTED', 'rows of an answer need more memory than was reserved', {
    details: { wantedBytes },
  })
}

/** The bytes that each part gets next. Rethrows any other error. */
function grownFor(error: unknown, rooms: Rooms): Rooms {
  const wanted = wantedOf(error)
  if (wanted === undefined) throw error
  const each = typeof wanted === 'number' ? [wanted] : wanted
  return rooms.map((bytes, at) => Math.max(bytes, each[at] ?? 0))
}

/** The needed bytes that an error reports: one number for a read, or one for each of its parts. */
function wantedOf(error: unknown): number | number[] | undefined {
  return error instanceof VicinalError ? (error.details.wantedBytes as number | number[] | undefined) : undefined
}

function bytesOf(rooms: Rooms): number {
  return rooms.reduce((sum, bytes) => sum + bytes, 0)
}
