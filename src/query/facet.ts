import type { FacetHit, FacetOptions } from '../core/query.js'
import type { Stoppable } from '../core/stop.js'
import { filterContext } from '../filter/parse.js'
import { parsePath } from '../filter/path.js'
import { compileFilter } from '../filter/program.js'
import type { FacetResult } from '../native/addon.js'
import { boundedRows, DEFAULT_LIMIT } from './amounts.js'
import { listOf } from './long-lists.js'
import type { Source } from './source.js'
import { Turns } from './turns.js'

/** The number of points with each value of an indexed field: most frequent first, then in the order of the values. */
export async function facet({ shard, schema }: Source, options: FacetOptions, call?: Stoppable): Promise<FacetHit[]> {
  const limit = boundedRows(options.limit ?? DEFAULT_LIMIT)
  parsePath(options.key, 'key')
  const filter = options.filter ? compileFilter(options.filter, filterContext(schema)) : null
  const result = await shard.facet({ field: options.key, limit, filter }, call?.signal)
  const { counts } = result
  return await new Turns(call).take(
    listOf(counts.length, (at) => ({ value: valueAt(result, at), count: counts[at] as number })),
  )
}

function valueAt({ texts, integers, kind }: FacetResult, at: number): FacetHit['value'] {
  if (texts) {
    const { bytes, offsets } = texts
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', offsets[at], offsets[at + 1])
  }
  const value = (integers as BigInt64Array)[at] as bigint
  if (kind === 'bool') return value !== 0n
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
