/** Counts of a collection's rules, by day. The manifest has the counts as of its last write. */
import type { Cleaning } from '../../core/ingest.js'
import { addCount } from '../../core/ingestion-rules.js'
import { LIMITS } from '../../core/limits.js'

export interface DayCounts extends Omit<Cleaning, 'errors'> {
  /** In UTC: `2026-12-31`. */
  day: string
}

const DAY_LENGTH = 10
const SUMS = ['accepted', 'rejected', 'quarantined', 'fixed', 'flagged'] as const

export class RuleCounts {
  /** In the order of days. */
  readonly #days: DayCounts[]

  constructor(kept: readonly DayCounts[] = []) {
    this.#days = kept.map((counts) => ({ ...counts, byRule: { ...counts.byRule } }))
  }

  get days(): readonly DayCounts[] {
    return this.#days
  }

  add(counts: Omit<Cleaning, 'errors'>, now = new Date()): void {
    const day = now.toISOString().slice(0, DAY_LENGTH)
    let last = this.#days.at(-1)
    if (last?.day !== day) {
      last = { day, accepted: 0, rejected: 0, quarantined: 0, fixed: 0, flagged: 0, byRule: {} }
      this.#days.push(last)
      this.#days.splice(0, this.#days.length - LIMITS.ruleCountDays)
    }
    for (const sum of SUMS) last[sum] += counts[sum]
    for (const [rule, count] of Object.entries(counts.byRule)) addCount(last.byRule, rule, count)
  }
}
