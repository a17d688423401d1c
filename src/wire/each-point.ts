/**
 * Points of bodies for a collection with rules: one that cannot be read does not fail its body. The collection refuses it,
 * and counts it.
 */
import type { Static, TSchema } from 'typebox'
import type { ColumnarPoints } from '../core/database.js'
import type { Point } from '../core/point.js'
import { Columns, Points } from '../core/point-changes.js'
import { UnreadPoint } from '../core/unread-point.js'
import type { Place } from '../core/vocabulary/place.js'
import { read } from '../core/vocabulary/reader.js'
import type { Leaves, Read, Reading } from '../core/vocabulary/reading.js'
import { isOfRow } from '../ingest/flaws.js'
import { isObject, isPresent, type WireObject } from './fields.js'
import { WIRE_LEAVES } from './leaves.js'
import { checkCount, columnsAt, pointOf } from './points.js'

const EACH_POINT: Leaves = new Map<object, Read>([...WIRE_LEAVES, [Points, pointsAt], [Columns, rowsAt]]) as Leaves

/** A body by its declaration. */
export function bodyOfEachPoint<T extends TSchema>(declaration: T, body: unknown): Static<T> {
  return read(declaration, body, 'wire', 'body', EACH_POINT)
}

function pointsAt(given: unknown, place: Place | null, reading: Reading): Point[] {
  const points = given as readonly unknown[]
  checkCount(points.length, place, reading)
  return points.map(pointOrError)
}

/** Columns can be read row by row where each is an array. */
function rowsAt(given: unknown, place: Place | null, reading: Reading): ColumnarPoints | Point[] {
  const { ids, vectors, payloads } = given as WireObject
  const named = isObject(vectors) ? Object.entries(vectors) : null
  const columns = [ids, ...(named ? named.map(([, column]) => column) : [vectors])]
  if (isPresent(payloads)) columns.push(payloads)
  const isEven = columns.every((column) => Array.isArray(column) && column.length === (ids as unknown[]).length)
  if (!isEven) return columnsAt(given, place, reading)
  checkCount((ids as unknown[]).length, place, reading)
  const at = (column: unknown, row: number) => (column as unknown[])[row]
  return (ids as unknown[]).map((id, row) => {
    const vector = named ? Object.fromEntries(named.map(([name, of]) => [name, at(of, row)])) : at(vectors, row)
    return pointOrError({ id, vector, ...(isPresent(payloads) ? { payload: at(payloads, row) } : {}) })
  })
}

function pointOrError(value: unknown): Point {
  try {
    return pointOf(value)
  } catch (error) {
    if (!isOfRow(error)) throw error
    return new UnreadPoint(error) as never
  }
}
