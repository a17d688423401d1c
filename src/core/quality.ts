/** Reports about the data of a collection: options and results, declared once. docs/quality.md explains the figures. */
import Type, { type Static } from 'typebox'
import { CALL_OPTIONS, type CallOptions } from './call-options.js'
import { Cleaning } from './ingest.js'
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

/** The figures of one vector of a collection. */
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

/** The points that the others are compared with; without either field, the present points. */
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

const { errors: _, ...counts } = Cleaning.properties
/** Counts of a collection's rules in one day. */
export const RuleDay = Type.Object({ day: text('The day in UTC, as YYYY-MM-DD.'), ...counts })
export type RuleDay = Static<typeof RuleDay>

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
    rules: Type.Array(RuleDay, { description: 'What the rules of the collection did, by day, the oldest first.' }),
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

/** Default and least `share` of neighbour lists: lists of the index have few points of a smaller share. */
export const LEAST_NEIGHBOUR_SHARE = 0.005
const neighbourFields = {
  /** The vector to compare. May be left out where the collection has one. */
  using: optional(text('The vector to compare. May be left out where the collection has one.')),
  /** Neighbours of each point. Default 15. */
  neighbours: optional(
    integer({ description: 'Neighbours of each point. Default 15.', minimum: 1, maximum: LIMITS.neighbours }),
  ),
  /** About so many points are told. Default 1,000. */
  limit: optional(
    integer({ description: 'Points that are looked at. Default 1000.', minimum: 1, maximum: LIMITS.neighbourPage }),
  ),
  /** Points that are told, and among which their neighbours are. Default: all. */
  filter,
  /** The share of the points that are told, and among which their neighbours are. Default 1: all. */
  share: optional(
    number({
      description: 'Share of the points that are told, and among which their neighbours are. Default 1: all.',
      minimum: LEAST_NEIGHBOUR_SHARE,
      maximum: 1,
    }),
  ),
  /** Seed of the choice by `share`: equal seeds choose equal points. Default 0. */
  seed: optional(
    integer({ description: 'Seed of the choice by share: equal seeds choose equal points.', maximum: 2 ** 32 - 1 }),
  ),
  /** The first point, as `nextOffset` of the page before told it. */
  offset: optional(Type.Union([PointIdentity, Type.Null()], { description: 'The first point. Default: the first.' })),
  /** Only points that were changed after this operation, chosen at random where they are more than `limit`. */
  afterOperation: optional(
    integer({ description: 'Only points that were changed after this operation, at random, on one page.' }),
  ),
}
export const NeighbourOptions = Type.Object({ ...neighbourFields, ...CALL_OPTIONS })
/** Options of `neighbours`. */
export type NeighbourOptions = Static<typeof NeighbourOptions>
export const NeighbourRequest = Type.Object(neighbourFields, { $id: 'NeighbourRequest' })

export const NeighbourPage = Type.Object(
  {
    ids: Type.Array(PointIdentity, { description: 'Points in the order of ids.' }),
    neighbours: Type.Array(Type.Array(PointIdentity), { description: 'Of each point its neighbours, nearest first.' }),
    distances: Type.Array(Type.Array(number({ description: 'A distance, at least 0.' })), {
      description: 'Distances to them; under Cosine those of vectors of length 1.',
    }),
    operationId: integer({ description: 'Number of the last operation before the call.' }),
    nextOffset: Type.Union([PointIdentity, Type.Null()], { description: 'The `offset` of the next page; null: none.' }),
  },
  { $id: 'NeighbourPage', description: 'Points with their nearest neighbours, by the index.' },
)
export type NeighbourPage = Static<typeof NeighbourPage>

/** The methods of a collection that report on its data. */
export interface QualityReports {
  /**
   * A report on the data, from a random sample: docs/quality.md explains each figure. Two calls at once that ask the
   * same share one report.
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
  /** Points with their nearest neighbours by the index, page by page: the graph that a projection is made of. */
  neighbours(options?: NeighbourOptions): Promise<NeighbourPage>
}
