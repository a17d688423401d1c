import Type from 'typebox'
import { notFound, type VicinalError } from '../../core/errors.js'
import type { PointId } from '../../core/point.js'
import { PointChanges, PointInsert, PointsSelector, VectorRemoval, VectorUpdates } from '../../core/point-changes.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import { WriteResult } from '../../core/write-result.js'
import { deleteOf, operationsOf, vectorDeleteOf } from '../../wire/operations.js'
import { upsertOf, vectorUpdatesOf } from '../../wire/points.js'
import { CountRequest, countOf, PointRequest, retrieveOf, ScrollRequest, scrollOf } from '../../wire/read-bodies.js'
import type { Call, ReadCall, ReadRoute, Route } from '../call.js'
import { wirePoint, wirePoints } from './wire-points.js'
import { WRITE, writeResult } from './write-result.js'

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

export const pointRoutes: Route[] = [
  { method: 'PUT', path: POINTS, ...WRITE, summary: 'Writes points.', body: PointInsert, run: upsert },
  {
    method: 'POST',
    path: `${POINTS}/delete`,
    ...WRITE,
    summary: 'Deletes points.',
    body: PointsSelector,
    run: deletePoints,
  },
  {
    method: 'POST',
    path: `${POINTS}/batch`,
    ...WRITE,
    answer: Type.Array(WriteResult),
    summary: 'Does several changes of points in order.',
    body: PointChanges,
    run: batch,
  },
  {
    method: 'PUT',
    path: `${POINTS}/vectors`,
    ...WRITE,
    summary: 'Replaces vectors of stored points.',
    body: VectorUpdates,
    run: updateVectors,
  },
  {
    method: 'POST',
    path: `${POINTS}/vectors/delete`,
    ...WRITE,
    summary: 'Removes vectors from points.',
    body: VectorRemoval,
    run: deleteVectors,
  },
]

async function upsert(call: Call): Promise<unknown> {
  const { points, ...condition } = upsertOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.upsert(points, { ...condition, ...call.writeOptions() }))
}

async function retrieve(call: ReadCall): Promise<unknown> {
  const { ids, options } = retrieveOf(call.anyBody)
  const collection = await call.reads()
  return wirePoints(await collection.retrieve(ids, { ...options, ...call.options() }))
}

async function retrieveOne(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const text = call.param('id')
  const id = pathId(text)
  const options = { withPayload: true, withVector: true, rawPayload: true, ...call.options() }
  const [point] = await collection.retrieve([id], options).catch((error: unknown) => {
    // A collection whose ids are texts refuses numbers: there the path has the text.
    if (typeof id === 'string' || (error as Partial<VicinalError>).code !== 'INVALID_ARGUMENT') throw error
    return collection.retrieve([text], options)
  })
  if (!point) throw notFound('point with id', id)
  return wirePoint(point)
}

function pathId(text: string): PointId {
  if (!DECIMAL.test(text)) return text
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

async function deletePoints(call: Call): Promise<unknown> {
  const which = deleteOf(call.anyBody)
  return writeResult(await (await call.collection()).delete(which, call.writeOptions()))
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
  const textId = textIdOf(nextOffset)
  const named = textId === null ? {} : { next_page_text_id: textId }
  return { points: wirePoints(points), next_page_offset: storedId(nextOffset), ...named }
}

async function batch(call: Call): Promise<unknown> {
  const operations = operationsOf(call.anyBody)
  const results = await (await call.collection()).batch(operations, call.writeOptions())
  return results.map(writeResult)
}

async function updateVectors(call: Call): Promise<unknown> {
  const { points, ...condition } = vectorUpdatesOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.updateVectors(points, { ...condition, ...call.writeOptions() }))
}

async function deleteVectors(call: Call): Promise<unknown> {
  const { names, which } = vectorDeleteOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.deleteVectors(names, which, call.writeOptions()))
}
