/** The kinds of queries, declared once. Types of unions are written by hand, and a test holds them equal. */
import Type, { type Static, type TSchema } from 'typebox'
import type { Expression } from './formula.js'
import { LIMITS } from './limits.js'
import { FormulaOf, VectorInput } from './query-leaves.js'
import { integer, number, oneOrMany, opaque, optional, text } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'
import { snakeCase } from './vocabulary/spelling.js'

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

/** The nearest points to a vector. */
export interface NearestQuery {
  /** The vector, or the id of a point. */
  nearest: VectorInput
  /** Chooses among the nearest so that they differ from each other too. */
  mmr?: Mmr | null
}
export const NearestQuery = Type.Object(
  { nearest: VectorInput, mmr: optional(Mmr) },
  { $id: 'NearestQuery', description: 'The neighbours of a vector.' },
)

export const RECOMMEND_STRATEGIES = ['average_vector', 'best_score', 'sum_scores'] as const
export type RecommendStrategy = (typeof RECOMMEND_STRATEGIES)[number]

const examples = (description: string) => optional(Type.Array(VectorInput, { description }))
export const recommendation = {
  positive: examples('Points are wanted near these.'),
  negative: examples('Points are wanted far from these.'),
  strategy: optional(Type.Enum(RECOMMEND_STRATEGIES, { description: 'Default `average_vector`.' })),
}
/** Points near to positive examples and far from negative ones. */
export interface RecommendQuery {
  /** The examples, and how they are weighed. */
  recommend: {
    positive?: readonly VectorInput[] | null
    negative?: readonly VectorInput[] | null
    /** Default `average_vector`. */
    strategy?: RecommendStrategy | null
  }
}
export const RecommendQuery = Type.Object(
  {
    recommend: Type.Object(recommendation, {
      $id: 'RecommendInput',
      description: 'Examples of points that are wanted, and of points that are not.',
      holds: (given: { positive?: readonly unknown[]; negative?: readonly unknown[] }) =>
        (given.positive?.length ?? 0) + (given.negative?.length ?? 0) > 0,
      expected: 'an example: At least one positive or negative vector/id must be provided',
      rule: 'At least one positive or negative vector/id must be provided',
    }),
  },
  { $id: 'RecommendQuery', description: 'Points like the positive examples, and unlike the negative ones.' },
)

/** Two examples: points near to `positive` are wanted, points near to `negative` are not. */
export interface ContextPair {
  /** The example to be near to. */
  positive: VectorInput
  /** The example to be far from. */
  negative: VectorInput
}
export const ContextPair = Type.Object(
  { positive: VectorInput, negative: VectorInput },
  { $id: 'ContextPair', description: 'Points are wanted on the side of the positive example.' },
)
const pairs = oneOrMany(ContextPair, { description: 'One pair, or several.' })

/** The nearest to a target among the points on the positive side of pairs. */
export interface DiscoverQuery {
  /** The target, and the pairs that part the space. */
  discover: { target: VectorInput; context?: ContextPair | readonly ContextPair[] | null }
}
export const DiscoverQuery = Type.Object(
  {
    discover: Type.Object(
      { target: VectorInput, context: optional(pairs) },
      { $id: 'DiscoverInput', description: 'A target, and pairs that divide the space.' },
    ),
  },
  { $id: 'DiscoverQuery', description: 'Points near a target, on the right side of each pair.' },
)

/** Points on the positive side of all pairs, without a target. */
export interface ContextQuery {
  /** One pair, or several. */
  context: ContextPair | readonly ContextPair[]
}
export const ContextQuery = Type.Object(
  { context: pairs },
  { $id: 'ContextQuery', description: 'Points on the right side of each pair.' },
)

/** The payload field needs an index of numbers or date-times. */
export interface OrderBy {
  /** The payload field. */
  key: string
  /** Default `asc`. */
  direction?: 'asc' | 'desc' | null
  /** A number, or an RFC 3339 date-time. */
  startFrom?: number | bigint | string | null
}
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
export const OrderByInput = Type.Union([text('A payload field.'), OrderBy], {
  description: 'A payload field with an index of numbers or date-times, or an object with one.',
  expected: 'a payload key, or an object with one',
  choose: (value: unknown) => (typeof value === 'string' ? 0 : isPlain(value) ? 1 : -1),
})
/** Points in the order of a payload field. */
export interface OrderByQuery {
  /** The field, or the field and a direction. */
  orderBy: string | OrderBy
}
export const OrderByQuery = Type.Object(
  { orderBy: OrderByInput },
  { $id: 'OrderByQuery', description: 'Points in the order of a payload field.' },
)

/** Fuses the answers of the prefetches. */
export interface FusionQuery {
  /** `rrf`: by ranks. `dbsf`: by scores, each answer's brought to one scale. */
  fusion: 'rrf' | 'dbsf'
}
export const FusionQuery = Type.Object(
  {
    fusion: Type.Enum(['rrf', 'dbsf'], {
      description: '`rrf`: by ranks (reciprocal rank fusion). `dbsf`: by scores (distribution-based score fusion).',
    }),
  },
  { $id: 'FusionQuery', description: 'Fuses the results of the prefetches.' },
)

/** Fuses the answers of the prefetches by their ranks. */
export interface RrfQuery {
  /** The constant, and a weight for each prefetch. */
  rrf: {
    /** Default 2. */
    k?: number | null
    /** One for each prefetch; default 1. */
    weights?: readonly number[] | null
  }
}
const MAX_RRF_K = 2 ** 31 - 1
export const RrfQuery = Type.Object(
  {
    rrf: Type.Object(
      {
        k: optional(integer({ description: 'Default 2.', minimum: 1, maximum: MAX_RRF_K })),
        weights: optional(
          Type.Array(number({ description: 'A weight.' }), { description: 'One for each prefetch. Default 1.' }),
        ),
      },
      { $id: 'Rrf', description: 'Parameters of the fusion.' },
    ),
  },
  { $id: 'RrfQuery', description: 'Fuses the results of the prefetches by their ranks.' },
)

/** Scores the points of the prefetches by a formula. */
export interface FormulaQuery {
  /** The formula. */
  formula: Expression
  /** By variable, for points that lack its value. */
  defaults?: Readonly<Record<string, unknown>> | null
}
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
/** Points at random. */
export interface SampleQuery {
  /** `random`. */
  sample: 'random'
}
export const SampleQuery = Type.Object(
  { sample: Type.Literal('random', { description: 'The only kind.' }) },
  { $id: 'SampleQuery', description: 'Points chosen at random.' },
)

/** The nearest points to a target, corrected by scores that a caller gave to examples. */
export interface RelevanceFeedbackQuery {
  /** The target, the scored examples, and how they are weighed. */
  relevanceFeedback: {
    target: VectorInput
    feedback: readonly { example: VectorInput; score: number }[]
    strategy: { naive: { a: number; b: number; c: number } }
  }
}
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
        feedback: Type.Array(FeedbackItem, { description: 'Rated examples.', maxItems: LIMITS.feedbackItems }),
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
        rule: 'feedback elements must be non-empty',
      },
    ),
  },
  { $id: 'RelevanceFeedbackQuery', description: 'The neighbours of a target, reordered by the ratings of examples.' },
)

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
