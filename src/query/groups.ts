/**
 * The best points of each value of a payload field. Points are searched in several rounds: first until the wanted
 * number of groups exists, then for groups that are not full.
 */
import type { Hit, PointGroup } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { type Payload, type PointId, RawJson } from '../core/point.js'
import type { QueryGroupsOptions, WithLookup } from '../core/query.js'
import type { QueryPlan } from '../core/query-plan.js'
import type { ResolvedVector } from '../core/schema.js'
import { isTextId, storedId } from '../core/text-ids.js'
import type { FilterNode, MatchValues } from '../filter/node.js'
import { type PathStep, parsePath } from '../filter/path.js'
import { valuesAt } from '../filter/payload-values.js'
import { writeInTurns } from '../filter/program.js'
import { Amounts } from './amounts.js'
import { BytesRead, planWithoutSearch } from './explain.js'
import { type GroupKey, Groups } from './group-table.js'
import { noted } from './noted.js'
import { retrieve } from './pages.js'
import { planned } from './parse-query.js'
import type { Plan, Scoring, Stage } from './plan.js'
import { projectionOf, wantingMore, withFields } from './rows.js'
import { runPlan } from './run.js'
import type { QueryScope } from './source.js'
import { distinctHits, listOf, STEP, type Steps, Turns } from './turns.js'

const DEFAULT_GROUP_SIZE = 3
const MOST_ROUNDS = 5
/** Bytes of points in an answer, where points stand in several groups. */
const MOST_ANSWER_BYTES = 1024 ** 3
const LEAST_I64 = -(2n ** 63n)
const MOST_I64 = 2n ** 63n - 1n
const MOST_U64 = 2n ** 64n - 1n
const UUID_OR_NUMBER = /^(?:\d{1,20}|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})$/i

export async function queryGroups<P>(
  options: QueryGroupsOptions,
  scope: QueryScope,
): Promise<{ groups: PointGroup<P>[]; plan: QueryPlan | null }> {
  const started = performance.now()
  const amounts = new Amounts(scope.source.shard)
  const path = parsePath(options.groupBy, 'groupBy')
  const { plan } = await planned(options, scope)
  const { limit } = plan.root
  const size = amounts.bounded(options.groupSize ?? DEFAULT_GROUP_SIZE)
  const lookup = lookupOf(options.withLookup)
  // A missing lookup collection is reported before the search.
  if (lookup) scope.catalog(lookup.collection)
  const table = new Groups(
    { most: limit, size, wanted: amounts.bounded(limit * size) },
    smallerIsBetter(plan.root.scoring, scope),
  )
  const rounds = await fill(table, plan, path, options.groupBy, scope)
  const read = new BytesRead()
  const groups = await finished<P>(table, plan, lookup, scope, read)
  if (!scope.explains && scope.notes === null) return { groups, plan: null }
  const returned = groups.reduce((sum, { hits }) => sum + hits.length, 0)
  const tookUs = (performance.now() - started) * 1000
  const told = planWithoutSearch({ stage: 'groups', returned, prefetch: rounds, rowBytes: { ...read }, tookUs })
  return { groups, plan: noted(told, scope.notes, started, plan.root.filter ? [plan.root.filter] : []) }
}

/** Fills the groups. Returns the plan of each round if the query is explained. */
async function fill(
  groups: Groups,
  plan: Plan,
  path: PathStep[],
  groupBy: string,
  scope: QueryScope,
): Promise<QueryPlan[]> {
  const rounds: QueryPlan[] = []
  const turns = new Turns(scope.call)
  for (let round = 0; round < 2 * MOST_ROUNDS; round++) {
    const fills = round >= MOST_ROUNDS
    const keys = await turns.take(fills ? groups.unfilledBest() : groups.filled())
    if (fills && keys.length === 0) break
    const conditions: FilterNode[] = [{ op: 'not', child: { op: 'isEmpty', path } }]
    if (keys.length > 0) {
      const values = await turns.take(matchValues(keys))
      await writeInTurns(values, () => turns.pause())
      conditions.push({ op: fills ? 'match' : 'except', path, values })
    }
    const seen = await turns.take(groups.ids())
    if (seen.length > 0) conditions.push({ op: 'not', child: { op: 'hasId', ids: seen } })
    const { hits, plan: told } = await runPlan<Payload>(roundPlan(plan, conditions, groups, groupBy, scope), scope)
    if (told) rounds.push(told)
    if (hits.length === 0) {
      if (fills) break
      round = MOST_ROUNDS - 1
      continue
    }
    await turns.take(addAll(groups, hits, path))
    if (await turns.take(groups.isComplete())) break
  }
  return rounds
}

function* addAll(groups: Groups, hits: readonly Hit<Payload>[], path: PathStep[]): Steps<void> {
  for (const hit of hits) {
    yield* groups.add(hit, valuesAt(hit.payload ?? {}, path).filter(isGroupKey))
    yield
  }
}

function roundPlan(
  { root, places }: Plan,
  conditions: FilterNode[],
  groups: Groups,
  groupBy: string,
  { source, mostBytes }: QueryScope,
): Plan {
  const filter: FilterNode = { op: 'and', children: [...conditions, ...(root.filter ? [root.filter] : [])] }
  // Drops a final `[]`, which a payload selection does not know.
  const seen = groupBy.replace(/(?:\[\])+$/, '')
  return {
    root: widened(
      { ...root, filter, limit: groups.wanted },
      groups.most,
      Math.floor(LIMITS.prefetchedPoints / stagesOf(root)),
    ),
    offset: 0,
    projection: projectionOf({ withPayload: [seen], mostBytes }, source.schema, false),
    places,
  }
}

/** Multiplies the limits of prefetches by the number of groups, within their bounds. */
function widened(stage: Stage, times: number, most: number): Stage {
  const prefetches = stage.prefetches.map((prefetch) => {
    const limit = Math.max(prefetch.limit, Math.min(most, prefetch.limit * times))
    return widened({ ...prefetch, limit }, times, most)
  })
  return { ...stage, prefetches }
}

function stagesOf(stage: Stage): number {
  return stage.prefetches.reduce((sum, prefetch) => sum + stagesOf(prefetch), 1)
}

async function finished<P>(
  groups: Groups,
  plan: Plan,
  lookup: WithLookup | null,
  scope: QueryScope,
  read: BytesRead,
): Promise<PointGroup<P>[]> {
  const turns = new Turns(scope.call)
  const best = await turns.take(groups.best())
  const distinct = await turns.take(distinctHits(best.map(({ hits }) => hits)))
  const bareHits = await turns.take(listOf(distinct.length, (at) => bare(distinct[at] as Hit)))
  const withAll = await withFields(scope, bareHits, plan.projection, read)
  const filled = new Map<PointId, Hit<P>>()
  await turns.take(listOf(withAll.length, (at) => filled.set(storedId((withAll[at] as Hit).id), withAll[at] as Hit<P>)))
  const found = best.map(({ id, hits }) => ({ id, hits: hits.flatMap((hit) => filled.get(hit.id) ?? []) }))
  await turns.take(checkRepeated(found, read.vectors / Math.max(1, withAll.length)))
  if (!lookup) return found
  const taken = read.payload + read.vectors
  const options = {
    withPayload: lookup.withPayload ?? true,
    withVector: lookup.withVectors ?? false,
    rawPayload: plan.projection.rawPayload,
    // The lookup has the room that the groups' points leave.
    mostBytes: scope.mostBytes === undefined ? undefined : Math.max(1, scope.mostBytes - taken),
  }
  const from = scope.catalog(lookup.collection)
  const idOf = from.schema.textIds ? asTextId : asPointId
  const ids = found.flatMap(({ id }) => idOf(id) ?? [])
  const looked = await from.read(({ shard, schema }) =>
    retrieve<Payload>(shard, schema, ids, options, scope.call, read).catch((error: unknown) => {
      throw wantingMore(error, taken)
    }),
  )
  const points = new Map(looked.map((point) => [String(storedId(point.id)), point]))
  return found.map((group) => ({ ...group, lookup: points.get(String(storedId(idOf(group.id)))) ?? null }))
}

/** A point of many groups is sent once for each of them. Payloads that are parsed are shared instead. */
function* checkRepeated<P>(groups: readonly PointGroup<P>[], vectorBytes: number): Steps<void> {
  let bytes = 0
  for (const { hits } of groups) {
    for (const { payload } of hits) bytes += vectorBytes + (payload instanceof RawJson ? payload.text.length : 0)
    if (bytes > MOST_ANSWER_BYTES) {
      const message = `the points of all groups need more than ${MOST_ANSWER_BYTES} bytes: ask for fewer groups or fields`
      throw new VicinalError('TOO_LARGE', message, { details: { bound: MOST_ANSWER_BYTES, seen: bytes } })
    }
    yield
  }
}

function bare({ id, version, score, orderValue }: Hit): Hit {
  return orderValue === undefined ? { id, version, score } : { id, version, score, orderValue }
}

function lookupOf(withLookup: QueryGroupsOptions['withLookup']): WithLookup | null {
  if (withLookup === undefined || withLookup === null) return null
  return typeof withLookup === 'string' ? { collection: withLookup } : withLookup
}

/** The point id that a group's value could name; null for a text that is no id. */
function asPointId(key: GroupKey): PointId | null {
  if (typeof key !== 'string') return key >= 0 && key <= MOST_U64 ? key : null
  if (!UUID_OR_NUMBER.test(key)) return null
  return /^\d+$/.test(key) ? null : key.toLowerCase()
}

/** The same in a collection whose ids are texts. */
function asTextId(key: GroupKey): PointId | null {
  return typeof key === 'string' && isTextId(key) ? key : null
}

function isGroupKey(value: unknown): value is GroupKey {
  return typeof value === 'string' || typeof value === 'bigint' || Number.isSafeInteger(value)
}

/** Integers beyond signed 64 bits are left out, because no condition can name them. */
function* matchValues(keys: readonly GroupKey[]): Steps<MatchValues> {
  const values: MatchValues = { texts: [], integers: [], booleans: [] }
  for (const [at, key] of keys.entries()) {
    if (typeof key === 'string') values.texts.push(key)
    else if (key >= LEAST_I64 && key <= MOST_I64) values.integers.push(BigInt(key))
    if (at % STEP === 0) yield
  }
  return values
}

function smallerIsBetter(scoring: Scoring, { source }: QueryScope): boolean {
  const isDistance =
    scoring.kind === 'nearest' || (scoring.kind === 'recommend' && scoring.strategy === 'average_vector')
  if (!isDistance) return false
  const distance = (source.schema[scoring.vector] as ResolvedVector).distance
  return distance === 'Euclid' || distance === 'Manhattan'
}
