/** A report of the service about the data of a collection; docs/quality.md explains each figure. */
import type { PointId } from './types'

interface TwoSample {
  p_value: number
  effect: number
}

export interface VectorQuality {
  name: string
  size: number
  distance: string
  count: number
  sampled: number
  norms?: {
    measured: string
    zero: number
    mean: number
    least: number
    median: number
    greatest: number
    histogram: number[]
  }
  constant_dimensions?: { count: number; dimensions: number[] }
  intrinsic_dimension?: { value: number; standard_error: number }
  near_duplicates?: { threshold: number; rate: number; groups: { size: number; ids: PointId[] }[] }
  hubs?: { skew: number; antihubs: number; hubs: { id: PointId; count: number }[] }
  drift?: {
    drifted: boolean
    p_value: number
    auc: number
    classifier: TwoSample
    energy: TwoSample
    norms?: TwoSample
  }
  notes: string[]
}

export interface RuleDay {
  day: string
  accepted: number
  rejected: number
  quarantined: number
  fixed: number
  flagged: number
  by_rule: Record<string, number>
}

export interface QualityReport {
  time: string
  took_ms: number
  points: number
  sample: number
  seed: number
  vectors: VectorQuality[]
  modalities: { a: string; b: string; sampled: number; gap: number; median_rank: number; first: number }[]
  skipped: { name: string; why: string }[]
  reference?: { operation_id?: number; filter?: object }
  /** Counts of the rules, by day. */
  rules: RuleDay[]
}
