import type { Hit } from '../core/database.js'
import { decodeIds, encodeIds, type Payload, type PointId } from '../core/point.js'
import type { FilterNode } from '../filter/node.js'
import { valuesAt } from '../filter/payload-values.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock } from '../native/addon.js'
import type { Cancellable } from '../native/shard.js'
import { evaluate, type Formula } from './formula.js'
import { projectionOf, RowReader } from './rows.js'
import type { Source } from './source.js'
import { inTurns } from './turns.js'

/** The points of the prefetches by the formula's value, greatest first. */
export async function scoreByFormula(
  source: Source,
  formula: Formula,
  sources: readonly Hit[][],
  call: Cancellable | undefined,
): Promise<Hit[]> {
  const points = [...new Map(sources.flat().map((hit) => [hit.id, hit])).values()]
  if (points.length === 0) return []
  const ids = encodeIds(points.map(({ id }) => id))
  const scores = sources.map((hits) => new Map(hits.map(({ id, score }) => [id, score])))
  const [payloads, passing] = await Promise.all([
    payloadsOf(source, ids, points, formula),
    Promise.all(formula.conditions.map((condition) => passingIds(source, condition, ids))),
  ])
  const scored: Hit[] = new Array(points.length)
  await inTurns(
    points.length,
    (at) => {
      const { id, version } = points[at] as Hit
      const payload = payloads(at)
      const score = evaluate(formula, {
        score: (prefetch) => scores[prefetch]?.get(id),
        values: (key) => valuesAt(payload, formula.variables.get(key) ?? []),
        passes: (condition) => passing[condition]?.has(id) === true,
      })
      scored[at] = { id, version, score }
    },
    call?.signal,
  )
  return scored.sort((a, b) => b.score - a.score)
}

/** By position of the point; only where the formula looks at payloads. */
async function payloadsOf(
  { shard, schema }: Source,
  ids: Uint32Array,
  points: readonly Hit[],
  { variables }: Formula,
): Promise<(at: number) => Payload> {
  if (variables.size === 0) return () => ({})
  const projection = projectionOf({ withPayload: true }, schema)
  const block: RowBlock & { positions: Uint32Array } = await shard.retrieve(ids, projection.fields)
  const reader = new RowReader(block, projection)
  const rowOf = new Int32Array(points.length).fill(-1)
  for (const [row, position] of block.positions.entries()) rowOf[position] = row
  return (at) => {
    const row = rowOf[at] as number
    return row < 0 ? {} : ((reader.point(row).payload ?? {}) as Payload)
  }
}

async function passingIds({ shard }: Source, condition: FilterNode, ids: Uint32Array): Promise<Set<PointId>> {
  const program = compileNode({ op: 'and', children: [{ op: 'hasId', ids }, condition] })
  return new Set(decodeIds(await shard.selectIds(program)))
}
