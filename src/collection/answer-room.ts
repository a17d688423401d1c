import type { Awaitable } from '../core/awaitable.js'
import type { CallOptions } from '../core/call-options.js'
import { VicinalError } from '../core/errors.js'
import type { Stoppable } from '../core/stop.js'
import { memoryBudget } from './memory-budget.js'

/** Rows of an answer are in memory in the kernel's block, as points, and some of them as what is being sent. */
const ROW_COPIES = 3
/** Answers whose rows take less never wait for memory. */
const SMALL_BYTES = 512 * 1024

/** What the rows of each part of an answer may take. */
export type Rooms = readonly number[]

/**
 * Runs a read whose answer has parts, of one query each, below a limit of memory: once there is room for the rows that
 * are expected. Where they turn out to be larger than that, which the kernel tells before it reads any, as much is asked
 * for and the read runs again. Rejects with TOO_LARGE where there can never be as much. What the read gives is held by
 * the caller's holder, or given back with it.
 */
export function withAnswerRoom<T>(
  expectedBytes: readonly number[],
  call: CallOptions | undefined,
  scope: Stoppable,
  read: (rooms: Rooms) => Awaitable<T>,
): Awaitable<T> {
  const floor = SMALL_BYTES / expectedBytes.length
  const rooms = expectedBytes.map((bytes) => Math.ceil(Math.max(bytes, floor)))
  const run = (from: Rooms) => inRoom(from, call, scope, read)
  // Most answers are small, and are there at once.
  if (bytesOf(expectedBytes) > SMALL_BYTES) return run(rooms)
  const again = (error: unknown) => run(grownFor(error, rooms))
  try {
    const answer = read(rooms)
    return answer instanceof Promise ? answer.catch(again) : answer
  } catch (error) {
    return again(error)
  }
}

async function inRoom<T>(
  first: Rooms,
  call: CallOptions | undefined,
  scope: Stoppable,
  read: (rooms: Rooms) => Awaitable<T>,
): Promise<T> {
  for (let rooms = first; ; ) {
    const release = await memoryBudget.reserve(ROW_COPIES * bytesOf(rooms), scope)
    let isHeld = false
    try {
      const answer = await read(rooms)
      call?.holder?.hold(release)
      isHeld = call?.holder !== undefined
      return answer
    } catch (error) {
      rooms = grownFor(error, rooms)
    } finally {
      if (!isHeld) release()
    }
  }
}

/** The parts of an answer, read beside each other. What parts want more than their room is told of all of them at once. */
export async function readParts<T>(rooms: Rooms, read: (at: number, mostBytes: number) => Promise<T>): Promise<T[]> {
  const outcomes = await Promise.allSettled(rooms.map((mostBytes, at) => read(at, mostBytes)))
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : null))
  const other = reasons.find((reason) => reason !== null && wantedOf(reason) === undefined)
  if (other) throw other
  const wantedBytes = reasons.map((reason) => wantedOf(reason) ?? 0)
  const wanting = reasons.find((reason) => reason !== null)
  if (wanting) throw new VicinalError('RESOURCE_EXHAUSTED', wanting.message, { details: { wantedBytes } })
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value)
}

/** What each part is to have; throws the error where it is another one. */
function grownFor(error: unknown, rooms: Rooms): Rooms {
  const wanted = wantedOf(error)
  if (wanted === undefined) throw error
  const each = typeof wanted === 'number' ? [wanted] : wanted
  return rooms.map((bytes, at) => Math.max(bytes, each[at] ?? 0))
}

/** Bytes, of a read or of each of its parts. */
function wantedOf(error: unknown): number | number[] | undefined {
  return error instanceof VicinalError ? (error.details.wantedBytes as number | number[] | undefined) : undefined
}

function bytesOf(rooms: Rooms): number {
  return rooms.reduce((sum, bytes) => sum + bytes, 0)
}
