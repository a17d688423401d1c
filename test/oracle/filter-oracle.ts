/**
 * The meaning of filters in simple TypeScript, without the product's code: the oracle of model tests and of the
 * kernel's evaluator. It reads valid filters, and payloads from `JSON.parse` (or with bigints).
 */
import type {
  Condition,
  FieldCondition,
  Filter,
  GeoLineString,
  GeoPoint,
  MatchCondition,
  RangeCondition,
} from '../../src/core/filter.js'
import type { PayloadIndexParams } from '../../src/core/payload-index.js'
import type { PointId } from '../../src/core/point.js'
import { sipHash } from './sip-hash.js'
import { matchesText } from './text-oracle.js'

/** Text indexes by field. */
export type OracleTexts = ReadonlyMap<string, PayloadIndexParams>

export interface OraclePoint {
  id: PointId
  payload: Record<string, unknown> | null | undefined
  vectorNames: readonly string[]
}

type Json = unknown
/** A key, every element, or one element. */
type Step = string | { index: number } | { every: true }

export function matchesFilter(filter: Filter, point: OraclePoint, texts: OracleTexts = new Map()): boolean {
  return holds(inLibraryWords(filter), point.payload ?? {}, { point, texts, above: '' })
}

const translated = new WeakMap<object, Filter>()

/** A filter in the wire's spelling, in the library's. */
function inLibraryWords(filter: Filter): Filter {
  const known = translated.get(filter) ?? (renamed(filter) as Filter)
  translated.set(filter, known)
  return known
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed)
  if (!isObject(value) || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      renamed(one),
    ]),
  )
}

interface Within {
  /** Null within a nested condition: elements have neither id nor vectors. */
  point: OraclePoint | null
  texts: OracleTexts
  /** The path of the object. */
  above: string
}

function holds(filter: Filter, object: Json, within: Within): boolean {
  const check = (condition: Condition) => conditionHolds(condition, object, within)
  const should = listOf(filter.should)
  const { minShould } = filter
  return (
    listOf(filter.must).every(check) &&
    !listOf(filter.mustNot).some(check) &&
    (should.length === 0 || should.some(check)) &&
    (!minShould || minShould.conditions.filter(check).length >= minShould.minCount)
  )
}

function listOf(clause: Condition | readonly Condition[] | null | undefined): readonly Condition[] {
  if (clause === null || clause === undefined) return []
  return Array.isArray(clause) ? clause : [clause as Condition]
}

function conditionHolds(condition: Condition, object: Json, within: Within): boolean {
  const { point } = within
  if ('key' in condition) return fieldHolds(condition, valuesAt(object, condition.key), within)
  if ('hasId' in condition) return point !== null && condition.hasId.some((id) => idText(id) === idText(point.id))
  if ('hasVector' in condition) return point?.vectorNames.includes(condition.hasVector) ?? false
  if ('slice' in condition) {
    const { total, index } = condition.slice
    return point !== null && sipHash(idBytes(point.id)) % BigInt(total) === BigInt(index)
  }
  if ('isEmpty' in condition) return valuesAt(object, condition.isEmpty.key).every(isEmpty)
  if ('isNull' in condition) return valuesAt(object, condition.isNull.key).some((value) => value === null)
  if ('nested' in condition) {
    const { key, filter } = condition.nested
    const every = key.endsWith('[]') ? key : `${key}[]`
    const inner = { ...within, point: null, above: `${within.above}${every}.` }
    return valuesAt(object, every).some((element) => isObject(element) && holds(filter, element, inner))
  }
  return holds(condition, object, within)
}

/** One of several checks is enough. */
function fieldHolds(condition: FieldCondition, values: Json[], { texts, above }: Within): boolean {
  const scalars = values.flatMap((value) => (Array.isArray(value) ? value : [value]))
  const { match, range, geoBoundingBox: box, geoRadius: circle, geoPolygon: polygon } = condition
  const hasNull = () => values.some((value) => value === null || (Array.isArray(value) && value.includes(null)))
  const isIn = (contains: (point: GeoPoint) => boolean) =>
    scalars.some((value) => {
      const point = geoPointOf(value)
      return point !== null && contains(point)
    })
  return (
    (isSet(condition.isEmpty) && values.every(isEmpty) === condition.isEmpty) ||
    (isSet(condition.isNull) && hasNull() === condition.isNull) ||
    (isSet(condition.valuesCount) &&
      (values.length === 0 ? [null] : values).some((value) => isBetween(countOf(value), condition.valuesCount))) ||
    (!!match && isMatchOf(scalars, match, texts.get(above + condition.key))) ||
    (isSet(range) && scalars.some((value) => isInRange(value, range as RangeCondition))) ||
    (!!box && isIn((point) => isInBox(point, box))) ||
    (!!circle && isIn((point) => haversine(point, circle.center) < circle.radius)) ||
    (!!polygon && isIn((point) => isInPolygon(point, [polygon.exterior, ...(polygon.interiors ?? [])])))
  )
}

function isMatchOf(scalars: Json[], match: MatchCondition, params: PayloadIndexParams | undefined): boolean {
  const words = scalars.filter((value) => typeof value === 'string')
  if (params && 'text' in match) return matchesText(words, match.text, 'all', params)
  if (params && 'textAny' in match) return matchesText(words, match.textAny, 'any', params)
  if (params && 'phrase' in match) return matchesText(words, match.phrase, 'phrase', params)
  return scalars.some((value) => isMatch(value, match))
}

function isMatch(value: Json, match: MatchCondition): boolean {
  if ('value' in match) return isSame(value, match.value)
  if ('any' in match) return match.any.some((wanted) => isSame(value, wanted))
  if ('except' in match) return value !== null && !match.except.some((unwanted) => isSame(value, unwanted))
  if (typeof value !== 'string') return false
  if ('prefix' in match) return value.startsWith(match.prefix)
  if ('textAny' in match) return match.textAny.split(/\s+/).some((word) => word !== '' && value.includes(word))
  return value.includes('text' in match ? match.text : match.phrase)
}

function geoPointOf(value: Json): GeoPoint | null {
  if (!isObject(value)) return null
  const [lon, lat] = ['lon', 'lat'].map((key) => (Object.hasOwn(value, key) ? value[key] : null))
  if (typeof lon !== 'number' || typeof lat !== 'number') return null
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? { lon, lat } : null
}

function isInBox({ lon, lat }: GeoPoint, box: { topLeft: GeoPoint; bottomRight: GeoPoint }): boolean {
  const [west, east] = [box.topLeft.lon, box.bottomRight.lon]
  const isBetweenMeridians = west > east ? lon > west || lon < east : lon > west && lon < east
  return isBetweenMeridians && lat < box.topLeft.lat && lat > box.bottomRight.lat
}

/** Metres along the great circle, by the angle between the two directions from the centre of the earth. */
function haversine(a: GeoPoint, b: GeoPoint): number {
  const [ax, ay, az] = direction(a)
  const [bx, by, bz] = direction(b)
  const chord = Math.hypot(ax - bx, ay - by, az - bz)
  return 2 * 6371008.8 * Math.asin(Math.min(1, chord / 2))
}

function direction({ lon, lat }: GeoPoint): [number, number, number] {
  const [east, north] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180]
  return [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)]
}

/** By the angles at which the point sees the edges: they add up to whole turns inside, to zero outside. */
function isInPolygon(point: GeoPoint, [exterior, ...holes]: readonly GeoLineString[]): boolean {
  const at = (ring: GeoLineString | undefined) => {
    let turned = 0
    for (const [i, to] of ring?.points.entries() ?? []) {
      const from = ring?.points[i - 1]
      if (!from) continue
      const [ax, ay, bx, by] = [from.lon - point.lon, from.lat - point.lat, to.lon - point.lon, to.lat - point.lat]
      const cross = ax * by - ay * bx
      const dot = ax * bx + ay * by
      if (cross === 0 && dot <= 0) return 'border'
      turned += Math.atan2(cross, dot)
    }
    return Math.round(turned / (2 * Math.PI)) === 0 ? 'outside' : 'inside'
  }
  return at(exterior) === 'inside' && holes.every((hole) => at(hole) === 'outside')
}

function isSame(value: Json, wanted: string | number | bigint | boolean | Date): boolean {
  if (typeof wanted === 'string' || typeof wanted === 'boolean') return value === wanted
  const integer = integerOf(value)
  return integer !== null && integer === integerOf(wanted)
}

/** The 64-bit integer that the number has in JSON, if it is one. */
function integerOf(value: Json): bigint | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null
  const text = Object.is(value, -0) ? '0' : String(value)
  return /^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : null
}

function isInRange(value: Json, given: RangeCondition): boolean {
  const texts = Object.entries(given).map(([name, bound]) => [
    name,
    bound instanceof Date ? bound.toISOString() : bound,
  ])
  const range = Object.fromEntries(texts) as RangeCondition
  const isTime = Object.values(range).some((bound) => typeof bound === 'string')
  if (!isTime)
    return (typeof value === 'number' || typeof value === 'bigint') && isBetween(Number(value), range as never)
  const micros = typeof value === 'string' ? microsOf(value) : null
  if (micros === null) return false
  const bound = (text: unknown) => (typeof text === 'string' ? microsOf(text) : null)
  return isBetween(micros, { lt: bound(range.lt), lte: bound(range.lte), gt: bound(range.gt), gte: bound(range.gte) })
}

type Limits<T> = { lt?: T | null; lte?: T | null; gt?: T | null; gte?: T | null } | null | undefined

function isBetween<T extends number | bigint>(value: T, limits: Limits<T>): boolean {
  const { lt, lte, gt, gte } = limits ?? {}
  return (
    (!isSet(lt) || value < (lt as T)) &&
    (!isSet(lte) || value <= (lte as T)) &&
    (!isSet(gt) || value > (gt as T)) &&
    (!isSet(gte) || value >= (gte as T))
  )
}

/** Uses Date where possible: the text is converted to the one form that all engines read alike. */
export function microsOf(text: string): bigint | null {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/.exec(text)
  if (!parts) return null
  const [, date, minutes = '00:00', seconds, fraction, zone = 'Z'] = parts
  if (fraction !== undefined && seconds === undefined) return null
  // Date rolls the 31st of February over, and accepts 24:00.
  if (new Date(`${date}T00:00:00Z`).toJSON()?.slice(0, 10) !== date || minutes.startsWith('24')) return null
  const digits = zone.replace(':', '').slice(1).padEnd(4, '0')
  const offset = /^z$/i.test(zone) ? 'Z' : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
  const ms = Date.parse(`${date}T${minutes}${seconds ?? ':00'}${offset}`)
  if (Number.isNaN(ms) || /[+-](2[4-9]|[3-9])/.test(offset)) return null
  return BigInt(ms) * 1000n + BigInt((fraction ?? '').padEnd(6, '0').slice(0, 6))
}

function countOf(value: Json): number {
  if (value === null) return 0
  return Array.isArray(value) ? value.length : 1
}

function isEmpty(value: Json): boolean {
  return value === null || (Array.isArray(value) && value.length === 0)
}

export function valuesAt(object: Json, path: string): Json[] {
  let values: Json[] = [object]
  for (const step of stepsOf(path)) {
    values = values.flatMap((value) => {
      if (typeof step === 'string') return isObject(value) && Object.hasOwn(value, step) ? [value[step]] : []
      if (!Array.isArray(value)) return []
      return 'every' in step ? value : value.slice(step.index, step.index + 1)
    })
  }
  return values
}

function stepsOf(path: string): Step[] {
  const tokens = path.matchAll(/"((?:[^"\\]|\\.)*)"|\[(\d*)\]|[^.[\]"]+/gs)
  return Array.from(tokens, ([token, quoted, index]): Step => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1')
    if (index !== undefined) return index === '' ? { every: true } : { index: Number(index) }
    return token
  })
}

function idBytes(id: PointId): Uint8Array {
  if (typeof id === 'string') return Buffer.from(idText(id), 'hex')
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(id))
  return bytes
}

function idText(id: PointId): string {
  return typeof id === 'string' ? id.toLowerCase().replace(/^urn:uuid:|[{}-]/g, '') : String(id)
}

function isObject(value: Json): value is Record<string, Json> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
