import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { checkKeys, finiteAt, isSet, objectAt } from './fields.js'
import type { GeoArea } from './node.js'

const MOST_LON = 180
const MOST_LAT = 90
const RING_POINTS = 4

/** A box with its bottom above its top is empty. A box with its left beyond its right crosses the antimeridian. */
export function geoBox(value: unknown, field: string): GeoArea {
  const box = objectAt(value, field)
  checkKeys(box, ['top_left', 'bottom_right'], field)
  const [left, top] = position(box.top_left, `${field}.top_left`)
  const [right, bottom] = position(box.bottom_right, `${field}.bottom_right`)
  return { shape: 'box', corners: Float64Array.of(left, top, right, bottom) }
}

export function geoCircle(value: unknown, field: string): GeoArea {
  const circle = objectAt(value, field)
  checkKeys(circle, ['center', 'radius'], field)
  const center = Float64Array.from(position(circle.center, `${field}.center`))
  const radiusMetres = finiteAt(circle.radius, `${field}.radius`)
  if (radiusMetres < 0) throw invalid(`${field}.radius`, 'expected metres, not negative', radiusMetres)
  return { shape: 'circle', center, radiusMetres }
}

/**
 * A polygon whose rings may cross themselves and each other. The inside of a ring follows the non-zero rule, as in
 * Qdrant.
 */
export function geoPolygon(value: unknown, field: string): GeoArea {
  const polygon = objectAt(value, field)
  checkKeys(polygon, ['exterior', 'interiors'], field)
  const interiors = isSet(polygon.interiors) ? polygon.interiors : []
  if (!Array.isArray(interiors)) throw invalid(`${field}.interiors`, 'expected an array of rings', interiors)
  if (interiors.length > LIMITS.geoPolygonPoints / RING_POINTS) {
    throw invalid(
      `${field}.interiors`,
      `expected at most ${LIMITS.geoPolygonPoints / RING_POINTS} rings`,
      interiors.length,
    )
  }
  let left = LIMITS.geoPolygonPoints
  const take = (ring: unknown, at: string): Float64Array => {
    const positions = closedRing(ring, at, left)
    left -= positions.length / 2
    return positions
  }
  const rings = [take(polygon.exterior, `${field}.exterior`)]
  for (const [i, ring] of interiors.entries()) rings.push(take(ring, `${field}.interiors[${i}]`))
  return { shape: 'polygon', rings }
}

function closedRing(value: unknown, field: string, most: number): Float64Array {
  const ring = objectAt(value, field)
  checkKeys(ring, ['points'], field)
  const { points } = ring
  if (!Array.isArray(points)) throw invalid(`${field}.points`, 'expected an array of points', points)
  if (points.length < RING_POINTS) {
    throw invalid(`${field}.points`, `polygon invalid, the size must be at least ${RING_POINTS}`, points.length)
  }
  if (points.length > most) {
    throw invalid(
      `${field}.points`,
      `expected at most ${LIMITS.geoPolygonPoints} points in all rings, ${most} are left`,
      points.length,
    )
  }
  const positions = new Float64Array(points.length * 2)
  for (const [i, point] of points.entries()) positions.set(position(point, `${field}.points[${i}]`), i * 2)
  if (positions[0] !== positions.at(-2) || positions[1] !== positions.at(-1)) {
    throw invalid(
      `${field}.points`,
      'polygon invalid, the first and the last points should be the same to form a closed line',
    )
  }
  return positions
}

function position(value: unknown, field: string): [lon: number, lat: number] {
  const point = objectAt(value, field)
  checkKeys(point, ['lon', 'lat'], field)
  return [degrees(point.lon, MOST_LON, `${field}.lon`), degrees(point.lat, MOST_LAT, `${field}.lat`)]
}

function degrees(value: unknown, most: number, field: string): number {
  const number = finiteAt(value, field)
  if (Math.abs(number) > most) throw invalid(field, `expected degrees from -${most} to ${most}`, number)
  return number
}
