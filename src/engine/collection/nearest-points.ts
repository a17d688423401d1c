/** Looks stored points up that are near to vectors which are about to be written. */
import { decodeId, ID_WORDS } from '../../core/point.js'
import type { ResolvedVector } from '../../core/schema.js'
import type { CheckedBatch, NearPoint } from '../../ingest/checked-batch.js'
import { roundQuery } from '../../native/vectors.js'
import type { PlanContext } from './collection-view.js'

/** Searches of one batch that are under way at a time. */
const AT_ONCE = 32
const RECALL = 0.95
const NO_FIELDS = { payload: false, vectors: new Uint32Array(0) }

export function nearestIn({ shard, schema }: PlanContext): CheckedBatch['nearest'] {
  return async (name, floats, ids, threshold) => {
    const vector = schema.findIndex((candidate) => candidate.name === name)
    const { size, datatype = 'float32' } = schema[vector] as ResolvedVector
    const queries = roundQuery(floats, size, datatype)
    const nearestTo = async (at: number): Promise<NearPoint | null> => {
      const {
        count,
        ids: found,
        scores,
      } = await shard.search({
        vector,
        query: queries.slice(at * size, (at + 1) * size),
        limit: 1,
        offset: 0,
        ef: 0,
        recall: RECALL,
        exact: false,
        codes: null,
        indexedOnly: false,
        scoreThreshold: threshold,
        filter: null,
        // A point that is written again is no duplicate of itself.
        exclude: ids.slice(at * ID_WORDS, (at + 1) * ID_WORDS),
        fields: NO_FIELDS,
      })
      return count === 0 ? null : { id: decodeId(found, 0), score: scores[0] as number }
    }
    const all: (NearPoint | null)[] = []
    for (let first = 0; first < ids.length / ID_WORDS; first += AT_ONCE) {
      const length = Math.min(AT_ONCE, ids.length / ID_WORDS - first)
      all.push(...(await Promise.all(Array.from({ length }, (_, at) => nearestTo(first + at)))))
    }
    return all
  }
}
