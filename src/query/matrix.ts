import { invalidAfterWork } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { decodeId, decodeIds, ID_WORDS, type PointId } from '../core/point.js'
import type { SearchMatrix, SearchMatrixOptions } from '../core/query.js'
import type { QueryPlan, StageKind } from '../core/query-plan.js'
import { isSparse, type ResolvedSparse, type SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { filterContext, parseFilter } from '../filter/parse.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock, VectorRows } from '../native/addon.js'
import { BytesRead, planOf, planWithoutSearch, type StageFacts, withMatches } from './explain.js'
import { noted } from './noted.js'
import { toldIds } from './pages.js'
import type { VectorValue } from './plan.js'
import { fieldsOf, sparseOfRow, startsOf } from './rows.js'
import { vectorIndex } from './search-settings.js'
import type { QueryScope } from './source.js'

export const DEFAULT_SAMPLE = 10
export const DEFAULT_NEIGHBOURS = 3
const SEEDS = 2 ** 32
/** Searches in work at once. It stays below the number of listeners that one signal allows without a warning. */
const AT_ONCE = 8

/** Points chosen at random, and for each its nearest among the others. */
export async function searchMatrix(
  options: SearchMatrixOptions,
  scope: QueryScope,
): Promise<{ matrix: SearchMatrix; plan: QueryPlan | null }> {
  const started = performance.now()
  const { shard, schema } = scope.source
  const sample = options.sample ?? DEFAULT_SAMPLE
  const limit = Math.min(options.limit ?? DEFAULT_NEIGHBOURS, sample - 1)
  const vector = vectorIndex(options.using, schema)
  const own = parseFilter(options.filter, filterContext(schema))
  const nodes: FilterNode[] = [{ op: 'hasVector', vector }, ...(own ? [own] : [])]
  const fields = fieldsOf(false, Uint32Array.of(vector), scope.mostBytes)
  const filter = compileNode({ op: 'and', children: nodes })
  const seed = Math.floor(Math.random() * SEEDS)
  const block = await shard.sample({ limit: sample, seed, filter, fields }, scope.call?.signal)
  const sampled = scope.explains ? await planOfSample(block, own && filter, started, scope) : null
  const told = (matrix: SearchMatrix, searches: readonly Neighbours[]) => {
    const prefetch = [sampled, ...searches.map(({ plan }) => plan)].flatMap((plan) => plan ?? [])
    if (!scope.explains && scope.notes === null) return { matrix, plan: null }
    const plan = planOfStage('matrix', matrix.pairs.length, started, { prefetch })
    return { matrix, plan: noted(plan, scope.notes, started, nodes) }
  }
  if (block.count < 2) return told({ ids: [], pairs: [] }, [])
  if (Math.min(limit, block.count - 1) * block.count > LIMITS.matrixPairs) {
    throw invalidAfterWork('limit', `expected sample times limit of at most ${LIMITS.matrixPairs}`, limit * block.count)
  }
  const rows = rowsById(block)
  const among = compileNode({ op: 'hasId', ids: block.ids })
  const vectorOf = vectorReader(schema[vector] as SchemaVector, block.vectors[0] as VectorRows)
  const searches: Neighbours[] = []
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const found = rows.slice(from, from + AT_ONCE).map(async (row) => {
      const self = block.ids.slice(row * ID_WORDS, (row + 1) * ID_WORDS)
      return await neighbours({ vector, value: vectorOf(row), limit, among, self }, scope)
    })
    searches.push(...(await Promise.all(found)))
  }
  const pairs = searches.flatMap((search) => search.pairs)
  return told(await namedAs(rows, block.ids, pairs, scope), searches)
}

/** The matrix of the rows of a sample, with the ids that answers tell. */
async function namedAs(
  rows: readonly number[],
  words: Uint32Array,
  pairs: SearchMatrix['pairs'],
  { source, call }: QueryScope,
): Promise<SearchMatrix> {
  if (!source.schema.textIds) return { ids: rows.map((row) => decodeId(words, row * ID_WORDS)), pairs }
  const names = await toldIds(source, words, call)
  const nameOf = new Map(decodeIds(words).map((id, row) => [id, names[row] as PointId]))
  const named = pairs.map(({ a, b, score }) => ({ a: nameOf.get(a) ?? a, b: nameOf.get(b) ?? b, score }))
  return { ids: rows.map((row) => names[row] as PointId), pairs: named }
}

/** Counts the matches if the caller gave a filter. */
async function planOfSample(
  block: RowBlock,
  filter: Uint8Array | null,
  started: number,
  { source, call }: QueryScope,
): Promise<QueryPlan> {
  const plan = planOfStage('sample', block.count, started, { rowBytes: { ...BytesRead.of(block) } })
  if (!filter) return plan
  return withMatches(plan, await source.shard.count(filter, call?.signal), source.shard.stats().points)
}

function planOfStage(stage: StageKind, returned: number, started: number, more: Partial<StageFacts>): QueryPlan {
  return planWithoutSearch({ ...factsOf(stage, returned, (performance.now() - started) * 1000), ...more })
}

function factsOf(stage: StageKind, returned: number, tookUs: number): StageFacts {
  return { stage, returned, prefetch: [], rowBytes: { payload: 0, vectors: 0 }, tookUs }
}

function vectorReader(vector: SchemaVector, rows: VectorRows): (row: number) => VectorValue {
  if (isSparse(vector)) return (row) => sparseOfRow(rows, row)
  const { size, multivectorConfig } = vector
  const starts = multivectorConfig ? startsOf(rows.counts) : null
  return (row) => {
    const from = (starts ? (starts[row] as number) : row) * size
    return rows.data.slice(from, from + (starts ? (rows.counts[row] as number) : 1) * size)
  }
}

interface Asked {
  vector: number
  value: VectorValue
  limit: number
  among: Uint8Array
  self: Uint32Array
}

interface Neighbours {
  pairs: SearchMatrix['pairs']
  /** Set if the matrix is explained. */
  plan: QueryPlan | null
}

async function neighbours(asked: Asked, { source, call, explains }: QueryScope): Promise<Neighbours> {
  const { shard, schema } = source
  const { vector, value, limit, among, self } = asked
  const ranked = {
    vector,
    limit,
    offset: 0,
    scoreThreshold: null,
    filter: among,
    exclude: self,
    fields: { payload: false, vectors: new Uint32Array(0) },
    explain: explains,
  }
  const result = await (value instanceof Float32Array
    ? shard.search({ ...ranked, query: value, ef: 0, recall: 1, exact: true, indexedOnly: false }, call)
    : shard.searchSparse({ ...ranked, ...value, idf: (schema[vector] as ResolvedSparse).modifier === 'idf' }, call))
  const a = decodeId(self, 0)
  const pairs = decodeIds(result.ids).map((b, at) => ({ a, b, score: result.scores[at] as number }))
  if (!explains) return { pairs, plan: null }
  const searched = { isFiltered: true, isCounted: true, isSparse: isSparse(schema[vector] as SchemaVector) }
  return { pairs, plan: planOf(result, searched, factsOf('nearest', result.count, result.stats.tookUs)) }
}

/** Rows in the order of their ids: encoded ids compare word by word in this order. */
function rowsById({ ids, count }: RowBlock): number[] {
  const compare = (a: number, b: number): number => {
    const order = [0, ...(ids[a * ID_WORDS] === 0 ? [2, 1] : [1, 2, 3, 4])]
    for (const word of order) {
      const difference = (ids[a * ID_WORDS + word] as number) - (ids[b * ID_WORDS + word] as number)
      if (difference !== 0) return difference
    }
    return 0
  }
  return Array.from({ length: count }, (_, row) => row).sort(compare)
}
