import type { Hit } from '../core/database.js'
import { invalidAfterWork } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { PayloadIndexKind } from '../core/payload-index.js'
import { decodeId, ID_WORDS, type Payload, type PointId } from '../core/point.js'
import { valuesAt } from '../filter/payload-values.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock } from '../native/addon.js'
import { BytesRead } from './explain.js'
import { evaluate, type Formula, isOfIndex } from './formula.js'
import { projectionOf, RowReader } from './rows.js'
import type { QueryScope } from './source.js'
import { byId, distinctHits, encodedIds, listOf, sorted, Turns } from './turns.js'

type Scope = Pick<QueryScope, 'source' | 'call' | 'mostBytes'>

/** Scores the prefetches' points by the formula, greatest first. */
export async function scoreByFormula(
  formula: Formula,
  sources: readonly Hit[][],
  scope: Scope,
  read = new BytesRead(),
): Promise<Hit[]> {
  const turns = new Turns(scope.call)
  const points = await turns.take(distinctHits(sources))
  if (points.length === 0) return []
  checkConditions(formula, points.length)
  const ids = await turns.take(encodedIds(points.length, (at) => (points[at] as Hit).id))
  const scores: Map<PointId, number>[] = []
  for (const hits of sources) scores.push(await turns.take(byId(hits, ({ score }) => score)))
  const passing = await passingOf(formula, points, ids, turns, scope)
  const payloads = await payloadsOf(ids, points, formula, scope, read)
  const kinds = indexKindsOf(formula, scope)
  const scoredAt = (at: number): Hit => {
    const { id, version } = points[at] as Hit
    const payload = payloads(at)
    const score = evaluate(formula, {
      score: (prefetch) => scores[prefetch]?.get(id),
      values: (key) => valuesAt(payload, formula.variables.get(key) ?? []).filter(isOfIndex(kinds.get(key))),
      passes: (condition) => passing[condition]?.[at] === 1,
    })
    return { id, version, score }
  }
  const scored = await turns.take(listOf(points.length, scoredAt))
  return await turns.take(sorted(scored, (a, b) => b.score - a.score))
}

/** The kinds of the variables' payload indexes, as far as they have one. */
function indexKindsOf({ variables }: Formula, { source }: Scope): ReadonlyMap<string, PayloadIndexKind> {
  if (variables.size === 0) return new Map()
  return new Map(source.shard.stats().payloadIndexes.map(({ field, kind }) => [field, kind]))
}

/** Payloads by position of the point; only read if the formula uses them. */
async function payloadsOf(
  ids: Uint32Array,
  points: readonly Hit[],
  { variables }: Formula,
  { source, call, mostBytes }: Scope,
  read: BytesRead,
): Promise<(at: number) => Payload> {
  if (variables.size === 0) return () => ({})
  const projection = projectionOf({ withPayload: true, mostBytes }, source.schema, false)
  const block: RowBlock & { positions: Uint32Array } = await source.shard.retrieve(ids, projection.fields, call)
  read.add(block)
  const reader = new RowReader(block, projection)
  const rowOf = new Int32Array(points.length).fill(-1)
  for (const [row, position] of block.positions.entries()) rowOf[position] = row
  return (at) => {
    const row = rowOf[at] as number
    return row < 0 ? {} : ((reader.point(row).payload ?? {}) as Payload)
  }
}

function checkConditions({ conditions }: Formula, points: number): void {
  const most = LIMITS.formulaConditionPoints
  if (conditions.length * points <= most) return
  throw invalidAfterWork(
    'query.formula',
    `expected conditions times points of at most ${most}`,
    conditions.length * points,
  )
}

/**
 * For each condition, 1 by position of the point if the point passes. One condition runs at a time, because its program
 * and its answer each hold the ids of all points.
 */
async function passingOf(
  { conditions }: Formula,
  points: readonly Hit[],
  ids: Uint32Array,
  turns: Turns,
  { source, call }: Scope,
): Promise<Uint8Array[]> {
  if (conditions.length === 0) return []
  const positions = await turns.take(byId(points, (_, at) => at))
  const passing: Uint8Array[] = []
  for (const condition of conditions) {
    if (call?.isStopped) throw call.reason
    const found = await source.shard.selectIds(
      compileNode({ op: 'and', children: [{ op: 'hasId', ids }, condition] }),
      call?.signal,
    )
    const passes = new Uint8Array(points.length)
    await turns.each(found.length / ID_WORDS, (row) => {
      const at = positions.get(decodeId(found, row * ID_WORDS))
      if (at !== undefined) passes[at] = 1
    })
    passing.push(passes)
  }
  return passing
}
