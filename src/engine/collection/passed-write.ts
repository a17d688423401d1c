/** A write as its caller passed it, and the facts known of it before it is planned. */
import { copied } from '../../core/copied.js'
import type { UpdateCondition, WriteOperation } from '../../core/database.js'
import type { PlanWrite } from './plans.js'

/** Operations that quotas can refuse. All others free memory and disk, or take next to none. */
export const TAKES_ROOM: ReadonlySet<string> = new Set(['upsert', 'updateVectors', 'setPayload', 'overwritePayload'])

/** A write whose caller may have changed its arguments since. */
export interface PassedWrite {
  /** Its filter and its ids are looked up later. */
  operation: WriteOperation<unknown>
  /** The points that it names; null if a filter finds them. */
  points: number | null
  /** An estimate of the memory that it takes. */
  bytes: number
  plan: PlanWrite
}

/** A write that is planned otherwise than by its operation. */
export interface Planned {
  plan: PlanWrite | null
  /** Runs its planning and its write once no other work stands against them. */
  inTurn?<T>(work: () => Promise<T>): Promise<T>
}

export const BY_OPERATION: Planned = { plan: null }

/** The cost of writes as far as it is known without a look at the data. */
export function leastCost(writes: readonly PassedWrite[]): number {
  return writes.reduce((sum, { points }) => sum + Math.max(1, points ?? 1), 0)
}

/** The write with a selector of its own: ids and filters are read after the call has returned. */
export function withOwnSelector(operation: WriteOperation<unknown>): WriteOperation<unknown> {
  return 'which' in operation ? { ...operation, which: copied(operation.which) } : operation
}

export function conditionIn({ updateFilter, updateMode }: UpdateCondition): UpdateCondition {
  return {
    ...(updateFilter === undefined ? {} : { updateFilter }),
    ...(updateMode === undefined ? {} : { updateMode }),
  }
}
