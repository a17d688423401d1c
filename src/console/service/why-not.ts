/** Why a query did not return a point, found by a few requests of the API. */
import { readJson, writeJson } from './exact-json'
import { ask } from './session'
import { type Point, type PointId, type QueryAnswer, vectorsOf } from './types'
import type { Asked, Body, Change, Reason } from './why'
import { missOf } from './why-missed'

/** Ranks that are looked at. */
const MOST_RANKS = 1_000
const DEFAULT_LIMIT = 10
/** Conditions of a filter that are tried one by one. */
const MOST_CONDITIONS = 16

/** The id that a person typed: a whole number, or a text such as a UUID. */
export function idOf(text: string, isText: boolean): PointId {
  const typed = text.trim()
  return !isText && /^\d+$/.test(typed) ? (readJson(typed) as PointId) : typed.replace(/^"(.*)"$/, '$1')
}

export async function whyNot(asked: Asked): Promise<Reason> {
  const { path, answer, signal } = asked
  const facts: string[] = []
  const told = (verdict: string, changes: Change[] = []): Reason => ({ verdict, facts, changes })
  const [point] = await ask<Point[]>('POST', `${path}/points`, { ids: [asked.id], with_payload: false }, signal)
  if (!point) return told(`The collection has no point ${asked.id}.`)
  // Of a text, the service answers the id that stands for it.
  const here = { ...asked, id: point.id }
  const place = answer.points.findIndex(({ id }) => id === point.id)
  if (place >= 0) return told(`The query returned it: it is result ${place + 1}.`)
  facts.push('The point exists.')
  const using = vectorOf(here)
  const isOfVector = using !== null && isPlain(here.body)
  if (isOfVector) {
    if (!(await isAmong(here, { has_vector: using })))
      return told(`It has no vector ${named(using)}, so the query cannot find it.`)
    facts.push(`It has the vector ${named(using)} that is searched.`)
  }
  const filter = here.body.filter ?? null
  if (filter !== null) {
    if (!(await isAmong(here, filter))) return told(await filterText(here, filter as Body))
    facts.push('The filter of the query lets it pass.')
  }
  if (!isOfVector) {
    facts.push('Only a query for the neighbours of one vector or point can be ranked here.')
    return told('The point exists, and no filter of the query leaves it out. No more can be told of such a query.')
  }
  return await ranked(here, facts)
}

/** Whether the query asks for the neighbours of one vector or point, and for nothing beside. */
function isPlain({ query, prefetch }: Body): boolean {
  const stages = Array.isArray(prefetch) ? prefetch.length : (prefetch ?? null) === null ? 0 : 1
  if (stages > 0 || query === undefined || query === null) return false
  if (typeof query !== 'object' || Array.isArray(query)) return true
  const keys = Object.keys(query)
  return keys.length === 1 && keys[0] === 'nearest' ? true : 'indices' in query || 'text' in query
}

/** The name of the searched vector; null where the query does not say which one. */
function vectorOf({ info, body }: Asked): string | null {
  if (typeof body.using === 'string') return body.using
  const names = [...Object.keys(vectorsOf(info)), ...Object.keys(info.config.params.sparse_vectors ?? {})]
  return names.includes('') ? '' : names.length === 1 ? (names[0] as string) : null
}

function named(using: string): string {
  return using === '' ? 'without a name' : `“${using}”`
}

/** Whether the point meets a condition, which may be a filter. */
async function isAmong({ path, id, signal }: Asked, condition: unknown): Promise<boolean> {
  const body = { filter: { must: [{ has_id: [id] }, condition] }, exact: true }
  return (await ask<{ count: number }>('POST', `${path}/points/count`, body, signal)).count > 0
}

/** Names the conditions that leave the point out. */
async function filterText(asked: Asked, filter: Body): Promise<string> {
  const of = (clause: string) => [filter[clause] ?? []].flat().slice(0, MOST_CONDITIONS)
  const failed: string[] = []
  for (const one of of('must')) if (!(await isAmong(asked, one))) failed.push(`it does not meet ${writeJson(one)}`)
  for (const one of of('must_not'))
    if (await isAmong(asked, one)) failed.push(`it meets ${writeJson(one)}, which must not be`)
  if (failed.length === 0 && of('should').length > 0) failed.push('it meets no condition of “should”')
  return `The filter leaves it out${failed.length > 0 ? `: ${failed.join('; ')}` : ''}.`
}

/** Where the point stands by exact search, and what that says. */
async function ranked(asked: Asked, facts: string[]): Promise<Reason> {
  const { path, body, answer, id, signal } = asked
  const told = (verdict: string, changes: Change[] = []): Reason => ({ verdict, facts, changes })
  const from = Number(body.offset ?? 0)
  const limit = Number(body.limit ?? DEFAULT_LIMIT)
  const { score_threshold, ...all } = exactOf(body)
  const query = (more: Body) => ask<QueryAnswer>('POST', `${path}/points/query`, { ...all, ...more }, signal)
  const filter = { must: [{ has_id: [id] }, ...(body.filter ? [body.filter] : [])] }
  const own = (await query({ limit: 1, filter })).points[0]
  if (own === undefined) {
    if (isOfPoint(body.query)) return told('The query asks for the neighbours of this very point, which leaves it out.')
    return told('The query gives it no score: it shares no term with it.')
  }
  const { points } = await query({ limit: MOST_RANKS })
  const rank = points.findIndex((one) => one.id === id)
  const last = answer.points.at(-1)
  const beside = last ? ` The last result has ${last.score}.` : ''
  const place = rank < 0 ? `not among the nearest ${points.length}` : `number ${rank + 1}`
  facts.push(`By exact search it is ${place} of this query, with the score ${own.score}.${beside}`)
  if ((score_threshold ?? null) !== null && (await query({ limit: 1, filter, score_threshold })).points.length === 0)
    return told(`Its score ${own.score} does not reach the score_threshold of ${score_threshold}.`)
  if (rank < 0 && from + limit > MOST_RANKS)
    return told(`The query asks for more than ${MOST_RANKS} neighbours, and no later rank is looked at.`)
  if (rank >= 0 && rank < from)
    return told(`The query skips it: its offset is ${from}, and the point is number ${rank + 1}.`)
  if (rank < 0 || rank >= from + limit) {
    const isTied = rank >= 0 && own.score === points[from + limit - 1]?.score
    const tie = isTied ? ' It is as near as the last of them, and only one of equals was taken.' : ''
    const end = from > 0 ? `results ${from + 1} to ${from + limit}` : `the nearest ${limit}`
    const change = rank < 0 ? [] : [limitOf(rank + 1 - from)]
    return told(`It is not near enough: the query asks for ${end}, and it is ${place}.${tie}`, change)
  }
  return await missOf({ ...asked, rank: rank + 1, facts })
}

function limitOf(limit: number): Change {
  return { name: `Put limit ${limit} into the query`, apply: (body) => ({ ...body, limit }) }
}

function isOfPoint(query: unknown): boolean {
  const nearest = (query as { nearest?: unknown })?.nearest ?? query
  return ['number', 'bigint', 'string'].includes(typeof nearest)
}

/** The query by exact search, without what else bears on the answer's size. */
function exactOf(body: Body): Body {
  const { limit, offset, explain, recall, with_payload, with_vector, with_vectors, params, ...kept } = body
  const { hnsw_ef, recall: _, ...others } = (params ?? {}) as Body
  return { ...kept, with_payload: false, params: { ...others, exact: true } }
}
