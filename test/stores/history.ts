/** What clients of several nodes did and saw, on one clock: the input of the checker. */

/** State of a unit that is not there: never written, or deleted. */
export const ABSENT = 'absent'
/** A read that tells only that a unit is there, such as a count. */
export const PRESENT = 'present'

interface Call {
  /** Slot of the node that was asked; it stays when the node is started again. */
  node: number
  startMs: number
  endMs: number
}

/**
 * A change of one unit: some points that are always written together, a collection, or an alias. One client changes a
 * unit, one change after the other. After a change with an unknown outcome nobody changes it any more.
 */
export interface Write extends Call {
  kind: 'write'
  unit: string
  /** State of the unit once the change is made. No state but ABSENT comes twice. */
  state: string
  outcome: 'done' | 'refused' | 'unknown'
  watermark: string | null
}

/** One answer: the state of each unit that it shows. */
export interface Read extends Call {
  kind: 'read'
  /** The watermark that the read demanded. */
  after: string | null
  /** Units whose names begin like this, and that are not in `seen`, are absent. */
  scope: string | null
  seen: Record<string, string>
}

/** A conditional change of a shared register from `to - 1` to `to`, by a token of its own. It may find that it comes too late. */
export interface Swap extends Call {
  kind: 'swap'
  register: string
  to: number
  token: string
  outcome: Write['outcome']
  watermark: string | null
}

/** A register as one answer shows it. */
export interface Look extends Call {
  kind: 'look'
  register: string
  after: string | null
  value: number
  token: string
}

export type Event = Write | Read | Swap | Look

/** Whether one watermark is of the other's batch or a later one. */
export function isAtLeast(watermark: string, other: string): boolean {
  const [epoch, batch] = numbersOf(watermark)
  const [otherEpoch, otherBatch] = numbersOf(other)
  return epoch === otherEpoch ? batch >= otherBatch : epoch > otherEpoch
}

function numbersOf(watermark: string): [epoch: number, batch: number] {
  const [epoch, batch] = watermark.split('.').map(Number)
  return [epoch as number, batch as number]
}
