/** The kinds of queries, declared once. */
import Type, { type Static, type TSchema } from 'typebox'
import { LIMITS } from './limits.js'
import { FormulaOf, VectorInput } from './query-leaves.js'
import { type Given, integer, list, number, oneOrMany, opaque, optional, text } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'
import { ruleOfShape, snakeCase } from './vocabulary/spelling.js'

export const Mmr = Type.Object(
  {
    diversity: optional(
      number({
        description: 'From 0, as near to the query as can be, to 1, as far from each other as can be. Default 0.5.',
        minimum: 0,
        maximum: 1,
      }),
    ),
    candidatesLimit: optional(
      integer({
        description: 'How many of the nearest to choose from. Default `limit`.',
        minimum: 0,
        maximum: LIMITS.mmrCandidates,
      }),
    ),
  },
  {
    $id: 'Mmr',
    description: 'Chooses among the nearest so that they differ from each other too: maximal marginal relevance.',
  },
)
export type Mmr = Static<typeof Mmr>

export const NearestQuery = Type.Object(
  { nearest: VectorInput, mmr: optional(Mmr) },
  { $id: 'NearestQuery', description: 'The neighbours of a vector.' },
)
/** The nearest points to a vector. */
export type NearestQuery = Given<typeof NearestQuery>

export const RECOMMEND_STRATEGIES = ['average_vector', 'best_score', 'sum_scores'] as const
export type RecommendStrategy = (typeof RECOMMEND_STRATEGIES)[number]

const examples = (description: string) => optional(list(VectorInput, { description }))
export const recommendation = {
  positive: examples('Points are wanted near these.'),
  negative: examples('Points are wanted far from these.'),
  strategy: optional(Type.Enum(RECOMMEND_STRATEGIES, { description: 'Default `average_vector`.' })),
}
const Recommendation = Type.Object(recommendation, {
  $id: 'RecommendInput',
  description: 'Examples of points that are wanted, and of points that are not.',
  holds: (given: { positive?: readonly unknown[]; negative?: readonly unknown[] }) =>
    (given.positive?.length ?? 0) + (given.negative?.length ?? 0) > 0,
  expected: 'an example: At least one positive or negative vector/id must be provided',
  part: 'positives, negatives',
  rule: ruleOfShape('At least one positive or negative vector/id must be provided'),
})
export const RecommendQuery = Type.Object(
  {
    recommend: Recommendation,
  },
  { $id: 'RecommendQuery', description: 'Points like the positive examples, and unlike the negative ones.' },
)
/** Points near to positive examples and far from negative ones. */
export type RecommendQuery = { recommend: Given<typeof Recommendation> }

export const ContextPair = Type.Object(
  { positive: VectorInput, negative: VectorInput },
  { $id: 'ContextPair', description: 'Points are wanted on the side of the positive example.' },
)
/** Two examples: points near to `positive` are wanted, points near to `negative` are not. */
export type ContextPair = Given<typeof ContextPair>
const pairs = oneOrMany(ContextPair, { description: 'One pair, or several.' })

const Discovery = Type.Object(
  { target: VectorInput, context: optional(pairs) },
  { $id: 'DiscoverInput', description: 'A target, and pairs that divide the space.' },
)
export const DiscoverQuery = Type.Object(
  {
    discover: Discovery,
  },
  { $id: 'DiscoverQuery', description: 'Points near a target, on the right side of each pair.' },
)
/** The nearest to a target among the points on the positive side of pairs. */
export type DiscoverQuery = { discover: Given<typeof Discovery> }

export const ContextQuery = Type.Object(
  { context: pairs },
  { $id: 'ContextQuery', description: 'Points on the right side of each pair.' },
)
/** Points on the positive side of all pairs, without a target. */
export type ContextQuery = Given<typeof ContextQuery>

const DATE = /^\d{4}-\d\d-\d\d/
export const OrderBy = Type.Object(
  {
    key: text('A payload field with an index of numbers or date-times.'),
    direction: optional(Type.Enum(['asc', 'desc'], { description: 'Default `asc`.' })),
    startFrom: optional(
      opaque<number | bigint | string>({
        description: 'A number, or an RFC 3339 date-time.',
        expected: 'a number or an RFC 3339 date-time',
        accepts: (value) =>
          typeof value === 'string' ? DATE.test(value) : typeof value === 'bigint' || Number.isFinite(value),
      }),
    ),
  },
  { $id: 'OrderBy', description: 'An order by a payload field.' },
)
/** The payload field needs an index of numbers or date-times. */
export type OrderBy = Given<typeof OrderBy>
export const OrderByInput = Type.Union([text('A payload field.'), OrderBy], {
  description: 'A payload field with an index of numbers or date-times, or an object with one.',
  expected: 'a payload key, or an object with one',
  choose: (value: unknown) => (typeof value === 'string' ? 0 : isPlain(value) ? 1 : -1),
})
export const OrderByQuery = Type.Object(
  { orderBy: OrderByInput },
  { $id: 'OrderByQuery', description: 'Points in the order of a payload field.' },
)
/** Points in the order of a payload field. */
export type OrderByQuery = Given<typeof OrderByQuery>

export const FusionQuery = Type.Object(
  {
    fusion: Type.Enum(['rrf', 'dbsf'], {
      description: '`rrf`: by ranks (reciprocal rank fusion). `dbsf`: by scores (distribution-based score fusion).',
    }),
  },
  { $id: 'FusionQuery', description: 'Fuses the results of the prefetches.' },
)
/** Fuses the answers of the prefetches. */
export type FusionQuery = Given<typeof FusionQuery>

const MAX_RRF_K = 2 ** 31 - 1
const Rrf = Type.Object(
  {
    k: optional(integer({ description: 'Default 2.', minimum: 1, maximum: MAX_RRF_K })),
    weights: optional(list(number({ description: 'A weight.' }), { description: 'One for each prefetch. Default 1.' })),
  },
  { $id: 'Rrf', description: 'Parameters of the fusion.' },
)
export const RrfQuery = Type.Object(
  {
    rrf: Rrf,
  },
  { $id: 'RrfQuery', description: 'Fuses the results of the prefetches by their ranks.' },
)
/** Fuses the answers of the prefetches by their ranks. */
export type RrfQuery = { rrf: Given<typeof Rrf> }

export const FormulaDefaults = opaque<Readonly<Record<string, unknown>>>({
  description: 'By variable, for points that lack its value.',
  type: 'object',
  expected: 'an object',
  accepts: isPlain,
})
export const FormulaQuery = Type.Object(
  { formula: FormulaOf, defaults: optional(FormulaDefaults) },
  { $id: 'FormulaQuery', description: 'Scores the points of the prefetches by a formula.' },
)
/** Scores the points of the prefetches by a formula. */
export type FormulaQuery = Given<typeof FormulaQuery>
export const SampleQuery = Type.Object(
  { sample: Type.Literal('random', { description: 'The only kind.' }) },
  { $id: 'SampleQuery', description: 'Points chosen at random.' },
)
/** Points at random. */
export type SampleQuery = Given<typeof SampleQuery>

const FeedbackItem = Type.Object(
  { example: VectorInput, score: number({ description: 'How good it is; greater is better.' }) },
  { $id: 'FeedbackItem', description: 'An example and its rating.' },
)
const Naive = Type.Object(
  {
    a: number({ description: 'Weight of the nearness to the target.' }),
    b: number({ description: 'Exponent of the difference between two ratings.', minimum: 0 }),
    c: number({ description: 'Weight of the pairs.' }),
  },
  { $id: 'NaiveFeedbackStrategy', description: 'Coefficients.' },
)
export const RelevanceFeedbackQuery = Type.Object(
  {
    relevanceFeedback: Type.Object(
      {
        target: VectorInput,
        feedback: list(FeedbackItem, { description: 'Rated examples.', maxItems: LIMITS.feedbackItems }),
        strategy: Type.Object(
          { naive: Naive },
          { $id: 'FeedbackStrategy', description: 'How ratings change the order. `naive` is the only strategy.' },
        ),
      },
      {
        $id: 'RelevanceFeedbackInput',
        description: 'A target, and ratings of examples.',
        holds: ({ feedback }: { feedback: readonly unknown[] }) => feedback.length > 0,
        expected: 'feedback with at least one item',
        part: '__all__',
        rule: 'feedback elements must be non-empty',
      },
    ),
  },
  { $id: 'RelevanceFeedbackQuery', description: 'The neighbours of a target, reordered by the ratings of examples.' },
)
/** The nearest points to a target, corrected by scores that a caller gave to examples. */
export type RelevanceFeedbackQuery = Given<typeof RelevanceFeedbackQuery>

export type Query =
  | VectorInput
  | NearestQuery
  | RecommendQuery
  | DiscoverQuery
  | ContextQuery
  | OrderByQuery
  | FusionQuery
  | RrfQuery
  | FormulaQuery
  | SampleQuery
  | RelevanceFeedbackQuery

/** By the key that names a kind in a query: the kind's declaration. */
const KINDS = {
  nearest: NearestQuery,
  recommend: RecommendQuery,
  discover: DiscoverQuery,
  context: ContextQuery,
  orderBy: OrderByQuery,
  fusion: FusionQuery,
  rrf: RrfQuery,
  formula: FormulaQuery,
  sample: SampleQuery,
  relevanceFeedback: RelevanceFeedbackQuery,
} satisfies Record<string, TSchema>
export type QueryKind = keyof typeof KINDS
const KEYS = Object.keys(KINDS)
const PLACE_OF = new Map(KEYS.flatMap((key, at) => [key, snakeCase(key)].map((name) => [name, at + 1] as const)))
/** An object with one of these is a vector. `image` and `object` are Qdrant's, and refused as vectors. */
const OF_VECTORS = ['indices', 'values', 'text', 'model', 'image', 'object']

export const Query = Type.Union([VectorInput, ...Object.values(KINDS)], {
  $id: 'Query',
  description: 'A vector or an id, or an object with one of the kinds of queries.',
  expected: `a vector, an id, or an object with one of ${KEYS.join(', ')}`,
  choose: (value: unknown) => {
    if (!isPlain(value)) return 0
    let chosen = -1
    for (const key in value) {
      const place = PLACE_OF.get(key)
      if (place === undefined || value[key] === undefined || value[key] === null || place === chosen) continue
      if (chosen >= 0) return -1
      chosen = place
    }
    return chosen < 0 && OF_VECTORS.some((key) => key in value) ? 0 : chosen
  },
})

/** The kind of a query that was read; null: a vector or an id. */
export function kindOfQuery(query: Query): QueryKind | null {
  if (!isPlain(query)) return null
  for (const key in query) if (Object.hasOwn(KINDS, key)) return key as QueryKind
  return null
}
