/**
 * The language of filters, declared once. The parser (src/filter/parse.ts) and the client take their names, spellings and
 * bounds from here, and the OpenAPI document shows it.
 */
import Type, { type Static, type TSchema } from 'typebox'
import { LIMITS } from './limits.js'
import type { PointId } from './point.js'
import {
  count as anyCount,
  type Given,
  integer,
  list,
  number,
  opaque,
  optional,
  recursive,
} from './vocabulary/declare.js'
import { Keys } from './vocabulary/keys.js'
import { ruleOfShape } from './vocabulary/spelling.js'

export type OneOrMore<T> = T | readonly T[]

/**
 * Selects points. Clauses are joined by AND; an empty or absent one says nothing. The wire's spelling
 * (`must_not`) is accepted too.
 */
export interface Filter<Path extends string = string> {
  /** All of these hold. */
  must?: OneOrMore<Condition<Path>> | null
  /** One of these holds. */
  should?: OneOrMore<Condition<Path>> | null
  /** None of these holds. */
  mustNot?: OneOrMore<Condition<Path>> | null
  /** At least `minCount` of the conditions hold. */
  minShould?: MinShould<Path> | null
}
/** Options with a filter on these paths. */
export type FilteredBy<Options, Path extends string> = Omit<Options, 'filter'> & { filter?: Filter<Path> | null }

export interface MinShould<Path extends string = string> {
  conditions: readonly Condition<Path>[]
  minCount: number
}

/** A path into a payload of type `P`: it begins with one of the payload's keys. Any text where no keys are known. */
export type PayloadPath<P> = [keyof P] extends [never]
  ? string
  : string extends keyof P
    ? string
    : (keyof P & string) | `${keyof P & string}${'.' | '['}${string}` | `"${string}`

export type Condition<Path extends string = string> =
  | Filter<Path>
  | FieldCondition<Path>
  | IsEmptyCondition<Path>
  | IsNullCondition<Path>
  | HasIdCondition
  | HasVectorCondition
  | SliceCondition
  | NestedCondition<Path>

/** Checks on the values at one key; of several, one has to hold. */
export interface FieldCondition<Path extends string = string> {
  /** Path into the payload: `a.b`, `a[].b`, `a[0]`, `"quoted.key"`. */
  key: Path
  match?: MatchCondition | null
  range?: RangeCondition | null
  geoBoundingBox?: GeoBoundingBox | null
  geoRadius?: GeoRadius | null
  geoPolygon?: GeoPolygon | null
  valuesCount?: ValuesCount | null
  isEmpty?: boolean | null
  isNull?: boolean | null
}

export type MatchCondition =
  /** A Date means the RFC 3339 text that is stored for it. */
  | { value: string | number | bigint | boolean | Date }
  | { any: readonly (string | number | bigint | Date)[] }
  | { except: readonly (string | number | bigint | Date)[] }
  /** Every token; a substring where the field has no text index. */
  | { text: string }
  /** One of the tokens. */
  | { textAny: string }
  /** The tokens one after the other; a substring where the field has no text index. */
  | { phrase: string }
  /** Texts that start so. */
  | { prefix: string }

export interface NestedCondition<Path extends string = string> {
  nested: Nested<Path>
}
/** One object of the array at `key` satisfies the whole filter. */
export interface Nested<Path extends string = string> {
  key: Path
  /** Its paths begin in the object. */
  filter: Filter
}

const MOST_LON = 180
const MOST_LAT = 90
const MOST_U32 = 2 ** 32 - 1
export const LEAST_RING_POINTS = 4
const MOST_RINGS = LIMITS.geoPolygonPoints / LEAST_RING_POINTS

const path = () =>
  Type.String({
    description: 'Path into the payload: `a.b`, `a[].b` (every element), `a[0]`, `"a key.with dots"`.',
    maxLength: LIMITS.nameLength,
  })
const text = (description: string) => optional(Type.String({ description, maxLength: LIMITS.filterTextLength }))
const listed = (description: string) =>
  optional(opaque<readonly (string | number | bigint)[]>({ type: 'array', description }))
const degrees = (most: number) =>
  number({ description: `Degrees, -${most} to ${most}.`, minimum: -most, maximum: most, isOfType: true })

export const GeoPoint = Type.Object(
  { lon: degrees(MOST_LON), lat: degrees(MOST_LAT) },
  { $id: 'GeoPoint', description: 'A position on the earth.' },
)
/** A position on the earth, in degrees. */
export type GeoPoint = Static<typeof GeoPoint>

export const GeoBoundingBox = Type.Object(
  { topLeft: GeoPoint, bottomRight: GeoPoint },
  {
    $id: 'GeoBoundingBox',
    description:
      'Positions inside, not those on its border. With `top_left.lon` above `bottom_right.lon` it crosses the antimeridian.',
  },
)
/** Positions inside, not those on its border. With `topLeft.lon` above `bottomRight.lon` it crosses the antimeridian. */
export type GeoBoundingBox = Static<typeof GeoBoundingBox>

export const GeoRadius = Type.Object(
  { center: GeoPoint, radius: number({ description: 'Metres.', minimum: 0 }) },
  { $id: 'GeoRadius', description: 'Positions nearer to the center than the radius, along the great circle.' },
)
/** Positions nearer to the center than the radius, which is in metres. */
export type GeoRadius = Static<typeof GeoRadius>

export const GeoLineString = Type.Object(
  {
    points: list(GeoPoint, {
      description: 'The last point is the first again.',
      minItems: LEAST_RING_POINTS,
      maxItems: LIMITS.geoPolygonPoints,
    }),
  },
  { $id: 'GeoLineString', description: 'A closed ring.' },
)
/** A closed ring: at least four points, the last one the first again. */
export type GeoLineString = Given<typeof GeoLineString>

export const GeoPolygon = Type.Object(
  {
    exterior: GeoLineString,
    interiors: optional(list(GeoLineString, { description: 'Holes.', maxItems: MOST_RINGS })),
  },
  {
    $id: 'GeoPolygon',
    description: `Positions inside the exterior ring and outside of every interior one. All rings together have at most ${LIMITS.geoPolygonPoints} points.`,
  },
)
/** Positions inside the exterior ring and outside of every interior one. */
export type GeoPolygon = Given<typeof GeoPolygon>

const count = (description: string) => optional(integer({ description }))
export const ValuesCount = Type.Object(
  { lt: count('Fewer.'), lte: count('As many or fewer.'), gt: count('More.'), gte: count('As many or more.') },
  {
    $id: 'ValuesCount',
    description: 'How many values the field has: 0 if it is missing or null, the elements of an array, else 1.',
  },
)
/** How many values the field has: 0 if it is missing or null, the elements of an array, else 1. */
export type ValuesCount = Given<typeof ValuesCount>

export const Slice = Type.Object(
  {
    total: integer({ description: 'How many slices.', minimum: 1, maximum: MOST_U32, isNonZero: true }),
    index: integer({ description: 'Which of them, below `total`.', maximum: MOST_U32 }),
  },
  {
    $id: 'Slice',
    description: 'The points whose id hashes (SipHash-2-4) to `index` of `total` equal parts.',
    holds: ({ index, total }: { index: number; total: number }) => index < total,
    expected: 'an index below total',
    rule: ruleOfShape('Slice index must be less than the total number of slices'),
  },
)
/** The points whose id hashes to `index` of `total` equal parts. */
export type Slice = Static<typeof Slice>

export const Match = Type.Object(
  {
    value: optional(
      opaque<string | number | bigint | boolean>({ description: 'This text, 64-bit integer or boolean.' }),
    ),
    any: listed('One of these texts, or of these integers.'),
    except: listed('A value, not null, other than these texts or integers.'),
    text: text('All tokens; a part of the text where the field has no text index.'),
    textAny: text('One of the tokens; one of the words where the field has no text index.'),
    phrase: text('The tokens one after the other; a part of the text where the field has no text index.'),
    prefix: text('Texts that start so.'),
  },
  { $id: 'Match', description: 'Exactly one of these.' },
)

const bound = (description: string) =>
  optional(opaque<number | bigint | string | Date>({ description, type: ['number', 'string'] }))
export const Range = Type.Object(
  { lt: bound('Less.'), lte: bound('Less or equal.'), gt: bound('Greater.'), gte: bound('Greater or equal.') },
  { $id: 'Range', description: 'Bounds are all numbers, or all RFC 3339 date-times.' },
)
/** Bounds are all numbers, or all date-times: RFC 3339 texts or Dates. */
export type RangeCondition = Given<typeof Range>

const field = (description: string) => Type.Object({ key: path() }, { description })
const flag = (description: string) => optional(Type.Boolean({ description }))
export const FieldCondition = Type.Object(
  {
    key: path(),
    match: optional(Match),
    range: optional(Range),
    geoBoundingBox: optional(GeoBoundingBox),
    geoRadius: optional(GeoRadius),
    geoPolygon: optional(GeoPolygon),
    valuesCount: optional(ValuesCount),
    isEmpty: flag('The field is missing, null or `[]`; false: it is not.'),
    isNull: flag('The field is null or an array with a null; false: it is not.'),
  } satisfies Record<keyof FieldCondition, unknown>,
  { $id: 'FieldCondition', description: 'Checks on the values at one key; of several, one has to hold.' },
)
export const IsEmptyCondition = Type.Object(
  { isEmpty: field('The field is missing, null or `[]`.') },
  { $id: 'IsEmptyCondition' },
)
export type IsEmptyCondition<Path extends string = string> = { isEmpty: { key: Path } }
export const IsNullCondition = Type.Object({ isNull: field('The field is null.') }, { $id: 'IsNullCondition' })
export type IsNullCondition<Path extends string = string> = { isNull: { key: Path } }
export const HasIdCondition = Type.Object(
  { hasId: opaque<readonly PointId[]>({ type: 'array', description: 'The point has one of these ids.' }) },
  { $id: 'HasIdCondition' },
)
export type HasIdCondition = Given<typeof HasIdCondition>
export const HasVectorCondition = Type.Object(
  { hasVector: Type.String({ description: 'The point has the vector of this name.' }) },
  { $id: 'HasVectorCondition' },
)
export type HasVectorCondition = Given<typeof HasVectorCondition>
export const SliceCondition = Type.Object({ slice: Slice }, { $id: 'SliceCondition' })
export type SliceCondition = Given<typeof SliceCondition>

const filter = recursive<Filter>((): TSchema => Filter)
const condition = recursive<Condition>((): TSchema => Condition)
export const Nested = Type.Object(
  { key: path(), filter },
  { $id: 'Nested', description: 'One object of the array at `key` satisfies the whole filter.' },
)
export const NestedCondition = Type.Object({ nested: Nested }, { $id: 'NestedCondition' })

/** The kinds of conditions but filters; the first property of each tells the kind. */
export const CONDITION_KINDS = [
  FieldCondition,
  HasIdCondition,
  HasVectorCondition,
  IsEmptyCondition,
  IsNullCondition,
  SliceCondition,
  NestedCondition,
] as const
const kinds = CONDITION_KINDS.map(({ properties }) => Keys.spellings(Object.keys(properties)[0] as string))

export const Condition = Type.Union([...CONDITION_KINDS, filter], {
  $id: 'Condition',
  description: 'A check of one kind, or a filter.',
  tellingKeys: () => CONDITION_KEYS,
  choose: (value: unknown) => {
    const kind = kinds.findIndex((names) => names.some((name) => Object(value)[name] !== undefined))
    return kind < 0 ? CONDITION_KINDS.length : kind
  },
})

const clause = (description: string) =>
  optional(
    Type.Union([condition, Type.Array(condition, { maxItems: LIMITS.filterConditions })], {
      description,
      choose: (value: unknown) => (Array.isArray(value) ? 1 : 0),
    }),
  )
export const MinShould = Type.Object(
  {
    conditions: Type.Array(condition, { description: 'Conditions.', maxItems: LIMITS.filterConditions }),
    minCount: anyCount({
      description: 'How many of the conditions have to hold.',
      minimum: 1,
      rule: 'min_count must be greater than 0',
    }),
  } satisfies Record<keyof MinShould, unknown>,
  { $id: 'MinShould', description: 'At least so many of the conditions hold.' },
)
export const Filter = Type.Object(
  {
    must: clause('All of these hold.'),
    should: clause('One of these holds.'),
    mustNot: clause('None of these holds.'),
    minShould: optional(MinShould),
  } satisfies Record<keyof Filter, unknown>,
  {
    $id: 'Filter',
    description: `Selects points. Clauses are joined by AND; an empty or absent one says nothing. At most ${LIMITS.filterDepth} levels and ${LIMITS.filterConditions} conditions.`,
    isReadApart: true,
  },
)

/** A condition of no known kind is taken for a filter, and refused with all the names that it may have. */
export const CONDITION_KEYS: Keys = new Keys(
  ...CONDITION_KINDS.map(({ properties }) => ({
    properties: Object.fromEntries(Object.entries(properties).slice(0, 1)),
  })),
  Filter,
)

/**
 * Whether no condition is in the filter, so that it matches every point. Of values that are no filter it is false: their
 * parser refuses them, and those nested too deep.
 */
export function hasNoConditions(filter: unknown, depth = 0): boolean {
  if (filter === null || filter === undefined) return true
  if (typeof filter !== 'object' || depth > LIMITS.filterDepth) return false
  if (Array.isArray(filter)) return filter.every((condition) => hasNoConditions(condition, depth + 1))
  return Object.entries(filter).every(([clause, value]) => {
    const name = CLAUSES.nameOf(clause)
    const isEmpty = name === 'minShould' ? value === null || value === undefined : hasNoConditions(value, depth)
    return name !== undefined && isEmpty
  })
}

const CLAUSES = new Keys(Filter)
