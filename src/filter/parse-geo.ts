import { GeoBoundingBox, GeoLineString, GeoPoint, GeoPolygon, GeoRadius, LEAST_RING_POINTS } from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import { Keys } from '../core/vocabulary/keys.js'
import type { Place } from '../core/vocabulary/place.js'
import { readerOf } from '../core/vocabulary/reader.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { fieldsAt, isSet } from './fields.js'
import type { GeoArea } from './node.js'

const BOX = readerOf(GeoBoundingBox)
const CIRCLE = readerOf(GeoRadius)
const POSITION = readerOf(GeoPoint)
const POLYGON = new Keys(GeoPolygon)
const RING = new Keys(GeoLineString)
const MOST_RINGS = LIMITS.geoPolygonPoints / LEAST_RING_POINTS

/** A box with its bottom above its top is empty. A box with its left beyond its right crosses the antimeridian. */
export function geoBox(value: unknown, place: Place, reading: Reading): GeoArea {
  const { topLeft, bottomRight } = BOX(value, place, reading) as GeoBoundingBox
  return { shape: 'box', corners: Float64Array.of(topLeft.lon, topLeft.lat, bottomRight.lon, bottomRight.lat) }
}

export function geoCircle(value: unknown, place: Place, reading: Reading): GeoArea {
  const { center, radius } = CIRCLE(value, place, reading) as GeoRadius
  return { shape: 'circle', center: Float64Array.of(center.lon, center.lat), radiusMetres: radius }
}

/**
 * A polygon whose rings may cross themselves and each other. The inside of a ring follows the non-zero rule, as in
 * Qdrant.
 */
export function geoPolygon(value: unknown, place: Place, reading: Reading): GeoArea {
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
