import Type, { type Static, type TSchema } from 'typebox'
import { notFound, type VicinalError } from '../../core/errors.js'
import type { PointId } from '../../core/point.js'
import { PointChanges, PointInsert, PointsSelector, VectorRemoval, VectorUpdates } from '../../core/point-changes.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import { tell } from '../../core/vocabulary/teller.js'
import { WriteResult } from '../../core/write-result.js'
import { bodyOfEachPoint } from '../../wire/each-point.js'
import { inserted, named, operationsOf, selected, updated } from '../../wire/operations.js'
import { askedOf, bodyOf, CountRequest, PointRequest, ScrollRequest } from '../../wire/read-bodies.js'
import type { Call, ReadCall, ReadRoute, Route } from '../call.js'
import { WriteParameters } from '../parameters.js'
import { reads, writes } from './kinds.js'
import { wirePoint, wirePoints } from './wire-points.js'

const DECIMAL = /^\d{1,20}$/
const POINTS = '/collections/:name/points'

export const pointReadRoutes: ReadRoute[] = [
  reads(POINTS, 'Points by their ids.', PointRequest, async (collection, { ids, ...options }, call) =>
    wirePoints(await collection.retrieve(ids as readonly PointId[], { ...askedOf(options, true), ...call.options() })),
  ),
  {
    ...{ method: 'GET', path: `${POINTS}/:id`, access: 'read', scope: 'collection', work: 'read' },
    summary: 'One point.',
    run: retrieveOne,
  },
  reads(`${POINTS}/count`, 'The number of points that match.', CountRequest, async (collection, options, call) => ({
    count: await collection.count({ ...options, ...call.options() }),
  })),
  reads(`${POINTS}/scroll`, 'A page of points.', ScrollRequest, async (collection, options, call) => {
    const asked = { ...askedOf(options, true), ...call.options() }
    const { points, nextOffset } = await collection.scrollPage(asked)
    const textId = textIdOf(nextOffset)
    const named = textId === null ? {} : { next_page_text_id: textId }
    return { points: wirePoints(points), next_page_offset: storedId(nextOffset), ...named }
  }),
]

export const pointRoutes: Route[] = [
  {
    ...{ method: 'PUT', path: POINTS, access: 'write', scope: 'collection', work: 'write' },
    parameters: WriteParameters,
    ...{ summary: 'Writes points.', body: PointInsert, answer: WriteResult },
    run: upsert,
  },
  writes('POST', `${POINTS}/delete`, 'Deletes points.', PointsSelector, (collection, change, options) =>
    collection.delete(selected(change).which, options),
  ),
  {
    ...{ method: 'POST', path: `${POINTS}/batch`, access: 'write', scope: 'collection', work: 'write' },
    parameters: WriteParameters,
    ...{ summary: 'Does several changes of points in order.', body: PointChanges, answer: Type.Array(WriteResult) },
    run: batch,
  },
  writes('PUT', `${POINTS}/vectors`, 'Replaces vectors of points.', VectorUpdates, (collection, change, options) => {
    const { points, ...condition } = updated(change)
    return collection.updateVectors(points, { ...condition, ...options })
  }),
  writes('POST', `${POINTS}/vectors/delete`, 'Removes vectors.', VectorRemoval, (collection, change, options) => {
    const { names, which } = named(change)
    return collection.deleteVectors(names, which, options)
  }),
]

async function upsert(call: Call): Promise<unknown> {
  const { points, ...condition } = inserted(await pointsBodyOf(PointInsert, call))
  return tell(WriteResult, await (await call.collection()).upsert(points, { ...condition, ...call.writeOptions() }))
}

/** A point that cannot be read fails its body, unless the collection has rules: these refuse it alone. */
async function pointsBodyOf<T extends TSchema>(declaration: T, call: Call): Promise<Static<T>> {
  try {
    return bodyOf(declaration, call.body ?? null)
  } catch (error) {
    if (!(await hasRules(call))) throw error
    return bodyOfEachPoint(declaration, call.body ?? null)
  }
}

async function hasRules(call: Call): Promise<boolean> {
  try {
    const { config } = await (await call.collection()).info(call.options())
    return config.ingestion !== undefined
  } catch {
    return false
  }
}

async function batch(call: Call): Promise<unknown> {
  const operations = operationsOf(await pointsBodyOf(PointChanges, call))
  const results = await (await call.collection()).batch(operations, call.writeOptions())
  return results.map((result) => tell(WriteResult, result))
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
