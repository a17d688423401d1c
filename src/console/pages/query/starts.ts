/** Bodies to start from, made of what the collection has. */
import type { CollectionInfo, VectorParams } from '../../service/types'

export interface Start {
  name: string
  text: string
}

const LIMIT = 10
/** Longer vectors are left to the user: a line of 1,024 zeros helps nobody. */
const MOST_DIMENSIONS = 16

export function startsOf(
  vectors: Record<string, VectorParams>,
  info: CollectionInfo | null,
  asked: string | null,
): Start[] {
  const starts: Start[] = []
  const names = Object.keys(vectors)
  const using = names[0] ? { using: names[0] } : {}
  const id = asked === null ? 1 : JSON.parse(asked)
  const add = (name: string, body: object) => starts.push({ name, text: JSON.stringify(body, null, 2) })
  if (names.length > 0) add('Neighbours of a point', { query: id, ...using, limit: LIMIT })
  add('Points in order', { limit: LIMIT })
  const size = vectors[names[0] ?? '']?.size ?? 0
  if (size > 0) {
    const query = Array.from({ length: Math.min(size, MOST_DIMENSIONS) }, () => 0.1)
    add('A vector', { query, ...using, limit: LIMIT })
    add('With recall and a filter', {
      query: id,
      ...using,
      limit: LIMIT,
      params: { recall: 0.99 },
      filter: { must: [{ key: 'field', match: { value: 'text' } }] },
    })
  }
  const sparse = Object.keys(info?.config.params.sparse_vectors ?? {})
  if (sparse[0]) {
    add('Text (BM25)', { query: { text: 'words to look for', model: 'qdrant/bm25' }, using: sparse[0], limit: LIMIT })
    if (names.length > 0) {
      const prefetch = [
        { query: id, ...using, limit: 50 },
        { query: { text: 'words to look for', model: 'qdrant/bm25' }, using: sparse[0], limit: 50 },
      ]
      add('Hybrid', { prefetch, query: { fusion: 'rrf' }, limit: LIMIT })
    }
  } else if (names.length > 1) {
    const prefetch = names.slice(0, 2).map((name) => ({ query: id, using: name, limit: 50 }))
    add('Two vectors fused', { prefetch, query: { fusion: 'rrf' }, limit: LIMIT })
  }
  return starts
}
