import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { decodeId, decodeIds, ID_WORDS } from '../core/point.js'
import type { SearchMatrix, SearchMatrixOptions } from '../core/query.js'
import { isSparse, type ResolvedVector, type SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { parseFilter } from '../filter/parse.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock } from '../native/addon.js'
import type { Cancellable } from '../native/shard.js'
import { bounded, vectorIndex } from './settings.js'
import type { Source } from './source.js'

const DEFAULT_SAMPLE = 10
const DEFAULT_NEIGHBOURS = 3
const SEEDS = 2 ** 32
/** Searches under way at once. */
const AT_ONCE = 16

/** Points chosen at random, and of each its nearest among the others. */
export async function searchMatrix(
  source: Source,
  options: SearchMatrixOptions,
  call?: Cancellable,
): Promise<SearchMatrix> {
  const { shard, schema } = source
  const sample = bounded(options.sample ?? DEFAULT_SAMPLE, 2, LIMITS.matrixSample, 'sample')
  const limit = bounded(options.limit ?? DEFAULT_NEIGHBOURS, 1, LIMITS.resultLimit, 'limit')
  const vector = vectorIndex(options.using, schema)
  if (schema[vector]?.multivectorConfig) {
    throw new VicinalError('NOT_IMPLEMENTED', 'using: a matrix of multivectors is not supported yet')
  }
  if (isSparse(schema[vector] as SchemaVector))
    throw invalid('using', 'expected the name of a dense vector', options.using)
  const own = parseFilter(options.filter, { vectorNames: schema.map(({ name }) => name) })
  const nodes: FilterNode[] = [{ op: 'hasVector', vector }, ...(own ? [own] : [])]
  const fields = { payload: false, vectors: Uint32Array.of(vector) }
  const filter = compileNode({ op: 'and', children: nodes })
  const seed = Math.floor(Math.random() * SEEDS)
  const block = await shard.sample({ limit: sample, seed, filter, fields }, call?.signal)
  if (block.count < 2) return { ids: [], pairs: [] }
  if (Math.min(limit, block.count - 1) * block.count > LIMITS.resultLimit) {
    throw invalid('limit', `expected sample times limit of at most ${LIMITS.resultLimit}`, limit * block.count)
  }
  const rows = rowsById(block)
  const among = compileNode({ op: 'hasId', ids: block.ids })
  const { size } = schema[vector] as ResolvedVector
  const { data } = block.vectors[0] as { data: Float32Array }
  const pairs: SearchMatrix['pairs'] = []
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const found = rows.slice(from, from + AT_ONCE).map(async (row) => {
      const query = data.slice(row * size, (row + 1) * size)
      return await neighbours(
        source,
        { vector, query, limit, among, self: block.ids.slice(row * ID_WORDS, (row + 1) * ID_WORDS) },
        call,
      )
    })
    pairs.push(...(await Promise.all(found)).flat())
  }
  return { ids: rows.map((row) => decodeId(block.ids, row * ID_WORDS)), pairs }
}

interface Asked {
  vector: number
  query: Float32Array
  limit: number
  among: Uint8Array
  self: Uint32Array
}

async function neighbours({ shard }: Source, asked: Asked, call?: Cancellable): Promise<SearchMatrix['pairs']> {
  const { vector, query, limit, among, self } = asked
  const result = await shard.search(
    {
      vector,
      query,
      limit,
      offset: 0,
      ef: 0,
      recall: 1,
      exact: true,
      indexedOnly: false,
      scoreThreshold: null,
      filter: among,
      exclude: self,
      fields: { payload: false, vectors: new Uint32Array(0) },
    },
    call,
  )
  const a = decodeId(self, 0)
  return decodeIds(result.ids).map((b, at) => ({ a, b, score: result.scores[at] as number }))
}

/** Encoded ids are words, which are in the order of the ids where they are compared one by one. */
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
