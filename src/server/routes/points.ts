import { notFound, type VicinalError } from '../../core/errors.js'
import type { PointId } from '../../core/point.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import { deleteOf, operationsOf, vectorDeleteOf } from '../../wire/operations.js'
import { conditionOf, upsertOf, vectorConditionOf, vectorUpdatesOf } from '../../wire/points.js'
import { countOf, retrieveOf, scrollOf } from '../../wire/query.js'
import type { Call, ReadCall, ReadRoute, Route } from '../call.js'
import { wirePoint, wirePoints } from './wire-points.js'
import { writeResult } from './write-result.js'

const DECIMAL = /^\d{1,20}$/
const POINTS = '/collections/:name/points'

export const pointReadRoutes: ReadRoute[] = [
  { method: 'POST', path: POINTS, access: 'read', work: 'read', run: retrieve },
  { method: 'GET', path: `${POINTS}/:id`, access: 'read', work: 'read', run: retrieveOne },
  { method: 'POST', path: `${POINTS}/count`, access: 'read', work: 'read', run: count },
  { method: 'POST', path: `${POINTS}/scroll`, access: 'read', work: 'read', run: scroll },
]

export const pointRoutes: Route[] = [
  { method: 'PUT', path: POINTS, access: 'write', work: 'write', run: upsert },
  { method: 'POST', path: `${POINTS}/delete`, access: 'write', work: 'write', run: deletePoints },
  { method: 'POST', path: `${POINTS}/batch`, access: 'write', work: 'write', run: batch },
  { method: 'PUT', path: `${POINTS}/vectors`, access: 'write', work: 'write', run: updateVectors },
  { method: 'POST', path: `${POINTS}/vectors/delete`, access: 'write', work: 'write', run: deleteVectors },
]

async function upsert(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(
    await collection.upsert(upsertOf(call.body), { ...conditionOf(call.body), ...call.writeOptions() }),
  )
}

async function retrieve(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const { ids, options } = retrieveOf(call.body)
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
  const collection = await call.collection()
  return writeResult(await collection.delete(deleteOf(call.body), call.writeOptions()))
}

async function count(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  return { count: await collection.count({ ...countOf(call.optionalBody), ...call.options() }) }
}

async function scroll(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const { points, nextOffset } = await collection.scrollPage({ ...scrollOf(call.optionalBody), ...call.options() })
  const textId = textIdOf(nextOffset)
  const named = textId === null ? {} : { next_page_text_id: textId }
  return { points: wirePoints(points), next_page_offset: storedId(nextOffset), ...named }
}

async function batch(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const results = await collection.batch(operationsOf(call.body), call.writeOptions())
  return results.map(writeResult)
}

async function updateVectors(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const options = { ...vectorConditionOf(call.body), ...call.writeOptions() }
  return writeResult(await collection.updateVectors(vectorUpdatesOf(call.body), options))
}

async function deleteVectors(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { names, which } = vectorDeleteOf(call.body)
  return writeResult(await collection.deleteVectors(names, which, call.writeOptions()))
}
