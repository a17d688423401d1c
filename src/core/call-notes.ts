/**
 * The notes of one call: the parts that have ended, and the plans of its queries. The engine makes them where the caller
 * asks for them, and knows nothing of their use (traces, the log of slow queries). Times are those of
 * `performance.now()`.
 */

export type Facts = Readonly<Record<string, string | number | boolean>>

export interface CallNotes {
  /** The notes become spans: each stage runs by itself, so that it has a time. */
  readonly isTraced: boolean
  /** Searches of the kernel that took at least this long report their segments. */
  readonly reportsFromUs: number
  /** A part of the call that has ended. */
  span(name: string, startMs: number, endMs: number, facts?: Facts): void
  /** A query that was answered. `plan` is its QueryPlan (core/query-plan.ts, which is a layer above). */
  query(collection: string, plan: object): void
}

/** Operators and fields of a filter, and the number of the values of each condition in place of them. */
export interface FilterShape {
  op: string
  key?: string
  values?: number
  conditions?: FilterShape[]
}

/** Beside the plan of a stage, under a symbol that no answer and no log has. */
export interface StageNotes {
  startMs: number
  endMs: number
  /** Time of the kernel's search, which ends about when the stage ends; 0 for stages without one. */
  searchUs: number
  /** For each segment of the plan: the time that rescored candidates. */
  rescoreUs: readonly number[]
  filter(): FilterShape | null
}

const NOTED = Symbol('vicinal.noted')

export function withNotes<P extends object>(plan: P, notes: StageNotes): P {
  return Object.assign(plan, { [NOTED]: notes })
}

export function notesOf(plan: object): StageNotes | undefined {
  return (plan as { [NOTED]?: StageNotes })[NOTED]
}
