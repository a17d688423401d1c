import { notFound } from '../../core/errors.js'
import type { PointId } from '../../core/point.js'
import { PointChanges, PointInsert, PointsSelector, VectorRemoval, VectorUpdates } from '../../core/point-changes.js'
import { deleteOf, operationsOf, vectorDeleteOf } from '../../wire/operations.js'
import { upsertOf, vectorUpdatesOf } from '../../wire/points.js'
import { CountRequest, countOf, PointRequest, retrieveOf, ScrollRequest, scrollOf } from '../../wire/read-bodies.js'
import type { Call, ReadCall, ReadRoute, Route } from '../call.js'
import { wirePoints } from './wire-points.js'
import { writeResult } from './write-result.js'

const DECIMAL = /^\d{1,20}$/
const POINTS = '/collections/:name/points'

const READS = { access: 'read', work: 'read' } as const
export const pointReadRoutes: ReadRoute[] = [
  { ...READS, method: 'POST', path: POINTS, summary: 'Points by their ids.', body: PointRequest, run: retrieve },
  { ...READS, method: 'GET', path: `${POINTS}/:id`, summary: 'One point.', run: retrieveOne },
  {
    ...READS,
    method: 'POST',
    path: `${POINTS}/count`,
    summary: 'The number of points that match.',
    body: CountRequest,
    run: count,
  },
  {
    ...READS,
    method: 'POST',
    path: `${POINTS}/scroll`,
    summary: 'A page of points.',
    body: ScrollRequest,
    run: scroll,
  },
]

const write = { access: 'write', work: 'write' } as const

export const pointRoutes: Route[] = [
  { method: 'PUT', path: POINTS, ...write, summary: 'Writes points.', body: PointInsert, run: upsert },
  {
    method: 'POST',
    path: `${POINTS}/delete`,
    ...write,
    summary: 'Deletes points.',
    body: PointsSelector,
    run: deletePoints,
  },
  {
    method: 'POST',
    path: `${POINTS}/batch`,
    ...write,
    summary: 'Does several changes of points in order.',
    body: PointChanges,
    run: batch,
  },
  {
    method: 'PUT',
    path: `${POINTS}/vectors`,
    ...write,
    summary: 'Replaces vectors of stored points.',
    body: VectorUpdates,
    run: updateVectors,
  },
  {
    method: 'POST',
    path: `${POINTS}/vectors/delete`,
    ...write,
    summary: 'Removes vectors from points.',
    body: VectorRemoval,
    run: deleteVectors,
  },
]

async function upsert(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { points, ...condition } = upsertOf(call.body)
  return writeResult(await collection.upsert(points, { ...condition, ...call.writeOptions() }))
}

async function retrieve(call: ReadCall): Promise<unknown> {
  const { ids, options } = retrieveOf(call.anyBody)
  const collection = await call.reads()
  return collection.retrieve(ids, { ...options, ...call.options() })
}

async function retrieveOne(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const id = pathId(call.param('id'))
  const options = { withPayload: true, withVector: true, rawPayload: true, ...call.options() }
  const [point] = await collection.retrieve([id], options)
  if (!point) throw notFound('point with id', id)
  return point
}

function pathId(text: string): PointId {
  if (!DECIMAL.test(text)) return text
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

async function deletePoints(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(await collection.delete(deleteOf(call.body), call.writeOptions()))
}

async function count(call: ReadCall): Promise<unknown> {
  const options = countOf(call.anyBody)
  const collection = await call.reads()
  return { count: await collection.count({ ...options, ...call.options() }) }
}

async function scroll(call: ReadCall): Promise<unknown> {
  const options = scrollOf(call.anyBody)
  const collection = await call.reads()
  const { points, nextOffset } = await collection.scrollPage({ ...options, ...call.options() })
  return { points: wirePoints(points), next_page_offset: nextOffset }
}

async function batch(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const results = await collection.batch(operationsOf(call.body), call.writeOptions())
  return results.map(writeResult)
}

async function updateVectors(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { points, ...condition } = vectorUpdatesOf(call.body)
  return writeResult(await collection.updateVectors(points, { ...condition, ...call.writeOptions() }))
}

async function deleteVectors(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { names, which } = vectorDeleteOf(call.body)
  return writeResult(await collection.deleteVectors(names, which, call.writeOptions()))
}
