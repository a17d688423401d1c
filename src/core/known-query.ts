/** The keys of a query's parts: of its stages, of what is beside a kind of query, and inside of it. */
import { invalid } from './errors.js'
import { checkKnown, checkPart, isPlain, type KnownKeys, keysOf } from './known-keys.js'
import type {
  AcornParams,
  ContextPair,
  DiscoverQuery,
  FormulaQuery,
  LookupLocation,
  Mmr,
  NearestQuery,
  OrderBy,
  Prefetch,
  QuantizationParams,
  QueryParams,
  QueryStage,
  RecommendQuery,
  RelevanceFeedbackQuery,
  RrfQuery,
  WithLookup,
} from './query.js'

type Fields = Readonly<Record<string, unknown>>
type Feedback = RelevanceFeedbackQuery['relevanceFeedback']

/** Of each kind of query, what may stand beside its key. */
const KINDS = {
  nearest: keysOf<NearestQuery>({ nearest: true, mmr: true }),
  recommend: new Set(['recommend']),
  discover: new Set(['discover']),
  context: new Set(['context']),
  orderBy: new Set(['orderBy']),
  fusion: new Set(['fusion']),
  rrf: new Set(['rrf']),
  formula: keysOf<FormulaQuery>({ formula: true, defaults: true }),
  sample: new Set(['sample']),
  relevanceFeedback: new Set(['relevanceFeedback']),
}
export type QueryKind = keyof typeof KINDS

export const STAGE: Readonly<Record<keyof QueryStage, true>> = {
  query: true,
  prefetch: true,
  using: true,
  filter: true,
  limit: true,
  scoreThreshold: true,
  recall: true,
  params: true,
  lookupFrom: true,
}
const PREFETCH = keysOf<Prefetch>(STAGE)
const PARAMS = keysOf<QueryParams>({
  hnsw_ef: true,
  exact: true,
  indexed_only: true,
  quantization: true,
  idf: true,
  acorn: true,
})
const QUANTIZATION = keysOf<QuantizationParams>({ ignore: true, rescore: true, oversampling: true })
const ACORN = keysOf<AcornParams>({ enable: true, max_selectivity: true })
const IDF = new Set(['corpus'])
const LOOKUP = keysOf<LookupLocation>({ collection: true, vector: true })
const WITH_LOOKUP = keysOf<WithLookup>({ collection: true, withPayload: true, withVectors: true })

const MMR = keysOf<Mmr>({ diversity: true, candidatesLimit: true })
const RECOMMEND = keysOf<RecommendQuery['recommend']>({ positive: true, negative: true, strategy: true })
const DISCOVER = keysOf<DiscoverQuery['discover']>({ target: true, context: true })
const PAIR = keysOf<ContextPair>({ positive: true, negative: true })
const ORDER_BY = keysOf<OrderBy>({ key: true, direction: true, startFrom: true })
const FEEDBACK = keysOf<Feedback>({ target: true, feedback: true, strategy: true })
const EXAMPLE = keysOf<Feedback['feedback'][number]>({ example: true, score: true })
const STRATEGY = keysOf<Feedback['strategy']>({ naive: true })
/** These two come from the wire as they are there. */
export const KNOWN_NAIVE = keysOf<Feedback['strategy']['naive']>({ a: true, b: true, c: true })
export const KNOWN_RRF = keysOf<RrfQuery['rrf']>({ k: true, weights: true })

export function checkPrefetch(prefetch: unknown, at: string): void {
  checkKnown(prefetch, PREFETCH, at)
}

/** Of each search, so what is not there costs next to nothing. */
export function checkParams(params: unknown, at: string): void {
  if (params === undefined || params === null) return
  checkKnown(params, PARAMS, `${at}params.`)
  const { quantization, acorn, idf } = params as Fields
  checkPart(quantization, QUANTIZATION, `${at}params.quantization.`)
  checkPart(acorn, ACORN, `${at}params.acorn.`)
  checkPart(idf, IDF, `${at}params.idf.`)
}

export function checkLookup(lookupFrom: unknown, at: string): void {
  checkPart(lookupFrom, LOOKUP, `${at}lookupFrom.`)
}

export function checkWithLookup(withLookup: unknown): void {
  checkPart(withLookup, WITH_LOOKUP, 'withLookup.')
}

export function checkOrderBy(orderBy: unknown, at: string): void {
  checkPart(orderBy, ORDER_BY, `${at}orderBy.`)
}

/** The one kind that the query is of, where all its keys are known. `field` is its place. */
export function queryKind(query: object, field: string): QueryKind {
  const keys = Object.keys(query).filter((key) => (query as Fields)[key] !== undefined)
  const kinds = keys.filter((key) => Object.hasOwn(KINDS, key))
  const [kind] = kinds as QueryKind[]
  if (kind === undefined || kinds.length > 1) {
    const expected = `expected a vector, an id, or an object with one of ${Object.keys(KINDS).join(', ')}`
    throw invalid(field, expected, kinds.length > 1 ? kinds.join(', ') : (keys[0] ?? query))
  }
  const known: KnownKeys = KINDS[kind]
  checkKnown(query, known, `${field}.`)
  checkInside(query as Fields, `${field}.`)
  return kind
}

/** Of kinds that are not there, nothing is. */
function checkInside(query: Fields, at: string): void {
  const { mmr, recommend, discover, context, orderBy, rrf, relevanceFeedback } = query
  checkPart(mmr, MMR, `${at}mmr.`)
  checkPart(recommend, RECOMMEND, `${at}recommend.`)
  checkPart(discover, DISCOVER, `${at}discover.`)
  if (isPlain(discover)) checkPairs(discover.context, `${at}discover.context`)
  checkPairs(context, `${at}context`)
  checkOrderBy(orderBy, at)
  checkPart(rrf, KNOWN_RRF, `${at}rrf.`)
  checkFeedback(relevanceFeedback, `${at}relevanceFeedback.`)
}

function checkPairs(context: unknown, field: string): void {
  if (!Array.isArray(context)) checkPart(context, PAIR, `${field}.`)
  else for (const [i, pair] of context.entries()) checkPart(pair, PAIR, `${field}[${i}].`)
}

function checkFeedback(query: unknown, at: string): void {
  if (!isPlain(query)) return
  checkKnown(query, FEEDBACK, at)
  const { feedback, strategy } = query
  if (Array.isArray(feedback))
    for (const [i, one] of feedback.entries()) checkPart(one, EXAMPLE, `${at}feedback[${i}].`)
  checkPart(strategy, STRATEGY, `${at}strategy.`)
  if (isPlain(strategy)) checkPart(strategy.naive, KNOWN_NAIVE, `${at}strategy.naive.`)
}
