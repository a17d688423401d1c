/** Reports about the data of a collection: their options and what they say, declared once. docs/quality.md explains each figure. */
import Type, { type Static } from 'typebox'
import { CALL_OPTIONS, type CallOptions } from './call-options.js'
import { LIMITS } from './limits.js'
import { filter, PointIdentity } from './query-leaves.js'
import { integer, number, optional, text } from './vocabulary/declare.js'

export const qualityFields = {
  /** The vector to look at. Default: all that have one row a point. */
  using: optional(text('The vector to look at. Default: all that have one row a point.')),
  /** Points to look at, of each vector. */
  sample: optional(
    integer({
      description: `Points to look at, of each vector. Default ${LIMITS.qualityDefaultSample}.`,
      minimum: 2,
      maximum: LIMITS.qualitySample,
    }),
  ),
  /** Seed of the random choice; the report tells it. */
  seed: optional(
    integer({ description: 'Seed of the random choice. Default: another each time.', maximum: 2 ** 32 - 1 }),
  ),
  /** Scores at least as good as this are near duplicates. */
  threshold: optional(
    number({ description: 'Score from which on two points are near duplicates. Default: see docs/quality.md.' }),
  ),
}
/** Options of `quality`. */
export const QualityOptions = Type.Object({ ...qualityFields, ...CALL_OPTIONS })
export type QualityOptions = Static<typeof QualityOptions>

const share = (description: string) => number({ description })

/** Lengths of vectors. */
export const NormQuality = Type.Object({
  measured: text('`stored`: of the vectors as they came in. `scaled`: of vectors that Cosine has scaled to length 1.'),
  zero: integer({ description: 'Vectors of length 0.' }),
  mean: number({ description: 'Mean length.' }),
  deviation: number({ description: 'Standard deviation of the lengths.' }),
  least: number({ description: 'Least length.' }),
  q05: number({ description: 'A twentieth of the lengths are less.' }),
  median: number({ description: 'Half of the lengths are less.' }),
  q95: number({ description: 'A twentieth of the lengths are greater.' }),
  greatest: number({ description: 'Greatest length.' }),
  histogram: Type.Array(
    integer({ description: 'Vectors of one of equal parts from the least to the greatest length.' }),
  ),
})

export const DuplicateQuality = Type.Object({
  threshold: number({ description: 'Score from which on two points are near duplicates, in terms of the metric.' }),
  among: integer({ description: 'Points that each sampled one was compared with, by the index.' }),
  rate: share('Share of the sampled points that have a near duplicate.'),
  groups: Type.Array(
    Type.Object({
      size: integer({ description: 'Points of the group that were seen.' }),
      ids: Type.Array(PointIdentity, { description: 'The first of them.' }),
    }),
    { description: 'The largest groups of near duplicates.' },
  ),
})

export const HubQuality = Type.Object({
  neighbours: integer({ description: 'Length of the lists.' }),
  among: integer({ description: 'Points whose lists were compared.' }),
  skew: number({
    description: 'Skewness of how often a point is in the lists of others. 0: evenly; above 1 there are hubs.',
  }),
  antihubs: share('Share of the points that are in no list.'),
  hubs: Type.Array(Type.Object({ id: PointIdentity, count: integer({ description: 'Lists that the point is in.' }) }), {
    description: 'The points in most lists.',
  }),
})

/** One test of two samples. */
const TwoSample = Type.Object({
  pValue: number({ description: 'How often a random split of the same points differs as much.' }),
  effect: number({ description: 'Size of the difference, free of the sizes of the samples; see docs/quality.md.' }),
})

export const DriftQuality = Type.Object({
  reference: integer({ description: 'Sampled points of the reference.' }),
  current: integer({ description: 'Sampled points of the others.' }),
  drifted: Type.Boolean({ description: 'Whether `p_value` is below 0.01.' }),
  pValue: number({ description: 'Of all tests together: the least, times their number.' }),
  auc: number({
    description: 'How well neighbours tell a new point from one of the reference: 0.5 not at all, 1 always.',
  }),
  classifier: TwoSample,
  novelty: TwoSample,
  energy: TwoSample,
  norms: optional(TwoSample),
})

/** What is known of one vector of a collection. */
export const VectorQuality = Type.Object({
  name: text('The name of the vector; empty: the unnamed one.'),
  size: integer({ description: 'Dimensions.' }),
  distance: text('The metric.'),
  count: integer({ description: 'Points that have the vector.' }),
  sampled: integer({ description: 'Points that were looked at.' }),
  norms: optional(NormQuality),
  constantDimensions: optional(
    Type.Object({
      count: integer({ description: 'Dimensions that have the same value in all sampled points.' }),
      dimensions: Type.Array(integer({ description: 'Number of a dimension, from 0.' }), {
        description: 'The first of them.',
      }),
    }),
  ),
  intrinsicDimension: optional(
    Type.Object({
      value: number({ description: 'Maximum likelihood estimate over the nearest neighbours.' }),
      standardError: number({ description: 'Standard error of the estimate.' }),
      neighbours: integer({ description: 'Neighbours of each point.' }),
      points: integer({ description: 'Points with enough different neighbours.' }),
    }),
  ),
  nearDuplicates: optional(DuplicateQuality),
  hubs: optional(HubQuality),
  drift: optional(DriftQuality),
  notes: Type.Array(text('A figure that is missing or limited, and why.')),
})
export type VectorQuality = Static<typeof VectorQuality>

/** Two vectors of equal dimensions, such as those of a picture and of its text. */
export const ModalityGap = Type.Object({
  a: text('The name of one vector.'),
  b: text('The name of the other.'),
  sampled: integer({ description: 'Points that have both.' }),
  gap: number({ description: 'Distance between the centres of the two, after scaling to length 1.' }),
  medianRank: number({
    description: "Median place of a point's own `b` among all of them, by nearness to its `a`; from 1.",
  }),
  first: share('Share of the points whose own `b` is the nearest.'),
})

/** The points that the others are compared with; without either, those of now. */
export const QualityReference = Type.Object(
  {
    /** Points whose last change is this operation or an earlier one. */
    operationId: optional(
      integer({ description: 'Points whose last change is this operation or an earlier one. Default: the last one.' }),
    ),
    /** Points that match. */
    filter,
  },
  { $id: 'QualityReference' },
)
export type QualityReference = Static<typeof QualityReference>

export const RuleCount = Type.Object({
  day: text('The day in UTC, as YYYY-MM-DD.'),
  rule: text('The name of the rule; `invalid`: rows that are no points.'),
  count: integer({ description: 'Rows that broke the rule.' }),
})

export type RuleCount = Static<typeof RuleCount>

export const QualityReport = Type.Object(
  {
    time: text('Time as in RFC 3339.'),
    tookMs: integer({ description: 'Milliseconds that the report took.' }),
    points: integer({ description: 'Points of the collection.' }),
    operationId: integer({ description: 'Number of the last operation that the report knows.' }),
    sample: integer({ description: 'Most points that were looked at, of each vector.' }),
    seed: integer({ description: 'Seed of the random choice.' }),
    vectors: Type.Array(VectorQuality, { description: 'Each vector.' }),
    modalities: Type.Array(ModalityGap, { description: 'Pairs of vectors of equal dimensions.' }),
    skipped: Type.Array(Type.Object({ name: text('The name of a vector.'), why: text('Why nothing is told of it.') }), {
      description: 'Vectors that are left out.',
    }),
    reference: optional(QualityReference),
    rules: Type.Array(RuleCount, { description: 'Rows that rules have found, by day.' }),
  },
  { $id: 'QualityReport', description: 'What the data of a collection is like.' },
)
export type QualityReport = Static<typeof QualityReport>

export const QualityHistory = Type.Array(QualityReport, { description: 'The kept reports, the oldest first.' })

export const PairsOptions = Type.Object({
  /** The vector to compare. May be left out where the collection has one. */
  using: optional(text('The vector to compare. May be left out where the collection has one.')),
  /** Score that pairs must reach. */
  threshold: number({ description: 'Score that pairs must reach, in terms of the metric.' }),
  /** Most pairs. Default 100. */
  limit: optional(integer({ description: 'Most pairs. Default 100.', minimum: 1, maximum: LIMITS.pairs })),
  /** Most points to look at. Default 100,000. */
  maxPoints: optional(
    integer({ description: 'Most points to look at. Default 100000.', minimum: 1, maximum: LIMITS.pairPoints }),
  ),
  ...CALL_OPTIONS,
})
/** Options of `pairs`. */
export type PairsOptions = Static<typeof PairsOptions>
export const PairsRequest = Type.Object(
  {
    using: PairsOptions.properties.using,
    threshold: PairsOptions.properties.threshold,
    limit: PairsOptions.properties.limit,
    maxPoints: PairsOptions.properties.maxPoints,
  },
  { $id: 'PairsRequest' },
)

export const NearDuplicatePairs = Type.Object(
  {
    pairs: Type.Array(
      Type.Object({ a: PointIdentity, b: PointIdentity, score: number({ description: 'Score of the two.' }) }),
      { description: 'Each pair once, the best first.' },
    ),
    points: integer({ description: 'Points whose neighbours were looked at.' }),
    isComplete: Type.Boolean({ description: 'Whether all points were looked at, and all pairs found are told.' }),
  },
  { $id: 'NearDuplicatePairs' },
)
export type NearDuplicatePairs = Static<typeof NearDuplicatePairs>

/** The methods of a collection that tell what its data is like. */
export interface QualityReports {
  /**
   * What the data is like, from a random sample: docs/quality.md explains each figure. Two calls at once that ask the same
   * share one report.
   */
  quality(options?: QualityOptions): Promise<QualityReport>
  /** The last LIMITS.qualityReports reports that were kept, the oldest first. */
  qualityHistory(call?: CallOptions): Promise<QualityReport[]>
  /**
   * Sets the points that reports compare all others with. Without `operationId` and `filter` they are the points of now.
   * Resolves once that is on stable storage.
   */
  setQualityReference(reference?: QualityReference, call?: CallOptions): Promise<void>
  /** Resolves to whether there was a reference. */
  deleteQualityReference(call?: CallOptions): Promise<boolean>
  /** Near-duplicate pairs of points, each once, the best first. */
  pairs(options: PairsOptions): Promise<NearDuplicatePairs>
}
