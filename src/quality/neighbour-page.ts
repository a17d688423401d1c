/** Points with their nearest neighbours by the index, page by page: the graph that a projection is made of. */
import { LIMITS } from '../core/limits.js'
import { ID_WORDS, type PointId } from '../core/point.js'
import type { NeighbourOptions, NeighbourPage } from '../core/quality.js'
import type { ResolvedVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { compileNode } from '../filter/program.js'
import { firstId, toldIds } from '../query/pages.js'
import { distanceBy } from './neighbours.js'
import type { Subject } from './samples.js'

const NEIGHBOURS = 15
/** Lists for a picture may miss a neighbour: it looks the same. */
const RECALL = 0.9
const QUERIES_AT_ONCE = 64
const QUERY_FLOATS = 262_144
/** Places of all lists of one call: some milliseconds of JavaScript. */
const LISTED_AT_ONCE = 16_384
/** Calls of the kernel at once: as many as threads of small machines. */
const CALLS_AT_ONCE = 4
/** Points whose ids one page looks at, where it tells a share of them. */
const PAGE_SCANNED = 65_536
/** The longest list that the kernel makes. */
const LONGEST_LIST = 4_096
/** A list of a share is longer than the mean demands: chance spreads its points unevenly. */
const MARGIN = 1.5
/** Digits of a list's longest distance, as many as float32 scores have. */
const DIGITS = 6

export type AskedNeighbours = Omit<NeighbourOptions, 'using' | 'filter'> & {
  /** Index into the schema. */
  readonly vector: number
  /** Points and neighbours meet it; null: all do. */
  readonly filter: FilterNode | null
  /** The last operation before the call. */
  readonly operationId: number
}

type Lists = Pick<NeighbourPage, 'ids' | 'neighbours' | 'distances'>

interface Graph {
  readonly subject: Subject
  readonly vector: number
  readonly length: number
  readonly share: number
  readonly seed: number
  readonly filter: FilterNode | null
}

/**
 * The choice by `share` needs no state: a point belongs to it by a hash of its id. So each page chooses from the same
 * points. Their neighbours are the chosen ones in a list of the index.
 */
export async function neighbourPage(subject: Subject, asked: AskedNeighbours): Promise<NeighbourPage> {
  const { vector, neighbours = NEIGHBOURS, share = 1, seed = 0, filter, operationId } = asked
  const graph = { subject, vector, length: neighbours, share, seed, filter }
  const { schema, signal } = subject
  const { ids, next: following, chosen } = await pointsOf(graph, asked)
  const { size } = schema[vector] as ResolvedVector
  const step = Math.floor(Math.min(QUERIES_AT_ONCE, QUERY_FLOATS / size, LISTED_AT_ONCE / firstLength(graph)))
  const batches: number[][] = []
  for (let from = 0; from < chosen.length; from += step) batches.push(chosen.slice(from, from + step))
  const parts: Lists[] = new Array(batches.length)
  let next = 0
  const work = async () => {
    for (let batch = next++; batch < batches.length; batch = next++) {
      signal.throwIfAborted()
      parts[batch] = await listsOf(graph, copied(ids, batches[batch] as number[]))
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work))
  const [nextOffset = null] = following ? await toldIds(subject, following) : []
  return {
    ids: parts.flatMap(({ ids }) => ids),
    neighbours: parts.flatMap((part) => part.neighbours),
    distances: parts.flatMap(({ distances }) => distances),
    operationId,
    nextOffset,
  }
}

/** The points of the page, as places of `ids`. Points after an operation are told whether they are of the share or not. */
async function pointsOf(graph: Graph, asked: AskedNeighbours) {
  const { limit = LIMITS.neighbourPageDefault, offset, afterOperation, seed = 0 } = asked
  const { subject, vector, share, filter } = graph
  const { shard, schema, signal } = subject
  const hasVector: FilterNode = { op: 'hasVector', vector }
  const wanted = {
    filter: compileNode(filter ? { op: 'and', children: [hasVector, filter] } : hasVector),
    fields: { payload: false, vectors: new Uint32Array(0) },
  }
  if (afterOperation !== undefined) {
    const block = await shard.sample({ ...wanted, limit, seed, afterSeq: afterOperation }, signal)
    return { ids: block.ids, next: null, chosen: Array.from({ length: block.count }, (_, at) => at) }
  }
  const most = Math.min(PAGE_SCANNED, Math.ceil(limit / share))
  const page = await shard.scroll({ ...wanted, from: firstId(offset, schema), limit: most }, signal)
  const all = Array.from({ length: page.count }, (_, at) => at)
  return { ids: page.ids, next: page.next, chosen: all.filter((at) => belongs(page.ids, at, graph)) }
}

/** The lists of a few points. */
async function listsOf(graph: Graph, words: Uint32Array): Promise<Lists> {
  const { subject, vector, length, share, seed } = graph
  const { shard, schema, signal } = subject
  const { distance } = schema[vector] as ResolvedVector
  const filter = graph.filter ? compileNode(graph.filter) : null
  // A point that is deleted meanwhile is left out.
  const rows = await shard.retrieve(words, { payload: false, vectors: Uint32Array.of(vector) })
  const queries = rows.vectors[0]?.data as Float32Array
  const size = queries.length / Math.max(1, rows.count)
  let most = firstLength(graph)
  for (;;) {
    const found = await shard.nearestLists({ vector, queries, limit: most, recall: RECALL, filter }, signal)
    const places: number[] = []
    const distances: number[][] = []
    let isShort = false
    for (let row = 0; row < rows.count; row++) {
      const toDistance = distanceBy(distance, lengthOf(queries, row, size))
      const told: number[] = []
      const filled = found.counts[row] as number
      for (let at = row * most; at < row * most + filled && told.length < length; at++) {
        if (isSame(found.ids, at, rows.ids, row) || !belongs(found.ids, at, { share, seed })) continue
        places.push(at)
        told.push(toDistance(found.scores[at] as number))
      }
      isShort ||= told.length < length && filled === most
      distances.push(rounded(told))
    }
    if (isShort && most < LONGEST_LIST) {
      most = Math.min(LONGEST_LIST, 2 * most)
      continue
    }
    const near = await toldIds(subject, copied(found.ids, places))
    return { ids: await toldIds(subject, rows.ids), neighbours: dealtOut(near, distances), distances }
  }
}

/** The length of the lists that are asked for first; the point itself is in its own. */
function firstLength({ length, share }: Graph): number {
  return Math.min(LONGEST_LIST, share === 1 ? length + 1 : Math.ceil((MARGIN * (length + 1)) / share))
}

/** Splits the neighbours of all points, one after the other, into lists as long as these. */
function dealtOut(near: readonly PointId[], lists: readonly unknown[][]): PointId[][] {
  let from = 0
  return lists.map(({ length }) => {
    from += length
    return near.slice(from - length, from)
  })
}

/** The ids at these places. */
function copied(ids: Uint32Array, places: readonly number[]): Uint32Array {
  const words = new Uint32Array(places.length * ID_WORDS)
  let to = 0
  for (const place of places) {
    for (let word = place * ID_WORDS; word < (place + 1) * ID_WORDS; word++) words[to++] = ids[word] as number
  }
  return words
}

function isSame(ids: Uint32Array, at: number, others: Uint32Array, other: number): boolean {
  for (let word = 0; word < ID_WORDS; word++) {
    if (ids[at * ID_WORDS + word] !== others[other * ID_WORDS + word]) return false
  }
  return true
}

/** In steps of a millionth of the longest: further digits are noise, and would be half of an answer. */
function rounded(distances: readonly number[]): number[] {
  const steps = 10 ** (DIGITS - Math.ceil(Math.log10(distances.at(-1) || 1)))
  return distances.map((distance) => Math.round(distance * steps) / steps)
}

function lengthOf(data: Float32Array, row: number, size: number): number {
  let sum = 0
  for (let at = row * size; at < (row + 1) * size; at++) sum += (data[at] as number) ** 2
  return Math.sqrt(sum)
}

/** Whether a hash of the point's id is in the share (the finalizer of MurmurHash3 over its words). */
function belongs(ids: Uint32Array, at: number, { share, seed }: Pick<Graph, 'share' | 'seed'>): boolean {
  if (share === 1) return true
  let hash = seed >>> 0
  for (let word = at * ID_WORDS; word < (at + 1) * ID_WORDS; word++) {
    hash ^= ids[word] as number
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0 < share * 2 ** 32
}
