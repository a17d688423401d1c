import {
  CONDITION_KEYS,
  CONDITION_KINDS,
  FieldCondition,
  Filter,
  IsNullCondition,
  MinShould,
  Nested,
  Slice,
} from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS } from '../core/point.js'
import type { Schema } from '../core/schema.js'
import { Keys } from '../core/vocabulary/keys.js'
import type { Place } from '../core/vocabulary/place.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { readerOf } from '../core/vocabulary/reader.js'
import { Reading } from '../core/vocabulary/reading.js'
import { type Fields, fieldsAt, isSet } from './fields.js'
import { type FilterNode, NOTHING } from './node.js'
import { fieldCondition, pathAt } from './parse-field.js'

export interface FilterContext {
  /** Names of the collection's vectors, in the kernel's order. */
  vectorNames: readonly string[]
  /** Whether ids are texts. */
  textIds?: boolean
}

export function filterContext(schema: Schema): FilterContext {
  return { vectorNames: schema.map(({ name }) => name), textIds: schema.textIds ?? false }
}

/** A filter whose form was checked. `context` is of the collection in which its vectors were looked up. */
export interface ReadFilter {
  /** null if the filter has no condition. */
  readonly node: FilterNode | null
  /** Parts that wait for the collection: the places of vectors, and ids, as these may be texts. */
  readonly lookUps: readonly LookUp[]
  context: FilterContext | null
}
type LookUp = (context: FilterContext) => void

const FILTER = new Keys(Filter)
const MIN_SHOULD = new Keys(MinShould)
const NESTED = new Keys(Nested)
const FIELD = new Keys(FieldCondition)
const KEY = new Keys(IsNullCondition.properties.isNull)
/** The name that tells the kind, in both spellings. */
const KINDS = CONDITION_KINDS.map((kind) => {
  const [name] = Object.keys(kind.properties) as [string]
  return { name, spellings: Keys.spellings(name), keys: new Keys(kind) }
})
const NO_IDS = new Uint32Array(0)
const MIN_COUNT = readerOf(MinShould.properties.minCount)
const SLICE = readerOf(Slice)

/**
 * Checks an untrusted filter; null if it has no condition. Errors name the place, such as `filter.must[2].match.value`.
 * The recursion is as deep as the filter, and refuses nesting deeper than LIMITS.filterDepth.
 */
export function parseFilter(filter: unknown, context: FilterContext, field = 'filter'): FilterNode | null {
  if (!isSet(filter)) return null
  return bind(knownFor(filter as object, context) ?? readFilter(filter, standing(filter, field)), context)
}

/** The same of a condition by itself, as formulas have them. */
export function parseCondition(condition: object, context: FilterContext, start: Start): FilterNode | null {
  return bind(knownFor(condition, context) ?? readCondition(condition, start), context)
}

/** Filters that were read before: large ones, the wire's, and single conditions. */
export const filtersRead = new WeakMap<object, ReadFilter>()
/** Ids of long lists that were read before. */
export const idsRead = new WeakMap<readonly unknown[], { ids: Uint32Array; textIds: boolean }>()

function knownFor(filter: object, context: FilterContext): ReadFilter | undefined {
  const known = filtersRead.get(filter)
  // A node has the place of its vector in one collection.
  const isOther = known?.context && known.lookUps.length > 0 && !isSameContext(known.context, context)
  return isOther ? undefined : known
}

function isSameContext(
  { vectorNames: a, ...one }: FilterContext,
  { vectorNames: b, ...other }: FilterContext,
): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at]) && one.textIds === other.textIds
}

/** Looks up the vectors that the filter names. */
export function bind(read: ReadFilter, context: FilterContext): FilterNode | null {
  for (const lookUp of read.lookUps) lookUp(context)
  read.context = context
  return read.node
}

/** Where a filter stands in its request, and how the request came. */
export interface Start {
  readonly place: Place
  readonly reading: Reading
}

/** Filters of the wire that are read later, in turns. */
export const postponed = new WeakMap<object, Start>()

export function standing(filter: unknown, field: string): Start {
  const known = isPlain(filter) ? postponed.get(filter) : undefined
  if (known) return { place: known.place, reading: new Reading(known.reading.face, known.reading.whole) }
  return { place: { parent: null, key: field }, reading: new Reading('library', field) }
}

/** Reads a filter whole. Throws at the first value of the wrong type, or lists all values beyond their bounds. */
export function readFilter(filter: unknown, start: Start): ReadFilter {
  const parser = new FilterParser(start)
  const read = parser.whole(filter)
  start.reading.end()
  return read
}

export function readCondition(condition: object, start: Start): ReadFilter {
  const parser = new FilterParser(start)
  const node = parser.condition(condition, start.place, 1)
  start.reading.end()
  return parser.result(node)
}

export class FilterParser {
  readonly #start: Start
  readonly #lookUps: LookUp[] = []
  #lists: Map<unknown, FilterNode[]> | null = null
  #conditions = 0

  constructor(start: Start) {
    this.#start = start
  }

  whole(value: unknown): ReadFilter {
    return this.result(this.filter(value, this.#start.place, 0))
  }

  result(node: FilterNode): ReadFilter {
    const isEmpty = node.op === 'and' && node.children.length === 0
    return { node: isEmpty ? null : node, lookUps: this.#lookUps, context: null }
  }

  /** Stores the conditions of a long list that were read before. */
  know(list: readonly unknown[], nodes: FilterNode[]): void {
    this.#lists ??= new Map()
    this.#lists.set(list, nodes)
  }

  /** Clauses are joined by AND. An empty clause is ignored, as in Qdrant. */
  filter(value: unknown, place: Place, depth: number): FilterNode {
    const clauses = this.#fields(value, FILTER, place, depth)
    const children = this.#clause(clauses, 'must', depth)
    const any = this.#clause(clauses, 'should', depth)
    if (any.length > 0) children.push({ op: 'or', children: any })
    for (const child of this.#clause(clauses, 'mustNot', depth)) children.push({ op: 'not', child })
    const minShould = clauses.get('minShould')
    if (isSet(minShould)) children.push(...this.#minShould(minShould, clauses.at('minShould'), depth))
    return children.length === 1 ? (children[0] as FilterNode) : { op: 'and', children }
  }

  /** A clause is one condition or an array of them. */
  #clause(clauses: Fields, name: string, depth: number): FilterNode[] {
    const value = clauses.get(name)
    if (!isSet(value)) return []
    const place = clauses.at(name)
    return Array.isArray(value) ? this.#list(value, place, depth) : [this.condition(value, place, depth + 1)]
  }

  #minShould(value: unknown, place: Place, depth: number): FilterNode[] {
    const fields = this.#fields(value, MIN_SHOULD, place, depth)
    const { reading } = this.#start
    const count = MIN_COUNT(fields.get('minCount'), fields.at('minCount'), reading) as number
    const conditions = fields.get('conditions')
    if (!Array.isArray(conditions)) {
      throw reading.mistyped(fields.at('conditions'), 'an array of conditions', conditions ?? null)
    }
    const children = this.#list(conditions, fields.at('conditions'), depth)
    return [count > children.length ? NOTHING : { op: 'atLeast', count, children }]
  }

  #list(list: readonly unknown[], place: Place, depth: number): FilterNode[] {
    const known = this.#lists?.get(list)
    return known ? [...known] : list.map((one, key) => this.condition(one, { parent: place, key }, depth + 1))
  }

  condition(value: unknown, place: Place, depth: number): FilterNode {
    const { reading } = this.#start
    if (++this.#conditions > LIMITS.filterConditions) {
      const most = `at most ${LIMITS.filterConditions} conditions`
      reading.violates({ place: this.#start.place, expected: most, rule: `must be ${most}`, seen: this.#conditions })
      reading.end()
    }
    this.checkDepth(depth)
    if (!isPlain(value)) throw reading.mistyped(place, 'an object', value ?? null)
    const kind = KINDS.find(
      ({ spellings: [library, wire] }) => value[library] !== undefined || value[wire] !== undefined,
    )
    if (kind === undefined) {
      CONDITION_KEYS.check(value, place, reading)
      return this.filter(value, place, depth)
    }
    if (kind.name === 'key') return fieldCondition(fieldsAt(value, FIELD, place, reading))
    const fields = fieldsAt(value, kind.keys, place, reading)
    return this.#whole(kind.name, fields.get(kind.name), fields.at(kind.name), depth)
  }

  /** Conditions that consist of one key. */
  #whole(kind: string, value: unknown, place: Place, depth: number): FilterNode {
    const { reading } = this.#start
    switch (kind) {
      case 'hasId':
        return this.#hasId(value, place)
      case 'hasVector':
        return this.#hasVector(value, place)
      case 'slice': {
        const { total, index } = SLICE(value, place, reading) as Slice
        return { op: 'slice', total, index }
      }
      case 'nested':
        return this.#nested(value, place, depth)
      default:
        return { op: kind === 'isEmpty' ? 'isEmpty' : 'isNull', path: pathAt(this.#fields(value, KEY, place, depth)) }
    }
  }

  #hasId(value: unknown, place: Place): FilterNode {
    const { reading } = this.#start
    if (!Array.isArray(value)) throw reading.mistyped(place, 'an array of ids', value ?? null)
    const node: Extract<FilterNode, { op: 'hasId' }> = { op: 'hasId', ids: NO_IDS }
    this.#lookUps.push(({ textIds = false }) => {
      node.ids = idsOf(value, place, reading, textIds)
    })
    return node
  }

  #nested(value: unknown, place: Place, depth: number): FilterNode {
    const fields = this.#fields(value, NESTED, place, depth)
    const path = pathAt(fields)
    return { op: 'nested', path, child: this.filter(fields.get('filter'), fields.at('filter'), depth + 1) }
  }

  /** The place of the vector is looked up once the collection is known; -1: it has none of the name. */
  #hasVector(name: unknown, place: Place): FilterNode {
    if (typeof name !== 'string') throw this.#start.reading.mistyped(place, 'the name of a vector', name ?? null)
    const node = { op: 'hasVector' as const, vector: -1 }
    this.#lookUps.push(({ vectorNames }) => {
      node.vector = vectorNames.indexOf(name)
    })
    return node
  }

  #fields(value: unknown, keys: Keys, place: Place, depth: number): Fields {
    this.checkDepth(depth)
    return fieldsAt(value, keys, place, this.#start.reading)
  }

  checkDepth(depth: number): void {
    if (depth <= LIMITS.filterDepth) return
    throw this.#start.reading.mistyped(this.#start.place, `at most ${LIMITS.filterDepth} nested levels`)
  }
}

function idsOf(list: readonly unknown[], place: Place, reading: Reading, textIds: boolean): Uint32Array {
  const known = idsRead.get(list)
  if (known?.textIds === textIds) return known.ids
  const ids = new Uint32Array(list.length * ID_WORDS)
  for (let at = 0; at < list.length; at++) writeId(list[at], ids, at, { place, reading, textIds })
  return ids
}

/** Makes nothing but for an error: a list may be long. */
export function writeId(id: unknown, into: Uint32Array, at: number, list: Start & { textIds: boolean }): void {
  try {
    encodeId(id, into, at * ID_WORDS, 'id', list.textIds)
  } catch (error) {
    list.reading.at({ parent: list.place, key: at }, () => {
      throw error
    })
  }
}
