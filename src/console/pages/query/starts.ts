/** Bodies to start from, made of the collection's vectors and a point. */
import { readJson, writeJson } from '../../service/exact-json'
import { type CollectionInfo, type Point, type PointId, vectorsOf } from '../../service/types'

export interface Start {
  name: string
  text: string
}

const LIMIT = 10
/** Digits of the components of a sampled vector: it is read, and asks for about the same. */
const DIGITS = 4

interface Parts {
  info: CollectionInfo
  /** The point that a link names. */
  id: PointId | undefined
  /** The vector that a link names. */
  using: string | null
  /** A stored point with its vector; null where there is none. */
  sample: Point | null
}

/** The id of a link, which is JSON; another text is an id itself. */
export function idIn(text: string): PointId {
  try {
    const id = readJson(text)
    if (typeof id === 'number' || typeof id === 'bigint' || typeof id === 'string') return id
  } catch {
    // A text that was typed by hand.
  }
  return text
}

export function startsOf({ info, id: asked, using: named, sample }: Parts): Start[] {
  const starts: Start[] = []
  const vectors = vectorsOf(info)
  const names = Object.keys(vectors)
  const first = named ?? names[0]
  const using = first ? { using: first } : {}
  const id = asked ?? sample?.text_id ?? sample?.id ?? 1
  const add = (name: string, body: object) => starts.push({ name, text: textOf(body) })
  if (first !== undefined) add('Neighbours of a point', { query: id, ...using, limit: LIMIT })
  add('Points in order', { limit: LIMIT })
  const size = vectors[first ?? '']?.size ?? 0
  if (size > 0) {
    const query = vectorOf(sample, first ?? '') ?? Array.from({ length: size }, () => 0.1)
    add('A vector', { query, ...using, limit: LIMIT })
    add('With recall and a filter', {
      query: id,
      ...using,
      limit: LIMIT,
      params: { recall: 0.99 },
      filter: { must: [{ key: 'field', match: { value: 'text' } }] },
    })
  }
  const sparse = Object.keys(info.config.params.sparse_vectors ?? {})
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

/** The vector of a point, with fewer digits. */
function vectorOf(point: Point | null, name: string): unknown {
  const all = point?.vector
  if (all === undefined || all === null) return null
  const one = Array.isArray(all) ? all : (all as Record<string, unknown>)[name]
  return Array.isArray(one) ? rounded(one) : null
}

function rounded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rounded)
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value
}

/** Indented, but for lists of numbers: each stands on one line. */
export function textOf(body: object): string {
  return writeJson(body, null, 2).replaceAll(/\[\n[\s\d.,eE+-]+\]/g, (list) =>
    list.replaceAll(/\n\s*/g, '').replaceAll(',', ', '),
  )
}
