import { dateText } from '../core/date-text.js'
import {
  FieldCondition,
  GeoBoundingBox,
  GeoLineString,
  GeoPoint,
  GeoPolygon,
  GeoRadius,
  LEAST_RING_POINTS,
  Range,
  ValuesCount,
} from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import { Keys } from '../core/vocabulary/keys.js'
import type { Place } from '../core/vocabulary/place.js'
import { readerOf } from '../core/vocabulary/reader.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { ruleOfShape } from '../core/vocabulary/spelling.js'
import { parseDateTime } from './date-time.js'
import { type Fields, fieldsAt, finiteAt, isSet } from './fields.js'
import type { Bounds, FilterNode, GeoArea } from './node.js'
import { match } from './parse-match.js'
import { type PathStep, parsePath } from './path.js'

type Check = Exclude<keyof FieldCondition, 'key'>

const CHECKS = Object.keys(FieldCondition.properties).filter((name) => name !== 'key') as Check[]
const RANGE = new Keys(Range)
const VALUES_COUNT = readerOf(ValuesCount)

/** The path at `key`. */
export function pathAt(fields: Fields): PathStep[] {
  const key = fields.get('key')
  return fields.reading.at({ parent: fields.place, key: 'key' }, () => parsePath(key, 'key'))
}

/** A condition on the values at `key`. Several checks are joined by OR, as in Qdrant. */
export function fieldCondition(fields: Fields): FilterNode {
  const path = pathAt(fields)
  const children: FilterNode[] = []
  for (const name of CHECKS) {
    const value = fields.get(name)
    if (isSet(value)) children.push(check(name, value, path, fields))
  }
  if (children.length === 0) {
    const { place, reading } = fields
    const expected = `one of ${CHECKS.join(', ')} beside key`
    const rule = ruleOfShape('At least one field condition must be specified')
    reading.violates({ place, part: '__all__', expected, rule, seen: fields.value })
  }
  return children.length === 1 ? (children[0] as FilterNode) : { op: 'or', children }
}

function check(name: Check, value: unknown, path: PathStep[], fields: Fields): FilterNode {
  const { reading } = fields
  const place = fields.at(name)
  switch (name) {
    case 'match':
      return match(value, path, place, reading)
    case 'range':
      return range(value, path, place, reading)
    case 'geoBoundingBox':
      return { op: 'geo', path, area: geoBox(value, place, reading) }
    case 'geoRadius':
      return { op: 'geo', path, area: geoCircle(value, place, reading) }
    case 'geoPolygon':
      return { op: 'geo', path, area: geoPolygon(value, place, reading) }
    case 'valuesCount':
      return { op: 'count', path, bounds: { ...NO_BOUNDS, ...(VALUES_COUNT(value, place, reading) as object) } }
    case 'isEmpty':
      return truth(value, { op: 'isEmpty', path }, place, reading)
    case 'isNull':
      return truth(value, { op: 'hasNull', path }, place, reading)
  }
}

const NO_BOUNDS: Bounds = { lt: null, lte: null, gt: null, gte: null }

function truth(value: unknown, child: FilterNode, place: Place, reading: Reading): FilterNode {
  if (typeof value !== 'boolean') throw reading.mistyped(place, 'true or false', value)
  return value ? child : { op: 'not', child }
}

/** All bounds are numbers, or all are date-times. */
function range(value: unknown, path: PathStep[], place: Place, reading: Reading): FilterNode {
  const fields = fieldsAt(value, RANGE, place, reading)
  const { lt, lte, gt, gte } = fields.value
  const isOfDates = isDate(lt) || isDate(lte) || isDate(gt) || isDate(gte)
  const one = (bound: unknown, key: string) => {
    if (!isSet(bound)) return null
    const at = { parent: place, key }
    return isOfDates ? microseconds(bound, at, reading) : finiteAt(bound, at, reading)
  }
  const bounds = { lt: one(lt, 'lt'), lte: one(lte, 'lte'), gt: one(gt, 'gt'), gte: one(gte, 'gte') }
  return { op: isOfDates ? 'dateRange' : 'range', path, bounds }
}

function isDate(bound: unknown): boolean {
  return typeof bound === 'string' || bound instanceof Date
}

function microseconds(bound: unknown, place: Place, reading: Reading): bigint {
  const text = bound instanceof Date ? reading.at(place, () => dateText(bound, 'date')) : bound
  const micros = typeof text === 'string' ? parseDateTime(text) : null
  if (micros !== null) return micros
  throw reading.mistyped(place, 'an RFC 3339 date-time, as in the other bounds', bound)
}

const BOX = readerOf(GeoBoundingBox)
const CIRCLE = readerOf(GeoRadius)
const POSITION = readerOf(GeoPoint)
const POLYGON = new Keys(GeoPolygon)
const RING = new Keys(GeoLineString)
const MOST_RINGS = LIMITS.geoPolygonPoints / LEAST_RING_POINTS

/** A box with its bottom above its top is empty. A box with its left beyond its right crosses the antimeridian. */
function geoBox(value: unknown, place: Place, reading: Reading): GeoArea {
  const { topLeft, bottomRight } = BOX(value, place, reading) as GeoBoundingBox
  return { shape: 'box', corners: Float64Array.of(topLeft.lon, topLeft.lat, bottomRight.lon, bottomRight.lat) }
}

function geoCircle(value: unknown, place: Place, reading: Reading): GeoArea {
  const { center, radius } = CIRCLE(value, place, reading) as GeoRadius
  return { shape: 'circle', center: Float64Array.of(center.lon, center.lat), radiusMetres: radius }
}

/**
 * A polygon whose rings may cross themselves and each other. The inside of a ring follows the non-zero rule, as in
 * Qdrant.
 */
function geoPolygon(value: unknown, place: Place, reading: Reading): GeoArea {
  const polygon = fieldsAt(value, POLYGON, place, reading)
  const interiors = isSet(polygon.get('interiors')) ? polygon.get('interiors') : []
  const at = polygon.at('interiors')
  if (!Array.isArray(interiors)) throw reading.mistyped(at, 'an array of rings', interiors)
  if (interiors.length > MOST_RINGS) throw reading.mistyped(at, `at most ${MOST_RINGS} rings`, interiors.length)
  let left = LIMITS.geoPolygonPoints
  const take = (ring: unknown, place: Place): Float64Array => {
    const positions = closedRing(ring, place, left, reading)
    left -= positions.length / 2
    return positions
  }
  const rings = [take(polygon.get('exterior'), polygon.at('exterior'))]
  for (const [key, ring] of interiors.entries()) rings.push(take(ring, { parent: at, key }))
  return { shape: 'polygon', rings }
}

function closedRing(value: unknown, place: Place, most: number, reading: Reading): Float64Array {
  const ring = fieldsAt(value, RING, place, reading)
  const points = ring.get('points')
  const at = ring.at('points')
  if (!Array.isArray(points)) throw reading.mistyped(at, 'an array of points', points ?? null)
  if (points.length < LEAST_RING_POINTS) {
    throw reading.malformed(at, `polygon invalid, the size must be at least ${LEAST_RING_POINTS}`, points.length)
  }
  if (points.length > most) {
    throw reading.mistyped(
      at,
      `at most ${LIMITS.geoPolygonPoints} points in all rings, ${most} are left`,
      points.length,
    )
  }
  const positions = new Float64Array(points.length * 2)
  for (let key = 0; key < points.length; key++) {
    const { lon, lat } = POSITION(points[key], { parent: at, key }, reading) as GeoPoint
    positions[key * 2] = lon
    positions[key * 2 + 1] = lat
  }
  if (positions[0] !== positions.at(-2) || positions[1] !== positions.at(-1)) {
    throw reading.malformed(
      at,
      'polygon invalid, the first and the last points should be the same to form a closed line',
    )
  }
  return positions
}
