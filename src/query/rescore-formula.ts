import type { Hit } from '../core/database.js'
import { invalidAfterWork } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { decodeId, encodeIds, ID_WORDS, type Payload } from '../core/point.js'
import type { Stoppable } from '../core/stop.js'
import { valuesAt } from '../filter/payload-values.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock } from '../native/addon.js'
import { BytesRead } from './bytes-read.js'
import { evaluate, type Formula } from './formula.js'
import { projectionOf, RowReader } from './rows.js'
import type { QueryScope, Source } from './source.js'
import { Turns } from './turns.js'

/** Scores the prefetches' points by the formula, greatest first. */
export async function scoreByFormula(
  source: Source,
  formula: Formula,
  sources: readonly Hit[][],
  { call, mostBytes }: Pick<QueryScope, 'call' | 'mostBytes'>,
  read = new BytesRead(),
): Promise<Hit[]> {
  const points = [...new Map(sources.flat().map((hit) => [hit.id, hit])).values()]
  if (points.length === 0) return []
  checkConditions(formula, points.length)
  const turns = new Turns(call?.signal)
  const ids = encodeIds(points.map(({ id }) => id))
  const scores = sources.map((hits) => new Map(hits.map(({ id, score }) => [id, score])))
  const passing = await passingOf(source, formula, points, ids, turns, call)
  const payloads = await payloadsOf(source, ids, points, formula, mostBytes, read)
  call?.signal?.throwIfAborted()
  const scored: Hit[] = new Array(points.length)
  await turns.each(points.length, (at) => {
    const { id, version } = points[at] as Hit
    const payload = payloads(at)
    const score = evaluate(formula, {
      score: (prefetch) => scores[prefetch]?.get(id),
      values: (key) => valuesAt(payload, formula.variables.get(key) ?? []),
      passes: (condition) => passing[condition]?.[at] === 1,
    })
    scored[at] = { id, version, score }
  })
  return scored.sort((a, b) => b.score - a.score)
}

/** Payloads by position of the point; only read if the formula uses them. */
async function payloadsOf(
  { shard, schema }: Source,
  ids: Uint32Array,
  points: readonly Hit[],
  { variables }: Formula,
  mostBytes: number | undefined,
  read: BytesRead,
): Promise<(at: number) => Payload> {
  if (variables.size === 0) return () => ({})
  const projection = projectionOf({ withPayload: true, mostBytes }, schema)
  const block: RowBlock & { positions: Uint32Array } = await shard.retrieve(ids, projection.fields)
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
  { shard }: Source,
  { conditions }: Formula,
  points: readonly Hit[],
  ids: Uint32Array,
  turns: Turns,
  call: Stoppable | undefined,
): Promise<Uint8Array[]> {
  if (conditions.length === 0) return []
  const positions = new Map(points.map(({ id }, at) => [id, at]))
  const passing: Uint8Array[] = []
  for (const condition of conditions) {
    call?.signal?.throwIfAborted()
    const found = await shard.selectIds(
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
