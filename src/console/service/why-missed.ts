/** Why the approximate search missed a point that exact search returns, and what finds it. */
import { ask } from './session'
import type { PlanSegment, PlanStage, QueryAnswer } from './types'
import type { Asked, Body, Change, Reason } from './why'

interface Missed extends Asked {
  /** By exact search, from 1. */
  rank: number
  facts: string[]
}

const MOST_DOUBLINGS = 10
const MOST_EF = 16_384
/** Recalls that are tried, the lowest first. */
const RECALLS = [0.98, 0.99, 0.999, 1]
const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export async function missOf(missed: Missed): Promise<Reason> {
  const { answer, body, rank, facts } = missed
  const plan = answer.explain
  const params = (body.params ?? {}) as Body
  const segments = plan?.segments ?? []
  const wasExact = segments.length > 0 && segments.every(({ expected_recall }) => expected_recall === 1)
  if (wasExact || params.exact === true)
    return {
      verdict: `Exact search returns it now, as number ${rank}. It was written or changed since the query ran, or scores are equal: run it again.`,
      facts,
      changes: [],
    }
  if (plan) facts.push(planText(plan, segments))
  const changes: Change[] = []
  if (typeof params.hnsw_ef === 'number') await withoutEf(missed, params.hnsw_ef, changes)
  else await withRecall(missed, plan, changes)
  await smallestEf(missed, segments, changes)
  return { verdict: `The approximate search missed it: by exact search it is number ${rank}.`, facts, changes }
}

function planText({ strategy, distances_computed = 0 }: PlanStage, segments: readonly PlanSegment[]): string {
  const points = segments.reduce((sum, one) => sum + one.points, 0)
  const work = `it computed ${NUMBER.format(distances_computed)} distances, over ${NUMBER.format(points)} points`
  const width = widthOf(segments)
  return `The search went by “${strategy}”: ${work}${width ? `, with a beam ${width} wide` : ''}.`
}

/** Of the widest walk; 0 where nothing was walked. */
function widthOf(segments: readonly PlanSegment[]): number {
  return Math.max(0, ...segments.map(({ effort }) => effort?.width ?? 0))
}

async function withoutEf(missed: Missed, ef: number, changes: Change[]): Promise<void> {
  const { facts } = missed
  facts.push(`hnsw_ef fixes the effort at ${ef}. So the recall that the collection is set to is not aimed at.`)
  const free = await isFoundBy(missed, (params) => withoutKey(params, 'hnsw_ef'))
  const recall = free.plan?.asked_recall
  const aimed = recall === undefined ? '' : `, which aims at a recall of ${recall}`
  if (!free.isFound) {
    facts.push(`Without hnsw_ef${aimed}, it is missed as well.`)
    return
  }
  facts.push(`Without hnsw_ef${aimed}, it is found.`)
  changes.push(paramsChange('Leave hnsw_ef out of the query', (params) => withoutKey(params, 'hnsw_ef')))
}

async function withRecall(missed: Missed, plan: PlanStage | undefined, changes: Change[]): Promise<void> {
  const { facts } = missed
  const asked = plan?.asked_recall
  if (asked === undefined) return
  const misses = NUMBER.format((1 - asked) * 100)
  facts.push(`The search aims at a recall of ${asked}: of 100 true neighbours, it may miss about ${misses} on average.`)
  for (const recall of RECALLS.filter((one) => one > asked)) {
    if (!(await isFoundBy(missed, (params) => ({ ...params, recall }))).isFound) continue
    facts.push(`With a recall of ${recall}, it is found.`)
    changes.push({
      name: `Put recall ${recall} into the query`,
      // A recall beside the params comes first.
      apply: ({ recall: _, ...body }) => withParams(body, (params) => ({ ...params, recall })),
    })
    return
  }
}

/** The least effort that finds it, by doubling. */
async function smallestEf(missed: Missed, segments: readonly PlanSegment[], changes: Change[]): Promise<void> {
  const { facts, body } = missed
  const given = (body.params as Body | undefined)?.hnsw_ef
  let ef = typeof given === 'number' ? given * 2 : Math.max(16, widthOf(segments))
  for (let turn = 0; turn < MOST_DOUBLINGS && ef <= MOST_EF; turn++, ef *= 2) {
    const hnsw_ef = ef
    const { isFound, plan } = await isFoundBy(missed, (params) => ({ ...params, hnsw_ef }))
    if (!isFound) continue
    const work = plan?.distances_computed ? `, with ${NUMBER.format(plan.distances_computed)} distances` : ''
    facts.push(`By doubling, the smallest hnsw_ef that finds it is ${ef}${work}.`)
    changes.push(paramsChange(`Put hnsw_ef ${ef} into the query`, (params) => ({ ...params, hnsw_ef })))
    return
  }
  facts.push(`No hnsw_ef up to ${NUMBER.format(ef / 2)} found it: only an exact search does.`)
  changes.push(
    paramsChange('Put exact into the query', (params) => ({ ...withoutKey(params, 'hnsw_ef'), exact: true })),
  )
}

type ParamsChange = (params: Body) => Body

async function isFoundBy(
  { path, body, id, signal }: Missed,
  change: ParamsChange,
): Promise<{ isFound: boolean; plan: PlanStage | undefined }> {
  const { recall, ...others } = body
  const params = change({ ...((body.params ?? {}) as Body), ...(recall === undefined ? {} : { recall }) })
  const sent = { ...others, params, explain: true, with_payload: false }
  const { points, explain } = await ask<QueryAnswer>('POST', `${path}/points/query`, sent, signal)
  return { isFound: points.some((one) => one.id === id), plan: explain }
}

function paramsChange(name: string, change: ParamsChange): Change {
  return { name, apply: (body) => withParams(body, change) }
}

function withParams(body: Body, change: ParamsChange): Body {
  const { params, ...others } = body
  const changed = change((params ?? {}) as Body)
  return Object.keys(changed).length > 0 ? { ...others, params: changed } : others
}

function withoutKey(params: Body, key: string): Body {
  return Object.fromEntries(Object.entries(params).filter(([one]) => one !== key))
}
